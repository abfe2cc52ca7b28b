/* What gil_interrupt does to a thread in each state that it may be in. The argument is the mode. */
#include "child.h"

static int mode;

/* Something to sleep on that remembers who has rung. */
typedef struct bell {
  pthread_mutex_t mutex;
  pthread_cond_t rung;
  unsigned rings;
} bell_t;

#define BELL {.mutex = PTHREAD_MUTEX_INITIALIZER, .rung = PTHREAD_COND_INITIALIZER}

static void ring(void *argument) {
  bell_t *bell = argument;
  CHECK_EQ(pthread_mutex_lock(&bell->mutex), 0);
  bell->rings++;
  CHECK_EQ(pthread_cond_signal(&bell->rung), 0);
  CHECK_EQ(pthread_mutex_unlock(&bell->mutex), 0);
}

static void sleep_until_rung(bell_t *bell) {
  CHECK_EQ(pthread_mutex_lock(&bell->mutex), 0);
  while (bell->rings == 0) CHECK_EQ(pthread_cond_wait(&bell->rung, &bell->mutex), 0);
  CHECK_EQ(pthread_mutex_unlock(&bell->mutex), 0);
}

static void to_depth(unsigned depth) {
  for (unsigned i = 0; i < depth; i++) CHECK_STATUS(gil_acquire(), GILRT_OK);
}

static void from_depth(unsigned depth) {
  for (unsigned i = 0; i < depth; i++) CHECK_STATUS(gil_release(), GILRT_OK);
}

static void interrupted_once(void) {
  CHECK_STATUS(gil_poll(), GILRT_ERR_TIMEOUT);
  CHECK_STATUS(gil_poll(), GILRT_OK);
}

static void in_a_thread(void *(*body)(void *), void *argument) {
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, NULL, body, argument), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
}

static void *report_number(void *slot) {
  to_depth(1);
  *(uint64_t *)slot = gil_thread_id();
  from_depth(1);
  return NULL;
}

static void who_computes_sees_it_at_a_safepoint(void) {
  uint64_t ended = 0;
  in_a_thread(report_number, &ended);
  CHECK(ended != 0);
  CHECK_STATUS(gil_interrupt(0), GILRT_ERR_INVALID);
  CHECK_STATUS(gil_interrupt(ended), GILRT_ERR_INVALID);
  CHECK_STATUS(gil_interrupt(UINT64_MAX), GILRT_ERR_INVALID);
  CHECK_STATUS(gil_interrupt(gil_thread_id()), GILRT_OK);
  to_depth(1);
  CHECK(*(const volatile uint32_t *)gil_poll_word() & GIL_REQUEST_INTERRUPT);
  interrupted_once();
  CHECK_STATUS(gil_interrupt(gil_thread_id()), GILRT_OK);
  CHECK_STATUS(gil_interrupt(gil_thread_id()), GILRT_OK);
  interrupted_once();
  from_depth(1);
  CHECK_STATUS(gil_poll(), GILRT_ERR_NOT_ATTACHED);
}

static int answer(void *unused) {
  (void)unused;
  return 7;
}

static void what_a_call_answers_goes_first(void) {
  to_depth(1);
  CHECK_STATUS(gil_call_soon(answer, NULL), GILRT_OK);
  CHECK_STATUS(gil_interrupt(gil_thread_id()), GILRT_OK);
  CHECK_EQ(gil_poll(), 7);
  interrupted_once();
  from_depth(1);
}

static void who_was_interrupted_before_does_not_block(void) {
  bell_t bell = BELL;
  to_depth(3);
  CHECK_STATUS(gil_interrupt(gil_thread_id()), GILRT_OK);
  errno = 4711;
  uint32_t saved = gil_detach_unblock(ring, &bell);
  CHECK_EQ(errno, 4711);
  CHECK_EQ(saved, 3);
  CHECK_EQ(bell.rings, 1);
  CHECK(!gil_held());
  CHECK_STATUS(gil_attach(saved), GILRT_OK);
  CHECK_EQ(errno, 4711);
  interrupted_once();
  CHECK_STATUS(gil_interrupt(gil_thread_id()), GILRT_OK); /* nothing is to be called any more */
  CHECK_EQ(bell.rings, 1);
  interrupted_once();
  from_depth(3);
  CHECK_EQ(gil_detach_unblock(ring, &bell), 0);
  CHECK_STATUS(gil_interrupt(gil_thread_id()), GILRT_OK);
  CHECK_EQ(bell.rings, 1);
  CHECK_STATUS(gil_attach(0), GILRT_OK);
  to_depth(1);
  interrupted_once();
  saved = gil_detach_unblock(NULL, NULL); /* gil_detach */
  CHECK_EQ(saved, 1);
  CHECK_STATUS(gil_interrupt(gil_thread_id()), GILRT_OK);
  CHECK_STATUS(gil_attach(saved), GILRT_OK);
  interrupted_once();
  from_depth(1);
}

typedef struct sleeper {
  bell_t bell;
  _Atomic uint64_t number;
} sleeper_t;

static void *sleep_interruptibly(void *argument) {
  sleeper_t *sleeper = argument;
  to_depth(2);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  atomic_store(&sleeper->number, gil_thread_id());
  uint32_t saved = gil_detach_unblock(ring, &sleeper->bell);
  sleep_until_rung(&sleeper->bell);
  CHECK_STATUS(gil_attach(saved), GILRT_OK);
  interrupted_once();
  from_depth(2);
  return NULL;
}

static void who_sleeps_is_woken(bool attached) {
  sleeper_t sleeper = {.bell = BELL};
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, NULL, sleep_interruptibly, &sleeper), 0);
  AWAIT(atomic_load(&sleeper.number));
  if (attached) to_depth(1);
  CHECK_STATUS(gil_interrupt(atomic_load(&sleeper.number)), GILRT_OK);
  if (attached) from_depth(1);
  CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* The library is closed to the function, and it may look at who it is. */
static void misbehave(void *argument) {
  CHECK_STATUS(gil_attach(*(uint32_t *)argument), GILRT_ERR_DEADLOCK);
  CHECK_STATUS(gil_interrupt(gil_thread_id()), GILRT_ERR_DEADLOCK);
  CHECK(gil_thread_id() != 0);
  CHECK(!gil_held());
}

static void the_function_cannot_harm_its_thread(void) {
  uint32_t depth = 1;
  to_depth(1);
  CHECK_STATUS(gil_interrupt(gil_thread_id()), GILRT_OK);
  CHECK_EQ(gil_detach_unblock(misbehave, &depth), 1);
  CHECK_STATUS(gil_attach(1), GILRT_OK);
  interrupted_once();
  from_depth(1);
}

/* Callbacks inside of blocking calls; at each depth the innermost function is the one that is called, as far as there is room. */
#define DEPTH 6u

static bell_t bells[DEPTH];

static void only_rings(unsigned depth) {
  for (unsigned i = 0; i < DEPTH; i++) {
    CHECK_EQ(bells[i].rings, i == depth);
    bells[i].rings = 0;
  }
}

static void see_it_in_a_callback(void) {
  to_depth(1);
  interrupted_once();
  from_depth(1);
}

static void interrupt_at(unsigned depth) {
  CHECK_STATUS(gil_interrupt(gil_thread_id()), GILRT_OK);
  only_rings(depth < 4 ? depth : 3);
}

static void block_inside(unsigned depth) {
  to_depth(1);
  uint32_t saved = gil_detach_unblock(ring, &bells[depth]);
  interrupt_at(depth);
  see_it_in_a_callback();
  if (depth + 1 < DEPTH) {
    to_depth(1);
    uint32_t plain = gil_detach(); /* it ends nothing but itself */
    interrupt_at(depth);
    CHECK_STATUS(gil_attach(plain), GILRT_OK);
    interrupted_once();
    from_depth(1);
    block_inside(depth + 1);
    interrupt_at(depth);
    see_it_in_a_callback();
  }
  CHECK_STATUS(gil_attach(saved), GILRT_OK);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  from_depth(1);
}

static void blocking_calls_nest(void) {
  for (unsigned i = 0; i < DEPTH; i++) bells[i] = (bell_t)BELL;
  block_inside(0);
}

/* An interrupt that comes while a callback runs is pending for the blocking call around it, unless the callback has seen it. */
static void an_outer_call_is_interrupted_when_the_inner_one_is_over(void) {
  bell_t outer = BELL, inner = BELL;
  to_depth(1);
  uint32_t first = gil_detach_unblock(ring, &outer);
  to_depth(1);
  uint32_t second = gil_detach_unblock(ring, &inner);
  CHECK_STATUS(gil_interrupt(gil_thread_id()), GILRT_OK);
  CHECK_EQ(inner.rings, 1);
  CHECK_EQ(outer.rings, 0);
  CHECK_STATUS(gil_attach(second), GILRT_OK);
  CHECK_EQ(outer.rings, 1);
  from_depth(1);
  CHECK_STATUS(gil_attach(first), GILRT_OK);
  interrupted_once();
  from_depth(1);
}

static bell_t forgotten = BELL;

static int forget_to_attach(void *unused) {
  (void)unused;
  CHECK_EQ(gil_detach_unblock(ring, &forgotten), 1);
  return 0;
}

static void what_a_callback_leaves_behind_is_put_right(void) {
  to_depth(1);
  CHECK_STATUS(gil_call_soon(forget_to_attach, NULL), GILRT_OK);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK(gil_held());
  CHECK_STATUS(gil_interrupt(gil_thread_id()), GILRT_OK);
  CHECK_EQ(forgotten.rings, 0);
  interrupted_once();
  from_depth(1);
}

static void *close_it(void *interp) {
  CHECK_STATUS(gil_interp_close(interp, FOREVER), GILRT_OK);
  return NULL;
}

static void an_interrupt_goes_where_its_thread_goes(void) {
  bell_t bell = BELL;
  gil_interp_t *interp;
  gil_interp_config_t config = {.struct_size = sizeof config, .mode = mode};
  CHECK_STATUS(gil_interp_new(&config, &interp), GILRT_OK);
  CHECK_STATUS(gil_interrupt(gil_thread_id()), GILRT_OK);
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
  to_depth(1);
  interrupted_once();
  CHECK_STATUS(gil_interrupt(gil_thread_id()), GILRT_OK);
  uint32_t saved = gil_detach();
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
  to_depth(1);
  interrupted_once();
  from_depth(1);
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
  CHECK_STATUS(gil_attach(saved), GILRT_OK);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  /* It closes while the thread blocks. */
  CHECK_EQ(gil_detach_unblock(ring, &bell), 1);
  in_a_thread(close_it, interp);
  CHECK_STATUS(gil_attach(1), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
  CHECK_STATUS(gil_interrupt(gil_thread_id()), GILRT_OK);
  CHECK_EQ(bell.rings, 0);
  to_depth(1);
  interrupted_once();
  from_depth(1);
}

static void interrupt_the_end(void *unused) {
  bell_t bell = BELL;
  (void)unused;
  to_depth(1);
  CHECK_EQ(gil_detach_unblock(ring, &bell), 1);
  CHECK_STATUS(gilrt_finalize(0), GILRT_OK);
  CHECK_STATUS(gil_interrupt(gil_thread_id()), GILRT_OK);
  CHECK_EQ(bell.rings, 1);
  CHECK_STATUS(gil_attach(1), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_interrupt(gil_thread_id()), GILRT_OK);
  CHECK_EQ(bell.rings, 1);
}

static void *end_while_blocked(void *argument) {
  sleeper_t *sleeper = argument;
  to_depth(1);
  CHECK_EQ(gil_detach_unblock(ring, &sleeper->bell), 1);
  atomic_store(&sleeper->number, gil_thread_id());
  return NULL;
}

static void a_thread_that_ends_is_interrupted_no_more(void) {
  sleeper_t sleeper = {.bell = BELL};
  in_a_thread(end_while_blocked, &sleeper);
  CHECK_STATUS(gil_interrupt(atomic_load(&sleeper.number)), GILRT_ERR_INVALID);
  CHECK_EQ(sleeper.bell.rings, 0);
}

int main(int argc, char **argv) {
  mode = argc > 1 ? atoi(argv[1]) : GIL_MODE_LOCKED;
  const gilrt_config_t config = {.struct_size = sizeof config, .mode = mode};
  CHECK_STATUS(gilrt_init(&config), GILRT_OK);
  CHECK_STATUS(gil_interrupt(1), GILRT_ERR_INVALID);
  to_depth(1);
  from_depth(1);
  who_computes_sees_it_at_a_safepoint();
  what_a_call_answers_goes_first();
  who_was_interrupted_before_does_not_block();
  who_sleeps_is_woken(true);
  who_sleeps_is_woken(false);
  the_function_cannot_harm_its_thread();
  blocking_calls_nest();
  an_outer_call_is_interrupted_when_the_inner_one_is_over();
  what_a_callback_leaves_behind_is_put_right();
  an_interrupt_goes_where_its_thread_goes();
  a_thread_that_ends_is_interrupted_no_more();
  in_child(interrupt_the_end, NULL);
  return 0;
}
