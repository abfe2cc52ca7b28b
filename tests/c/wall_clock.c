/* The wall clock jumps backwards all the time. The library never looks at it, and sleeps by the monotonic one (L10). The
   program's own functions stand in for those of the C library. */
#include "check.h"

#include <dlfcn.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <sys/time.h>

static atomic_uint asked_wall_clock, asked_monotonic_clock, sleeps, timed_sleeps, sleeps_by_wall_clock;
static atomic_llong wall_clock = 2000000000;

int clock_gettime(clockid_t clock, struct timespec *now) {
  if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE && clock != CLOCK_TAI) {
    atomic_fetch_add(&asked_monotonic_clock, 1);
    return (int)syscall(SYS_clock_gettime, clock, now);
  }
  atomic_fetch_add(&asked_wall_clock, 1);
  *now = (struct timespec){.tv_sec = (time_t)atomic_fetch_sub(&wall_clock, 3600)};
  return 0;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  (void)zone;
  atomic_fetch_add(&asked_wall_clock, 1);
  *now = (struct timeval){.tv_sec = (time_t)atomic_fetch_sub(&wall_clock, 3600)};
  return 0;
}

time_t time(time_t *now) {
  atomic_fetch_add(&asked_wall_clock, 1);
  time_t answer = (time_t)atomic_fetch_sub(&wall_clock, 3600);
  if (now) *now = answer;
  return answer;
}

/* Counts the sleeps on a futex by the clock that ends them, and does what it is asked for. */
long syscall(long number, ...) {
  static long (*real)(long number, ...);
  va_list list;
  long a[6];
  va_start(list, number);
  for (unsigned i = 0; i < 6; i++) a[i] = va_arg(list, long);
  va_end(list);
  if (!real) {
    void *symbol = dlsym(RTLD_NEXT, "syscall");
    memcpy(&real, &symbol, sizeof symbol);
  }
  if (number == SYS_futex && ((a[1] & FUTEX_CMD_MASK) == FUTEX_WAIT || (a[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET)) {
    atomic_fetch_add(&sleeps, 1);
    if (a[3] != 0) atomic_fetch_add(&timed_sleeps, 1);
    if (a[1] & FUTEX_CLOCK_REALTIME) atomic_fetch_add(&sleeps_by_wall_clock, 1);
  }
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static atomic_bool held, let_go;

static void *hold(void *unused) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  atomic_store(&held, true);
  AWAIT(atomic_load(&let_go));
  CHECK_STATUS(gil_release(), GILRT_OK);
  return unused;
}

static void timed_acquires_end(void) {
  pthread_t holder;
  CHECK_EQ(pthread_create(&holder, NULL, hold, NULL), 0);
  AWAIT(atomic_load(&held));
  for (unsigned ms = 1; ms <= 20; ms++) {
    uint64_t start = now_ns();
    CHECK_STATUS(gil_acquire_for(MILLISECONDS(ms)), GILRT_ERR_TIMEOUT);
    CHECK(now_ns() - start >= MILLISECONDS(ms));
  }
  CHECK_STATUS(gilrt_finalize(MILLISECONDS(10)), GILRT_ERR_BUSY);
  atomic_store(&let_go, true);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  CHECK_EQ(pthread_join(holder, NULL), 0);
}

static atomic_uint served;

static void visit(unsigned index, void *unused) {
  (void)unused;
  if (index == 0) {
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    while (atomic_load(&served) < 4) CHECK_STATUS(gil_poll(), GILRT_OK);
    CHECK_STATUS(gil_release(), GILRT_OK);
    return;
  }
  for (unsigned i = 0; i < 10; i++) {
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
  atomic_fetch_add(&served, 1);
}

int main(void) {
  team_run(5, visit, NULL);
  timed_acquires_end();
  CHECK(atomic_load(&asked_monotonic_clock) > 0); /* otherwise other functions than these were called */
  CHECK(atomic_load(&timed_sleeps) > 0);
  CHECK_EQ(atomic_load(&asked_wall_clock), 0);
  CHECK_EQ(atomic_load(&sleeps_by_wall_clock), 0);
  CHECK(time(NULL) > time(NULL));
  return 0;
}
