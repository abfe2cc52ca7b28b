// The header is C++17 as well, with C linkage.
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <gilrt.h>

static_assert(std::is_standard_layout<gilrt_module_t>::value, "structs are those of C");

namespace {

int finalized = 0;

void check(bool truth, const char *what) {
  if (truth) return;
  std::fprintf(stderr, "%s is false\n", what);
  std::_Exit(1);
}

#define CHECK(condition) check((condition), #condition)

void finalize(obj_t *self) {
  OBJ_PAYLOAD(self, std::string)->~basic_string();
  finalized++;
}

} // namespace

int main() {
  obj_type_config_t config{};
  config.struct_size = sizeof config;
  config.name = "string";
  config.payload_size = sizeof(std::string);
  config.finalize = finalize;
  obj_type_t *type = nullptr;
  obj_t *object = nullptr;
  CHECK(gil_acquire() == GILRT_OK);
  CHECK(obj_type_new(&config, &type) == GILRT_OK);
  CHECK(obj_new(type, 0, &object) == GILRT_OK);
  new (OBJ_PAYLOAD(object, std::string)) std::string(1000, 'x');

  std::string gathered; // guarded by the lock
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; i++) {
    threads.emplace_back([&gathered, object] {
      for (int round = 0; round < 100; round++) {
        CHECK(gil_acquire() == GILRT_OK);
        gathered += OBJ_PAYLOAD(obj_newref(object), std::string)->front();
        CHECK(gil_release() == GILRT_OK);
        obj_decref(object);
      }
    });
  }
  GIL_BEGIN_ALLOW_THREADS
  for (std::thread &thread : threads) thread.join();
  GIL_END_ALLOW_THREADS
  CHECK(gathered == std::string(800, 'x'));
  obj_decref(object);
  CHECK(gil_poll() == GILRT_OK); // settles what the threads counted without the lock
  CHECK(finalized == 1);
  CHECK(obj_live_count() == 0);
  CHECK(gil_release() == GILRT_OK);
  CHECK(gilrt_finalize(UINT64_MAX) == GILRT_OK);
  return 0;
}
