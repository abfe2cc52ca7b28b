/* gil_call_soon: calls run in order, once, attached, at a safepoint of whoever holds the lock; they may be left from any
   thread, and in signal handlers. */
#include "check.h"

#include <gilrt_inline.h>

#include <signal.h>
#include <sys/time.h>

#define ROOM 256

static unsigned ran;          /* guarded by the lock */
static intptr_t order[ROOM];  /* guarded by the lock */

static int note(void *user) {
  CHECK(gil_held());
  CHECK(ran < ROOM);
  order[ran++] = (intptr_t)user;
  return 0;
}

static void *number(intptr_t n) { return (void *)n; }

static void begin(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  ran = 0;
}

static void end(void) {
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
}

static void they_run_in_order_once_and_not_before_a_safepoint(int (*poll)(void)) {
  begin();
  for (int i = 0; i < 10; i++) CHECK_STATUS(gil_call_soon(note, number(i)), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_EQ(ran, 0);
  CHECK_STATUS(poll(), GILRT_OK);
  CHECK_EQ(ran, 10);
  for (int i = 0; i < 10; i++) CHECK_EQ(order[i], i);
  CHECK_STATUS(poll(), GILRT_OK);
  CHECK_EQ(ran, 10);
  end();
}

static int poll_inline(void) { return gil_poll_inline(); }

static void a_full_queue_refuses_and_loses_nothing(void) {
  for (unsigned round = 0; round < 3; round++) {
    for (int i = 0; i < ROOM; i++) CHECK_STATUS(gil_call_soon(note, number(i)), GILRT_OK);
    for (int i = 0; i < 3; i++) CHECK_STATUS(gil_call_soon(note, number(-1)), GILRT_ERR_LIMIT);
    begin();
    CHECK_STATUS(gil_poll(), GILRT_OK);
    CHECK_EQ(ran, ROOM);
    for (int i = 0; i < ROOM; i++) CHECK_EQ(order[i], i);
    end();
  }
}

static void no_function_is_refused(void) {
  CHECK_STATUS(gil_call_soon(NULL, NULL), GILRT_ERR_INVALID);
  begin();
  CHECK_STATUS(gil_poll(), GILRT_OK);
  end();
}

static int answer(void *user) {
  ran++;
  return (int)(intptr_t)user;
}

static void the_first_answer_other_than_0_is_the_polls(void) {
  const intptr_t answers[] = {0, 7, -77, 0};
  begin();
  for (unsigned i = 0; i < 4; i++) CHECK_STATUS(gil_call_soon(answer, number(answers[i])), GILRT_OK);
  CHECK_EQ(gil_poll_inline(), 7);
  CHECK_EQ(ran, 4);
  CHECK_STATUS(gil_poll_inline(), GILRT_OK);
  end();
}

static int again(void *user) {
  ran++;
  CHECK_STATUS(gil_call_soon(again, user), GILRT_OK);
  return 0;
}

static int last(void *user) {
  *(bool *)user = true;
  return 0;
}

/* Then the poll still returns, and those behind it have their turn. */
static void a_call_may_leave_itself_again_for_ever(void) {
  bool done = false;
  begin();
  CHECK_STATUS(gil_call_soon(again, NULL), GILRT_OK);
  CHECK_STATUS(gil_call_soon(last, &done), GILRT_OK);
  for (unsigned before = 0, round = 0; round < 5; round++, before = ran) {
    CHECK_STATUS(gil_poll(), GILRT_OK);
    CHECK(ran > before);
    CHECK(done);
  }
  end();
}

static int leave_and_nest(void *user) {
  (void)user;
  CHECK_STATUS(gil_poll(), GILRT_OK); /* a safepoint in a call is one, too */
  GIL_BEGIN_ALLOW_THREADS
  CHECK(!gil_held());
  GIL_END_ALLOW_THREADS
  ran++;
  CHECK_STATUS(gil_acquire(), GILRT_OK); /* and forgets to release */
  return 0;
}

static int leave_for_good(void *user) {
  (void)user;
  ran++;
  CHECK_EQ(gil_detach(), 2);
  return 0;
}

/* What it left behind is put right. */
static void a_call_may_do_what_its_thread_may(void) {
  begin();
  CHECK_STATUS(gil_call_soon(leave_and_nest, NULL), GILRT_OK);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_EQ(ran, 1);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_call_soon(leave_for_good, NULL), GILRT_OK);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_EQ(ran, 2);
  CHECK(gil_held());
  CHECK_STATUS(gil_release(), GILRT_OK);
  end();
}

#define THREADS 4u
#define CALLS 3000

static unsigned next_of[THREADS]; /* guarded by the lock */
static atomic_uint leaving;

static int take_turn(void *user) {
  unsigned thread = (unsigned)(intptr_t)user % THREADS, turn = (unsigned)(intptr_t)user / THREADS;
  CHECK(gil_held());
  CHECK_EQ(turn, next_of[thread]);
  next_of[thread]++;
  return 0;
}

/* Thread 1 is nowhere throughout, the others are known to the library. */
static void leave_many(unsigned index, void *unused) {
  (void)unused;
  if (index != 1) CHECK_STATUS(gil_acquire(), GILRT_OK);
  if (index != 1) CHECK_STATUS(gil_release(), GILRT_OK);
  for (int i = 0; i < CALLS; i++) {
    int status;
    while ((status = gil_call_soon(take_turn, number(i * (intptr_t)THREADS + index))) == GILRT_ERR_LIMIT) sleep_us(10);
    CHECK_STATUS(status, GILRT_OK);
  }
  CHECK_EQ(gil_thread_id() == 0, index == 1);
  atomic_fetch_sub(&leaving, 1);
}

static void each_thread_has_its_calls_run_in_its_order(void) {
  team_t team;
  atomic_store(&leaving, THREADS);
  team_start(&team, THREADS, leave_many, NULL);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (unsigned i = 0; atomic_load(&leaving) > 0; i++) CHECK_STATUS(i % 2 ? gil_poll() : gil_poll_inline(), GILRT_OK);
  CHECK_STATUS(gil_poll_inline(), GILRT_OK);
  for (unsigned i = 0; i < THREADS; i++) CHECK_EQ(next_of[i], CALLS);
  CHECK_STATUS(gil_release(), GILRT_OK);
  team_join(&team);
}

static atomic_uint accepted, signals;

static int count(void *user) {
  (void)user;
  ran++;
  return 0;
}

static void leave_one(int signal) {
  int before = errno;
  if (signal) atomic_fetch_add(&signals, 1);
  int status = gil_call_soon(count, NULL);
  if (status == GILRT_OK) atomic_fetch_add(&accepted, 1);
  else CHECK_STATUS(status, GILRT_ERR_LIMIT);
  CHECK_EQ(errno, before);
}

/* The handler also interrupts the library while it puts or takes a call. */
static void a_signal_handler_may_leave_calls(void) {
  const struct sigaction action = {.sa_handler = leave_one};
  const struct itimerval often = {.it_interval = {.tv_usec = 50}, .it_value = {.tv_usec = 50}}, never = {.it_value = {0}};
  CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
  begin();
  CHECK_EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
  for (unsigned i = 0; atomic_load(&signals) < 1000; i++) {
    if (i % 4 == 0) leave_one(0);
    CHECK_STATUS(gil_poll_inline(), GILRT_OK);
  }
  CHECK_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_EQ(ran, atomic_load(&accepted));
  end();
}

int main(void) {
  CHECK_STATUS(gil_call_soon(note, number(1)), GILRT_OK); /* before anything has started */
  begin();
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_EQ(ran, 1);
  end();
  they_run_in_order_once_and_not_before_a_safepoint(gil_poll);
  they_run_in_order_once_and_not_before_a_safepoint(poll_inline);
  a_full_queue_refuses_and_loses_nothing();
  no_function_is_refused();
  the_first_answer_other_than_0_is_the_polls();
  a_call_may_do_what_its_thread_may();
  each_thread_has_its_calls_run_in_its_order();
  a_signal_handler_may_leave_calls();
  a_call_may_leave_itself_again_for_ever();
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  CHECK_STATUS(gil_call_soon(note, NULL), GILRT_ERR_CLOSED);
  return 0;
}
