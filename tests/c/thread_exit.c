/* A thread that ends while it holds the lock, at any depth, in a region, or cancelled while it waited: the lock is let go
   for it, a warning says so, and the others go on (L3, L6, L16). */
#include "check.h"

#define WAITERS 3u

static atomic_uint warnings, served;
static atomic_bool held, let_go;
static int log_user;

static void on_log(int level, const char *message, void *user) {
  CHECK(user == &log_user);
  CHECK_EQ(level, 2);
  CHECK(strstr(message, "ended while it was attached"));
  atomic_fetch_add(&warnings, 1);
}

static void wait_once(unsigned index, void *unused) {
  (void)unused;
  if (index % 2) CHECK_STATUS(gil_acquire(), GILRT_OK);
  else CHECK_STATUS(gil_acquire_for(FOREVER), GILRT_OK);
  atomic_fetch_add(&served, 1);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

static void hold_until_told(unsigned depth) {
  for (unsigned i = 0; i < depth; i++) CHECK_STATUS(gil_acquire(), GILRT_OK);
  atomic_store(&held, true);
  AWAIT(atomic_load(&let_go));
}

static void *end_holding(void *depth) {
  hold_until_told(*(unsigned *)depth);
  return NULL;
}

static void *end_by_pthread_exit(void *depth) {
  hold_until_told(*(unsigned *)depth);
  pthread_exit(NULL);
}

static void *end_in_a_region(void *depth) {
  for (unsigned i = 0; i < *(unsigned *)depth; i++) CHECK_STATUS(gil_acquire(), GILRT_OK);
  GIL_BEGIN_ALLOW_THREADS
  pthread_exit(NULL);
  GIL_END_ALLOW_THREADS
  return NULL;
}

static void *end_detached(void *depth) {
  for (unsigned i = 0; i < *(unsigned *)depth; i++) CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_EQ(gil_detach(), *(unsigned *)depth);
  return NULL;
}

/* Earns the bias, and takes it along. */
static void *end_alone(void *unused) {
  for (unsigned i = 0; i < 5000; i++) {
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
  return unused;
}

static void the_lock_is_free(void) {
  CHECK_EQ(waiting_threads(), 0);
  CHECK_STATUS(gil_try_acquire(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

static void run_to_its_end(void *(*body)(void *), unsigned depth, unsigned expected_warnings) {
  pthread_t thread;
  unsigned before = atomic_load(&warnings);
  CHECK_EQ(pthread_create(&thread, NULL, body, &depth), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  CHECK_EQ(atomic_load(&warnings), before + expected_warnings);
  the_lock_is_free();
}

/* Ends with waiters behind it, who have asked it to drop the lock meanwhile; and the warning is one. */
static void waiters_go_on(void *(*body)(void *), unsigned depth) {
  pthread_t thread;
  team_t team;
  unsigned before = atomic_load(&warnings);
  atomic_store(&held, false);
  atomic_store(&let_go, false);
  atomic_store(&served, 0);
  CHECK_EQ(pthread_create(&thread, NULL, body, &depth), 0);
  AWAIT(atomic_load(&held));
  team_start(&team, WAITERS, wait_once, NULL);
  AWAIT(waiting_threads() == WAITERS);
  sleep_us(2000);
  atomic_store(&let_go, true);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  team_join(&team);
  CHECK_EQ(atomic_load(&served), WAITERS);
  CHECK_EQ(atomic_load(&warnings), before + 1);
  the_lock_is_free();
}

static void *be_cancelled_while_waiting(void *unused) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  pthread_testcancel();
  check_fail(__FILE__, __LINE__, "the cancellation got lost");
  return unused;
}

/* The wait is no cancellation point: the thread has the lock first, and ends at the next point with it. */
static void a_cancelled_waiter_ends_later(void) {
  pthread_t thread;
  void *result;
  unsigned before = atomic_load(&warnings);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_EQ(pthread_create(&thread, NULL, be_cancelled_while_waiting, NULL), 0);
  AWAIT(waiting_threads() == 1);
  CHECK_EQ(pthread_cancel(thread), 0);
  CHECK_EQ(waiting_threads(), 1);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_EQ(pthread_join(thread, &result), 0);
  CHECK(result == PTHREAD_CANCELED);
  CHECK_EQ(atomic_load(&warnings), before + 1);
  the_lock_is_free();
}

/* A waiter that has asked for the lock is gone when the holder lets go: the release waits for nobody. */
static void *give_up(void *unused) {
  CHECK_STATUS(gil_acquire_for(MILLISECONDS(3)), GILRT_ERR_TIMEOUT);
  return unused;
}

static void whoever_asked_may_be_gone(void) {
  pthread_t thread;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (unsigned i = 0; i < 10; i++) {
    CHECK_EQ(pthread_create(&thread, NULL, give_up, NULL), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    CHECK_STATUS(gil_poll(), GILRT_OK);
    CHECK(gil_held());
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
  the_lock_is_free();
}

static unsigned known_threads(void) {
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  CHECK_STATUS(gilrt_stats_get(NULL, &stats), GILRT_OK);
  return stats.threads;
}

int main(void) {
  gilrt_set_log(on_log, &log_user);
  CHECK_STATUS(gil_set_switch_interval(MILLISECONDS(1)), GILRT_OK);
  atomic_store(&let_go, true);
  for (unsigned depth = 1; depth <= 3; depth++) {
    run_to_its_end(end_holding, depth, 1);
    run_to_its_end(end_by_pthread_exit, depth, 1);
    run_to_its_end(end_in_a_region, depth, 1);
    run_to_its_end(end_detached, depth, 0);
    run_to_its_end(end_alone, depth, 0);
    waiters_go_on(end_holding, depth);
    waiters_go_on(end_by_pthread_exit, depth);
  }
  a_cancelled_waiter_ends_later();
  whoever_asked_may_be_gone();
  CHECK_EQ(known_threads(), 1);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK); /* nobody is thought to be inside, or in a region, any more */
  return 0;
}
