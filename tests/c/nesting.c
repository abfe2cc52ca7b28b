/* Each acquire needs its release; the lock is free only after the last; detach and attach carry the depth over. */
#include "check.h"

static int try_from_another_thread_status;

static void *try_once(void *unused) {
  (void)unused;
  try_from_another_thread_status = gil_try_acquire();
  if (try_from_another_thread_status == GILRT_OK) CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

static int try_from_another_thread(void) {
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, NULL, try_once, NULL), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  return try_from_another_thread_status;
}

static void every_level_keeps_others_out(void) {
  for (int i = 0; i < 3; i++) CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_try_acquire(), GILRT_OK);
  CHECK_STATUS(gil_acquire_for(0), GILRT_OK);
  for (int i = 0; i < 4; i++) {
    CHECK_STATUS(gil_release(), GILRT_OK);
    CHECK(gil_held());
    CHECK_STATUS(try_from_another_thread(), GILRT_ERR_TIMEOUT);
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK(!gil_held());
  CHECK_STATUS(try_from_another_thread(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
}

static void detach_lets_go_at_any_depth_and_attach_restores_it(void) {
  for (int i = 0; i < 5; i++) CHECK_STATUS(gil_acquire(), GILRT_OK);
  uint32_t depth = gil_detach();
  CHECK_EQ(depth, 5);
  CHECK(!gil_held());
  CHECK_EQ(gil_detach(), 0);
  CHECK_STATUS(try_from_another_thread(), GILRT_OK);
  CHECK_STATUS(gil_attach(depth), GILRT_OK);
  for (int i = 0; i < 5; i++) {
    CHECK(gil_held());
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
  CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
}

/* A callback that acquires inside a region nests a whole life of its own in it. */
static void regions_nest(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  GIL_BEGIN_ALLOW_THREADS
  CHECK(!gil_held());
  CHECK_STATUS(try_from_another_thread(), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  GIL_BEGIN_ALLOW_THREADS
  CHECK(!gil_held());
  CHECK_STATUS(try_from_another_thread(), GILRT_OK);
  GIL_END_ALLOW_THREADS
  CHECK(gil_held());
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK(!gil_held());
  GIL_END_ALLOW_THREADS
  CHECK(gil_held());
  CHECK_STATUS(try_from_another_thread(), GILRT_ERR_TIMEOUT);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK(gil_held());
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK(!gil_held());
}

static void a_region_of_an_unattached_thread_changes_nothing(void) {
  CHECK(!gil_held());
  GIL_BEGIN_ALLOW_THREADS
  CHECK(!gil_held());
  CHECK_STATUS(try_from_another_thread(), GILRT_OK);
  GIL_END_ALLOW_THREADS
  CHECK(!gil_held());
  CHECK_STATUS(try_from_another_thread(), GILRT_OK);
}

int main(void) {
  every_level_keeps_others_out();
  detach_lets_go_at_any_depth_and_attach_restores_it();
  regions_nest();
  a_region_of_an_unattached_thread_changes_nothing();
  return 0;
}
