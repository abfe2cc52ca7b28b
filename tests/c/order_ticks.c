/* GIL_POLICY_TICKS: nobody is asked to drop, a safepoint gives nothing up but every hundredth, and whoever lets go competes
   again at once; a holder that stays away long enough is followed by the first in the queue. */
#include "order.h"

static void nobody_is_asked_and_the_polls_count(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  visitors_queue(2, visit_once);
  sleep_us(5000); /* several intervals */
  for (unsigned i = 0; i < 99; i++) {
    CHECK_STATUS(gil_poll(), GILRT_OK);
    CHECK_EQ(served_count, 0);
  }
  CHECK_EQ(waiting_threads(), 2);
  while (waiting_threads() > 0) { /* each hundredth poll lets go; whether a waiter is quick enough is another matter */
    CHECK_STATUS(gil_poll(), GILRT_OK);
    CHECK(gil_held());
    GIL_BEGIN_ALLOW_THREADS
    sleep_us(500);
    GIL_END_ALLOW_THREADS
  }
  CHECK_EQ(stats().drop_requests, 0);
  CHECK_EQ(stats().forced_drops, 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
  visitors_leave();
  expect_order("12");
}

static void a_release_serves_them_in_order_of_arrival(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  visitors_queue(6, visit_once);
  CHECK_STATUS(gil_release(), GILRT_OK);
  visitors_leave();
  expect_order("123456");
}

static void a_yield_still_gives_way(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  visitors_queue(3, visit_once);
  CHECK_STATUS(gil_yield(), GILRT_OK);
  sign(0);
  CHECK_STATUS(gil_release(), GILRT_OK);
  visitors_leave();
  expect_order("1230");
}

int main(void) {
  const gilrt_config_t config = {
      .struct_size = sizeof config, .policy = GIL_POLICY_TICKS, .switch_interval_ns = MILLISECONDS(1)};
  CHECK_STATUS(gilrt_init(&config), GILRT_OK);
  nobody_is_asked_and_the_polls_count();
  a_release_serves_them_in_order_of_arrival();
  a_yield_still_gives_way();
  return 0;
}
