/* On one processor, where a waiter that spun would keep the holder from letting go: threads that compute, threads that
   sleep and threads that never poll all get the lock (L12). */
#include "check.h"

#include <sched.h>

#define HOGS 2u
#define SLEEPERS 3u
#define CALLERS 2u
#define VISITS 40u

static atomic_uint busy; /* sleepers and callers that are not done */
static uint64_t plain;   /* guarded by the lock */
static atomic_ullong expected;

static void touch(void) {
  CHECK(gil_held());
  plain++;
  atomic_fetch_add_explicit(&expected, 1, memory_order_relaxed);
}

static void hog(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  while (atomic_load(&busy) > 0) {
    touch();
    CHECK_STATUS(gil_poll(), GILRT_OK);
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
}

static void sleeper(void) {
  for (unsigned i = 0; i < VISITS; i++) {
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    touch();
    GIL_BEGIN_ALLOW_THREADS
    sleep_us(500);
    GIL_END_ALLOW_THREADS
    touch();
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
  atomic_fetch_sub(&busy, 1);
}

/* Lets go and takes it back at once, without a safepoint. */
static void caller(void) {
  for (unsigned i = 0; i < VISITS; i++) {
    int status = i % 2 ? gil_acquire() : gil_acquire_for(MILLISECONDS(50));
    if (status == GILRT_ERR_TIMEOUT) continue;
    CHECK_STATUS(status, GILRT_OK);
    touch();
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
  atomic_fetch_sub(&busy, 1);
}

static void body(unsigned index, void *unused) {
  (void)unused;
  if (index < HOGS) hog();
  else if (index < HOGS + SLEEPERS) sleeper();
  else caller();
}

static atomic_bool held;

static void *hold_asleep(void *unused) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  atomic_store(&held, true);
  sleep_us(100000);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return unused;
}

static uint64_t cpu_time_ns(void) {
  struct timespec used;
  CHECK_EQ(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used), 0);
  return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

/* The processor has nothing else to do, so one that span would have all of it. */
static void a_waiter_uses_no_time(void) {
  pthread_t holder;
  CHECK_EQ(pthread_create(&holder, NULL, hold_asleep, NULL), 0);
  AWAIT(atomic_load(&held));
  uint64_t before = cpu_time_ns();
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK(cpu_time_ns() - before < MILLISECONDS(50));
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_EQ(pthread_join(holder, NULL), 0);
}

int main(void) {
  cpu_set_t allowed, one;
  CHECK_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
  int cpu = 0;
  while (!CPU_ISSET(cpu, &allowed)) cpu++;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  CHECK_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  CHECK_STATUS(gil_set_switch_interval(MILLISECONDS(1)), GILRT_OK);
  atomic_store(&busy, SLEEPERS + CALLERS);
  team_run(HOGS + SLEEPERS + CALLERS, body, NULL);
  CHECK_EQ(plain, atomic_load(&expected));
  a_waiter_uses_no_time();
  CHECK_EQ(waiting_threads(), 0);
  return 0;
}
