/* A call that was left while another thread had the lock is found by the thread that gets the lock back, however it comes
   back: from a poll that gave way, from a yield, from a region (S5). */
#include "check.h"

static unsigned ran; /* guarded by the lock */
static atomic_bool left;

static int count(void *user) {
  (void)user;
  CHECK(gil_held());
  ran++;
  return 0;
}

/* Has the lock for a moment, leaves a call, and goes without a safepoint of its own. */
static void *leave_a_call(void *unused) {
  (void)unused;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_call_soon(count, NULL), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  atomic_store(&left, true);
  return NULL;
}

static int sleep_in_a_region(void) {
  GIL_BEGIN_ALLOW_THREADS
  sleep_us(100);
  GIL_END_ALLOW_THREADS
  return GILRT_OK;
}

static int detach_and_attach(void) {
  uint32_t depth = gil_detach();
  sleep_us(100);
  return gil_attach(depth);
}

/* The calling thread stays on the lock but for the ways that it gives. */
static void finds_it_after(int (*give_way)(void)) {
  pthread_t thread;
  atomic_store(&left, false);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  unsigned before = ran;
  CHECK_EQ(pthread_create(&thread, NULL, leave_a_call, NULL), 0);
  while (!atomic_load(&left)) CHECK_STATUS(give_way(), GILRT_OK);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_EQ(ran, before + 1);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_EQ(pthread_join(thread, NULL), 0);
}

int main(void) {
  int (*const ways[])(void) = {gil_poll, gil_yield, sleep_in_a_region, detach_and_attach};
  CHECK_STATUS(gil_set_switch_interval(1000), GILRT_OK);
  for (unsigned round = 0; round < 100; round++) finds_it_after(ways[round % 4]);
  return 0;
}
