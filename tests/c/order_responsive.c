/* GIL_POLICY_RESPONSIVE: the waiter with the least runtime is served first, a thread that has used less than the holder has
   it asked to drop on arrival, and weights scale what is used (L2, L4, L19). The switch interval is so long that nothing here
   happens because one is over. */
#include "order.h"

#define HEAVY 1048576u /* its runtime hardly grows */
#define LIGHT 1u       /* 20 ms count as 20 s */

static atomic_bool used_up, come_back;

/* Has held the lock for long, while somebody waited, before it queues again. */
static void *visit_again(void *visitor) {
  CHECK_STATUS(gil_set_thread_weight(LIGHT), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  AWAIT(waiting_threads() == 1);
  sleep_us(20000);
  CHECK_STATUS(gil_release(), GILRT_OK);
  atomic_store(&used_up, true);
  AWAIT(atomic_load(&come_back));
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  sign(((visitor_t *)visitor)->name);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

/* One that always comes back as if from I/O, but has used more than its share, does not go first. */
static void whoever_has_used_less_goes_first(void) {
  pthread_t greedy;
  visitor_t itself = {.name = 9};
  CHECK_EQ(pthread_create(&greedy, NULL, visit_again, &itself), 0);
  AWAIT(stats().threads == 2);
  sleep_us(1000);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  while (!atomic_load(&used_up)) { /* this thread came first, and the other has not had the lock yet */
    CHECK_STATUS(gil_release(), GILRT_OK);
    sleep_us(1000);
    CHECK_STATUS(gil_acquire(), GILRT_OK);
  }
  atomic_store(&come_back, true);
  AWAIT(waiting_threads() == 1);
  visitors_queue(3, visit_once);
  CHECK_STATUS(gil_release(), GILRT_OK);
  visitors_leave();
  CHECK_EQ(pthread_join(greedy, NULL), 0);
  CHECK_EQ(served_count, 4);
  CHECK_EQ(served[3], 9);
}

static void *use_and_poll(void *wanted) {
  CHECK_STATUS(gil_set_thread_weight(LIGHT), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  sleep_us(2000); /* alone; that counts as well */
  atomic_store(&used_up, true);
  while (!atomic_load((atomic_bool *)wanted)) CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

/* The arrival itself asks; no interval has to pass, whatever the holder does meanwhile. */
static void an_arrival_that_has_used_less_asks_at_once(void) {
  pthread_t holder;
  atomic_bool done = false;
  uint64_t before = stats().drop_requests;
  atomic_store(&used_up, false);
  CHECK_EQ(pthread_create(&holder, NULL, use_and_poll, &done), 0);
  AWAIT(atomic_load(&used_up));
  for (uint64_t i = 1; i <= 20; i++) {
    CHECK_STATUS(gil_acquire(), GILRT_OK); /* back from something that blocked */
    CHECK_EQ(stats().drop_requests, before + i);
    CHECK_STATUS(gil_release(), GILRT_OK);
    AWAIT(waiting_threads() == 0);
  }
  atomic_store(&done, true);
  CHECK_EQ(pthread_join(holder, NULL), 0);
}

int main(void) {
  const gilrt_config_t config = {
      .struct_size = sizeof config, .policy = GIL_POLICY_RESPONSIVE, .switch_interval_ns = 10000000000u};
  CHECK_STATUS(gilrt_init(&config), GILRT_OK);
  CHECK_STATUS(gil_set_thread_weight(HEAVY), GILRT_OK);
  whoever_has_used_less_goes_first();
  an_arrival_that_has_used_less_asks_at_once();
  return 0;
}
