/* GIL_POLICY_INTERVAL: waiters are served in the order in which they came, a drop that was asked for hands over to the first
   of them, and whoever dropped queues at the end (L1, L5, L8). */
#include "order.h"

static void a_release_serves_them_in_order_of_arrival(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  visitors_queue(8, visit_once);
  CHECK_STATUS(gil_release(), GILRT_OK);
  visitors_leave();
  expect_order("12345678");
}

static void a_yield_goes_to_the_end_of_the_queue(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  visitors_queue(5, visit_once);
  CHECK_STATUS(gil_yield(), GILRT_OK);
  sign(0);
  CHECK_STATUS(gil_yield(), GILRT_OK); /* nobody waits: nothing happens */
  sign(0);
  CHECK_STATUS(gil_release(), GILRT_OK);
  visitors_leave();
  expect_order("1234500");
}

/* Not before it was asked to: until then a poll does nothing. */
static void a_drop_that_was_asked_for_hands_over(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  gilrt_stats_t before = stats();
  visitors_queue(4, visit_once);
  AWAIT(stats().drop_requests == before.drop_requests + 1);
  CHECK_EQ(stats().waiters, 4);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  sign(0);
  CHECK_EQ(stats().forced_drops, before.forced_drops + 1);
  CHECK_STATUS(gil_release(), GILRT_OK);
  visitors_leave();
  expect_order("12340");
}

/* Lets go by itself after it was asked to, and comes back at once: it may not have the lock before another thread had it. */
static void a_release_after_a_request_hands_over_too(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  uint64_t before = stats().drop_requests;
  visitors_queue(1, visit_once);
  AWAIT(stats().drop_requests == before + 1);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  sign(0);
  CHECK_STATUS(gil_release(), GILRT_OK);
  visitors_leave();
  expect_order("10");
}

static void *yield_once(void *visitor) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  sign(((visitor_t *)visitor)->name);
  CHECK_STATUS(gil_yield(), GILRT_OK);
  sign(((visitor_t *)visitor)->name);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

static void those_that_yield_take_turns(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  visitors_queue(4, yield_once);
  CHECK_STATUS(gil_yield(), GILRT_OK);
  sign(0);
  CHECK_STATUS(gil_release(), GILRT_OK);
  visitors_leave();
  expect_order("123401234");
}

int main(void) {
  const gilrt_config_t config = {
      .struct_size = sizeof config, .policy = GIL_POLICY_INTERVAL, .switch_interval_ns = MILLISECONDS(10)};
  CHECK_STATUS(gilrt_init(&config), GILRT_OK);
  a_release_serves_them_in_order_of_arrival();
  a_yield_goes_to_the_end_of_the_queue();
  a_drop_that_was_asked_for_hands_over();
  a_release_after_a_request_hands_over_too();
  those_that_yield_take_turns();
  return 0;
}
