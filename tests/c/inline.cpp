// The inline functions are C++17 too: a guard on top of them, used by several threads.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include <gilrt_inline.h>

namespace {

void check(bool truth, const char *what) {
  if (truth) return;
  std::fprintf(stderr, "%s is false\n", what);
  std::_Exit(1);
}

#define CHECK(condition) check((condition), #condition)

class Attached {
public:
  explicit Attached(gil_thread_t *t) : state(t) { CHECK(gil_acquire_inline_t(state) == GILRT_OK); }
  ~Attached() { CHECK(gil_release_inline_t(state) == GILRT_OK); }
  Attached(const Attached &) = delete;
  Attached &operator=(const Attached &) = delete;

private:
  gil_thread_t *state;
};

constexpr int threads = 4, rounds = 20000;
std::uint64_t plain = 0; // guarded by the lock
obj_t *object = nullptr;

void work() {
  gil_thread_t *t = gil_thread_self(); // of a thread that is not known yet
  for (int i = 0; i < rounds; i++) {
    Attached attached(t);
    CHECK(gil_held());
    plain++;
    obj_incref_inline_t(t, object);
    CHECK(gil_poll_inline_t(t) == GILRT_OK);
    GIL_BEGIN_ALLOW_THREADS_INLINE // detached, the thread does not own the object
    obj_incref_inline_t(t, object);
    obj_decref_inline(object);
    obj_decref_inline_t(t, object);
    GIL_END_ALLOW_THREADS_INLINE
    if (i == rounds / 2) t = gil_thread_self_inline();
  }
}

} // namespace

int main() {
  obj_type_config_t config{};
  config.struct_size = sizeof config;
  config.name = "thing";
  obj_type_t *type = nullptr;
  CHECK(gil_acquire_inline() == GILRT_OK);
  CHECK(obj_type_new(&config, &type) == GILRT_OK);
  CHECK(obj_new(type, 0, &object) == GILRT_OK);
  CHECK(gil_release_inline() == GILRT_OK);
  std::vector<std::thread> team;
  for (int i = 0; i < threads; i++) team.emplace_back(work);
  for (auto &thread : team) thread.join();
  CHECK(plain == std::uint64_t{threads} * rounds);
  CHECK(obj_refcount(object) == 1);
  CHECK(gil_acquire_inline() == GILRT_OK);
  obj_decref_inline(object);
  CHECK(obj_live_count() == 0);
  CHECK(gil_release_inline() == GILRT_OK);
  CHECK(gilrt_finalize(UINT64_MAX) == GILRT_OK);
  return 0;
}
