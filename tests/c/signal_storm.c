/* A storm of signals without SA_RESTART at threads that wait, wait with a limit, poll and let go: no sleep ends early, no
   acquire is lost, errno stays, and what is async-signal-safe works in the handler wherever it interrupts. */
#include "check.h"

#include <signal.h>
#include <sys/time.h>

#define WORKERS 5u
#define ROUNDS 300u

static atomic_uint running, storms, accepted;
static unsigned ran;   /* guarded by the lock */
static uint64_t plain; /* guarded by the lock */
static atomic_ullong expected;
static atomic_int inside;
static team_t team;
static _Thread_local volatile uint64_t my_id;
static _Thread_local volatile sig_atomic_t surely_held, surely_not_held;

static int count(void *unused) {
  (void)unused;
  CHECK(gil_held());
  ran++;
  return 0;
}

static void on_signal(int number) {
  int before = errno;
  (void)number;
  bool held = gil_held();
  if (surely_held) CHECK(held);
  if (surely_not_held) CHECK(!held);
  if (my_id) CHECK_EQ(gil_thread_id(), my_id);
  int status = gil_call_soon(count, NULL);
  if (status == GILRT_OK) atomic_fetch_add(&accepted, 1);
  else CHECK_STATUS(status, GILRT_ERR_LIMIT);
  atomic_fetch_add(&storms, 1);
  CHECK_EQ(errno, before); /* the interrupted thread may be between its system call and its look at errno */
}

static void stay_inside(unsigned round) {
  CHECK(gil_held());
  surely_held = 1;
  CHECK_EQ(atomic_fetch_add(&inside, 1), 0);
  uint64_t seen = plain;
  if (round % 8 == 0) sleep_us(100);
  plain = seen + 1;
  CHECK_EQ(atomic_fetch_sub(&inside, 1), 1);
  surely_held = 0;
  atomic_fetch_add(&expected, 1);
}

static int come_in(unsigned way) {
  if (way % 3 == 0) return gil_acquire();
  if (way % 3 == 1) return gil_acquire_for(FOREVER);
  uint64_t start = now_ns();
  int status = gil_acquire_for(MILLISECONDS(1));
  if (status == GILRT_ERR_TIMEOUT) CHECK(now_ns() - start >= MILLISECONDS(1));
  return status;
}

static void work(unsigned index, void *unused) {
  (void)unused;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  my_id = gil_thread_id();
  for (unsigned round = 0; round < ROUNDS; round++) {
    errno = EDOM;
    int status = come_in(round + index);
    CHECK_EQ(errno, EDOM);
    if (status == GILRT_ERR_TIMEOUT) continue;
    CHECK_STATUS(status, GILRT_OK);
    stay_inside(round);
    errno = ERANGE;
    CHECK_STATUS(round % 2 ? gil_poll() : gil_yield(), GILRT_OK);
    GIL_BEGIN_ALLOW_THREADS
    surely_not_held = 1;
    CHECK(!gil_held());
    surely_not_held = 0;
    GIL_END_ALLOW_THREADS
    CHECK_EQ(errno, ERANGE);
    stay_inside(round + 1);
    errno = ENODEV;
    CHECK_STATUS(gil_release(), GILRT_OK);
    CHECK_EQ(errno, ENODEV);
  }
  my_id = 0; /* signals go on until the thread is gone, and the exit hook makes it unknown before that */
  atomic_fetch_sub(&running, 1);
}

/* Each worker in turn; the timer hits whichever thread the system likes. */
static void storm(void) {
  const struct itimerval often = {.it_interval = {.tv_usec = 100}, .it_value = {.tv_usec = 100}}, never = {.it_value = {0}};
  CHECK_EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
  for (unsigned i = 0; atomic_load(&running) > 0; i++) {
    pthread_kill(team.members[i % WORKERS].thread, SIGUSR1);
    sleep_us(100);
  }
  CHECK_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
}

int main(void) {
  struct sigaction action = {.sa_handler = on_signal};
  CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
  CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
  CHECK_STATUS(gil_set_switch_interval(MILLISECONDS(1)), GILRT_OK);
  atomic_store(&running, WORKERS);
  team_start(&team, WORKERS, work, NULL);
  storm();
  team_join(&team);
  CHECK(atomic_load(&storms) > 100);
  CHECK_EQ(plain, atomic_load(&expected));
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_EQ(ran, atomic_load(&accepted));
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_EQ(waiting_threads(), 0);
  return 0;
}
