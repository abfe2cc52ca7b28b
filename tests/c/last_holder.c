/* Who had the lock last, and how often it changed hands: also when threads have ended whose states serve others. */
#include "child.h"

#include <signal.h>

static uint64_t switches(void) {
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  CHECK_STATUS(gilrt_stats_get(NULL, &stats), GILRT_OK);
  return stats.switches;
}

static void take(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_EQ(gil_last_holder(NULL), gil_thread_id());
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_EQ(gil_last_holder(NULL), gil_thread_id());
}

static void *take_often(void *number) {
  for (int i = 0; i < 3000; i++) take(); /* and has the bias in the end */
  *(uint64_t *)number = gil_thread_id();
  return NULL;
}

static void *only_look(void *last) {
  CHECK_EQ(gil_last_holder(NULL), *(uint64_t *)last);
  CHECK_EQ(gil_thread_id(), 0);
  CHECK_STATUS(gil_thread_set_user(NULL), GILRT_OK); /* it is known now, maybe by the state that the last holder had */
  CHECK(gil_thread_id() != 0);
  CHECK_EQ(gil_last_holder(NULL), *(uint64_t *)last);
  return NULL;
}

static void in_a_thread(void *(*body)(void *), void *argument) {
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, NULL, body, argument), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
}

static atomic_uint served;

static void hand_over(unsigned index, void *unused) {
  (void)index, (void)unused;
  for (int i = 0; i < 200; i++) {
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    CHECK_EQ(gil_last_holder(NULL), gil_thread_id());
    CHECK_STATUS(gil_yield(), GILRT_OK);
    CHECK_EQ(gil_last_holder(NULL), gil_thread_id());
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
  atomic_fetch_add(&served, 1);
}

static void child(void *last) { CHECK_EQ(gil_last_holder(NULL), *(uint64_t *)last); }

static volatile sig_atomic_t seen;

static void look(int unused) {
  (void)unused;
  seen = (sig_atomic_t)gil_last_holder(NULL);
}

int main(void) {
  CHECK_EQ(gil_last_holder(NULL), 0);
  CHECK_EQ(gil_last_holder(gil_interp_main()), 0);
  CHECK_EQ(switches(), 0);
  take();
  take();
  CHECK_EQ(switches(), 1);
  for (uint64_t i = 1; i <= 4; i++) {
    uint64_t last = 0;
    in_a_thread(take_often, &last);
    CHECK(last != 0);
    CHECK_EQ(gil_last_holder(NULL), last);
    CHECK_EQ(switches(), 1 + i);
    in_a_thread(only_look, &last);
    in_child(child, &last);
  }
  take();
  CHECK_EQ(switches(), 6);
  CHECK(signal(SIGUSR1, look) != SIG_ERR);
  CHECK_EQ(raise(SIGUSR1), 0);
  CHECK_EQ(seen, gil_thread_id());
  team_run(3, hand_over, NULL);
  CHECK(switches() >= 9);
  gil_interp_t *free_one;
  gil_interp_config_t config = {.struct_size = sizeof config, .mode = GIL_MODE_FREE};
  CHECK_STATUS(gil_interp_new(&config, &free_one), GILRT_OK);
  CHECK_STATUS(gil_interp_enter(free_one, NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_EQ(gil_last_holder(free_one), 0);
  CHECK(gil_last_holder(gil_interp_main()) != 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return 0;
}
