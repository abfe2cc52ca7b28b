/* Wrong thread, wrong depth: the answer is a status, and whoever holds the lock goes on holding it undisturbed. */
#include "check.h"

static atomic_int held, let_go;

static void *hold(void *unused) {
  (void)unused;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  atomic_store(&held, 1);
  AWAIT(atomic_load(&let_go));
  CHECK(gil_held());
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK(gil_held());
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
  return NULL;
}

static void refuse_everything_that_needs_the_lock(void) {
  CHECK(!gil_held());
  CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
  CHECK_STATUS(gil_poll(), GILRT_ERR_NOT_ATTACHED);
  CHECK_STATUS(gil_yield(), GILRT_ERR_NOT_ATTACHED);
  CHECK_EQ(gil_detach(), 0);
  CHECK_STATUS(gil_attach(0), GILRT_OK);
  CHECK(!gil_held());
}

static void *refuse_in_a_fresh_thread(void *unused) {
  (void)unused;
  refuse_everything_that_needs_the_lock();
  return NULL;
}

static void release_by_a_non_holder_changes_nothing(void) {
  pthread_t holder, fresh;
  CHECK_EQ(pthread_create(&holder, NULL, hold, NULL), 0);
  AWAIT(atomic_load(&held));
  for (int i = 0; i < 3; i++) {
    refuse_everything_that_needs_the_lock();
    CHECK_STATUS(gil_try_acquire(), GILRT_ERR_TIMEOUT);
  }
  CHECK_EQ(pthread_create(&fresh, NULL, refuse_in_a_fresh_thread, NULL), 0);
  CHECK_EQ(pthread_join(fresh, NULL), 0);
  atomic_store(&let_go, 1);
  CHECK_EQ(pthread_join(holder, NULL), 0);
}

static void attach_while_attached_is_refused(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_attach(1), GILRT_ERR_NESTED);
  CHECK_STATUS(gil_attach(7), GILRT_ERR_NESTED);
  CHECK_STATUS(gil_attach(0), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
}

static void finalize_while_attached_is_refused(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_ERR_NESTED);
  CHECK_STATUS(gil_poll(), GILRT_OK); /* not even the beginning of an end */
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

static void absurd_intervals_are_refused_and_change_nothing(void) {
  uint64_t before = gil_switch_interval();
  CHECK(before > 0);
  const uint64_t absurd[] = {0, 10000000001u, UINT64_MAX};
  for (unsigned i = 0; i < 3; i++) {
    CHECK_STATUS(gil_set_switch_interval(absurd[i]), GILRT_ERR_INVALID);
    CHECK_EQ(gil_switch_interval(), before);
  }
  CHECK_STATUS(gil_set_switch_interval(10000000000u), GILRT_OK);
  CHECK_EQ(gil_switch_interval(), 10000000000);
  CHECK_STATUS(gil_set_switch_interval(1000), GILRT_OK); /* a microsecond is hectic, not absurd */
  CHECK_EQ(gil_switch_interval(), 1000);
}

static void statistics_need_a_place_to_go(void) {
  gilrt_stats_t stats = {.struct_size = 0};
  CHECK_STATUS(gilrt_stats_get(NULL, NULL), GILRT_ERR_INVALID);
  CHECK_STATUS(gilrt_stats_get(NULL, &stats), GILRT_ERR_INVALID);
}

static void every_status_has_a_name_and_a_sentence(void) {
  for (int status = -20; status <= 5; status++) {
    CHECK(gilrt_strerror(status) && gilrt_strerror(status)[0]);
    CHECK(gilrt_status_name(status) && gilrt_status_name(status)[0]);
  }
  CHECK(strcmp(gilrt_status_name(GILRT_ERR_TIMEOUT), "GILRT_ERR_TIMEOUT") == 0);
  CHECK(gilrt_strerror(INT32_MIN)[0] && gilrt_strerror(INT32_MAX)[0]);
}

int main(void) {
  refuse_everything_that_needs_the_lock();
  release_by_a_non_holder_changes_nothing();
  attach_while_attached_is_refused();
  finalize_while_attached_is_refused();
  absurd_intervals_are_refused_and_change_nothing();
  statistics_need_a_place_to_go();
  every_status_has_a_name_and_a_sentence();
  return 0;
}
