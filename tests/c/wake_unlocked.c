/* Whoever is woken does not run into the mutex of the one who woke it: the library wakes after it has unlocked (L9). The
   program's own `syscall` stands in for that of the C library; where it wakes, the mutex must be there to be taken. */
#include "check.h"

#include <dlfcn.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#define THREADS 4u
#define ROUNDS 500u

static atomic_uint wakes;
static _Thread_local bool looking;

/* gil_switch_interval takes the mutex: in a thread that has it already, that would never end. */
static void take_the_mutex(void) {
  if (looking) return;
  looking = true;
  CHECK(gil_switch_interval() > 0);
  looking = false;
  atomic_fetch_add(&wakes, 1);
}

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
  if (number == SYS_futex && (a[1] & FUTEX_CMD_MASK) == FUTEX_WAKE) take_the_mutex();
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static uint64_t plain; /* guarded by the lock */

static void body(unsigned index, void *unused) {
  (void)unused;
  for (unsigned i = index; i < index + ROUNDS; i++) {
    int status = i % 5 ? gil_acquire() : gil_acquire_for(50000);
    if (status == GILRT_ERR_TIMEOUT) continue;
    CHECK_STATUS(status, GILRT_OK);
    plain++;
    if (i % 16 == 0) sleep_us(50);
    CHECK_STATUS(i % 3 ? gil_yield() : gil_poll(), GILRT_OK);
    GIL_BEGIN_ALLOW_THREADS
    GIL_END_ALLOW_THREADS
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
}

static void *end_while_holding(void *unused) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  AWAIT(waiting_threads() == 1);
  return unused;
}

static void ignore(int level, const char *message, void *user) { (void)level, (void)message, (void)user; }

int main(void) {
  pthread_t thread;
  CHECK_STATUS(gil_set_switch_interval(100000), GILRT_OK);
  team_run(THREADS, body, NULL);
  gilrt_set_log(ignore, NULL);
  CHECK_EQ(pthread_create(&thread, NULL, end_while_holding, NULL), 0);
  AWAIT(gil_try_acquire() == GILRT_ERR_TIMEOUT || gil_release() != GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  CHECK(atomic_load(&wakes) > 0); /* otherwise another syscall was called than this one */
  return 0;
}
