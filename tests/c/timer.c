/* There is no timer thread: a waiter keeps the time. When it is gone, because it lost patience or got the lock, another takes
   the timer over, and the holder is asked to drop all the same (S2, L3). It also ends a barging (L5).
   timer POLICY: interval or responsive. */
#include "check.h"

#define ROUNDS 20u

static atomic_uint served;

static void *lose_patience(void *unused) {
  CHECK_STATUS(gil_acquire_for(MILLISECONDS(1)), GILRT_ERR_TIMEOUT);
  return unused;
}

static void *wait_for_it(void *unused) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  atomic_fetch_add(&served, 1);
  return unused;
}

/* As the holder after it: lets go when asked, and only then. */
static void *wait_and_hold_on(void *others) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  while (atomic_load(&served) < *(unsigned *)others) CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

static uint64_t queued_so_far(void) {
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  CHECK_STATUS(gilrt_stats_get(NULL, &stats), GILRT_OK);
  return stats.contended;
}

/* Returns when the thread has queued; it may have left the queue again. */
static pthread_t start(void *(*body)(void *), void *argument) {
  pthread_t thread;
  uint64_t before = queued_so_far();
  CHECK_EQ(pthread_create(&thread, NULL, body, argument), 0);
  AWAIT(queued_so_far() == before + 1);
  return thread;
}

/* The first waiter, which keeps the time, gives up before it is due; the holder polls, and is waited for by a second. */
static void the_keeper_loses_patience(void) {
  pthread_t impatient, patient;
  atomic_store(&served, 0);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  impatient = start(lose_patience, NULL);
  patient = start(wait_for_it, NULL);
  CHECK_EQ(pthread_join(impatient, NULL), 0);
  while (atomic_load(&served) < 1) CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_EQ(pthread_join(patient, NULL), 0);
}

/* The first waiter gets the lock and keeps it, polling: those behind it must have it asked, too. */
static void the_keeper_becomes_the_holder(void) {
  unsigned others = 2;
  pthread_t threads[3];
  atomic_store(&served, 0);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  threads[0] = start(wait_and_hold_on, &others);
  for (unsigned i = 1; i <= others; i++) threads[i] = start(wait_for_it, NULL);
  CHECK_STATUS(gil_release(), GILRT_OK);
  for (unsigned i = 0; i <= others; i++) CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

/* The holder lets go again and again and is back before the waiter that it woke: that must end. */
static void the_holder_comes_straight_back(void) {
  atomic_store(&served, 0);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  pthread_t waiter = start(wait_for_it, NULL);
  while (atomic_load(&served) < 1) {
    for (volatile unsigned work = 0; work < 2000;) work = work + 1;
    CHECK_STATUS(gil_release(), GILRT_OK);
    CHECK_STATUS(gil_acquire(), GILRT_OK);
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_EQ(pthread_join(waiter, NULL), 0);
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 2);
  const gilrt_config_t config = {.struct_size = sizeof config,
                                 .policy = strcmp(argv[1], "interval") == 0 ? GIL_POLICY_INTERVAL : GIL_POLICY_RESPONSIVE,
                                 .switch_interval_ns = MILLISECONDS(5)};
  CHECK_STATUS(gilrt_init(&config), GILRT_OK);
  for (unsigned i = 0; i < ROUNDS; i++) {
    the_keeper_loses_patience();
    the_keeper_becomes_the_holder();
    the_holder_comes_straight_back();
  }
  CHECK_EQ(waiting_threads(), 0);
  return 0;
}
