/* The inline functions: mixed with the called ones, nested, in regions, with the thread's state asked for before the thread
   was known, and from many threads at once. */
#include "check.h"

#include <gilrt_inline.h>

#define THREADS 6u
#define ROUNDS 20000u

typedef struct shared {
  uint64_t plain; /* guarded by the lock */
  atomic_int inside;
  obj_t *object;
} shared_t;

static int acquire_somehow(unsigned way, gil_thread_t *t) {
  return way % 3 == 0 ? gil_acquire() : way % 3 == 1 ? gil_acquire_inline() : gil_acquire_inline_t(t);
}

static int release_somehow(unsigned way, gil_thread_t *t) {
  return way % 3 == 0 ? gil_release() : way % 3 == 1 ? gil_release_inline() : gil_release_inline_t(t);
}

static int poll_somehow(unsigned way, gil_thread_t *t) {
  return way % 3 == 0 ? gil_poll() : way % 3 == 1 ? gil_poll_inline() : gil_poll_inline_t(t);
}

static uint32_t begin_somehow(unsigned way, gil_thread_t *t) {
  return way % 3 == 0 ? gil_region_begin() : way % 3 == 1 ? gil_region_begin_inline() : gil_region_begin_inline_t(t);
}

static void end_somehow(unsigned way, gil_thread_t *t, uint32_t saved) {
  if (way % 3 == 0) gil_region_end(saved);
  else if (way % 3 == 1) gil_region_end_inline(saved);
  else gil_region_end_inline_t(t, saved);
}

static void count_somehow(unsigned way, gil_thread_t *t, obj_t *o) {
  if (way % 3 == 0) obj_incref(o);
  else if (way % 3 == 1) obj_incref_inline(o);
  else obj_incref_inline_t(t, o);
  if (way / 3 % 3 == 0) obj_decref(o);
  else if (way / 3 % 3 == 1) obj_decref_inline(o);
  else obj_decref_inline_t(t, o);
}

static void touch(shared_t *shared) {
  CHECK_EQ(atomic_fetch_add_explicit(&shared->inside, 1, memory_order_relaxed), 0);
  shared->plain++;
  CHECK_EQ(atomic_fetch_sub_explicit(&shared->inside, 1, memory_order_relaxed), 1);
}

/* One visit: to depth 1 or 2, with a safepoint and now and then a region, each step in one of the three ways. */
static void visit(shared_t *shared, gil_thread_t *t, unsigned way) {
  CHECK_STATUS(acquire_somehow(way, t), GILRT_OK);
  touch(shared);
  bool nested = way % 5 == 0;
  if (nested) CHECK_STATUS(acquire_somehow(way / 3, t), GILRT_OK);
  count_somehow(way / 5, t, shared->object);
  CHECK_STATUS(poll_somehow(way / 7, t), GILRT_OK);
  if (way % 4 == 0) {
    uint32_t saved = begin_somehow(way / 4, t);
    CHECK_EQ(saved, nested ? 2 : 1);
    CHECK(!gil_held());
    count_somehow(way / 2, t, shared->object);
    end_somehow(way / 12, t, saved);
  }
  CHECK(gil_held());
  touch(shared);
  if (nested) CHECK_STATUS(release_somehow(way / 9, t), GILRT_OK);
  CHECK(gil_held());
  CHECK_STATUS(release_somehow(way / 27, t), GILRT_OK);
}

/* The state is asked for before the first acquire: it is the one that stands for threads that are not known. */
static void body(unsigned index, void *argument) {
  shared_t *shared = argument;
  gil_thread_t *t = gil_thread_self();
  CHECK(t && t == gil_thread_self_inline());
  CHECK_STATUS(gil_release_inline_t(t), GILRT_ERR_NOT_ATTACHED);
  CHECK_STATUS(gil_release_inline(), GILRT_ERR_NOT_ATTACHED);
  CHECK_EQ(gil_region_begin_inline_t(t), 0);
  gil_region_end_inline_t(t, 0);
  for (unsigned way = index; way < index + ROUNDS; way++) {
    if (way == index + ROUNDS / 2) t = gil_thread_self();
    visit(shared, t, way);
    CHECK(!gil_held());
  }
  CHECK(t == gil_thread_self_inline());
  CHECK_STATUS(gil_release_inline_t(t), GILRT_ERR_NOT_ATTACHED);
}

static void macros_open_and_close_a_block(void) {
  CHECK_STATUS(gil_acquire_inline(), GILRT_OK);
  GIL_BEGIN_ALLOW_THREADS_INLINE
  CHECK(!gil_held());
  GIL_BEGIN_ALLOW_THREADS_INLINE /* changes nothing on a thread that is not attached */
  CHECK(!gil_held());
  GIL_END_ALLOW_THREADS_INLINE
  CHECK(!gil_held());
  GIL_END_ALLOW_THREADS_INLINE
  CHECK(gil_held());
  CHECK_STATUS(gil_release_inline(), GILRT_OK);
}

static void they_do_nothing_for_no_object(void) {
  obj_incref_inline(NULL);
  obj_decref_inline(NULL);
}

static void the_end_is_seen_inline(void) {
  CHECK_STATUS(gil_acquire_inline(), GILRT_ERR_CLOSED);
  CHECK(!gil_held());
  CHECK_STATUS(gil_acquire_inline_t(gil_thread_self()), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_release_inline(), GILRT_ERR_NOT_ATTACHED);
}

int main(void) {
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "thing"};
  obj_type_t *type = NULL;
  shared_t shared = {.plain = 0};
  macros_open_and_close_a_block();
  they_do_nothing_for_no_object();
  CHECK_STATUS(gil_acquire_inline(), GILRT_OK);
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  CHECK_STATUS(obj_new(type, 0, &shared.object), GILRT_OK);
  CHECK_STATUS(gil_release_inline(), GILRT_OK);
  CHECK_STATUS(gil_set_switch_interval(MILLISECONDS(1)), GILRT_OK);
  body(0, &shared); /* alone first, where the fast paths are taken */
  team_run(THREADS, body, &shared);
  CHECK_EQ(shared.plain, 2 * (1 + THREADS) * ROUNDS);
  CHECK_EQ(obj_refcount(shared.object), 1);
  CHECK_STATUS(gil_acquire_inline(), GILRT_OK);
  obj_decref_inline(shared.object);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release_inline(), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  the_end_is_seen_inline();
  return 0;
}
