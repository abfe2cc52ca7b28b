/*
 * A small host: an interpreter of bytecode with threads of its own, thread states of its own and safepoints of its own, which has
 * libgilrt in the place of its lock and keeps its objects to itself. docs/embedding.md walks through it.
 *
 * Three threads count, one writes to a pipe, one reads from it, two sleep, one computes for ever. Meanwhile the process forks, one
 * sleeper is interrupted, and in the end everybody leaves because the interpreter closes. What was counted is checked.
 *
 *     host locked | host free
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <gilrt.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS_MOST 16
#define SECONDS(n) ((uint64_t)(n) * 1000000000u)

typedef enum { SET, COUNT, LOOP, JUMP, WORK, SLEEP, READ, WRITE, HANDLER, HALT } opcode_t;

typedef struct {
  opcode_t op;
  int argument;
} instruction_t;

/* A thread, as the host knows it. */
typedef struct {
  _Atomic uint64_t number; /* what libgilrt calls it; 0: the place is free */
  atomic_uint breaker;     /* what its safepoints look at */
  const instruction_t *code;
  int left;    /* rounds of the loop */
  int handler; /* where an interrupt leads; -1: out */
  int wake[2]; /* a pipe: a byte in it ends a blocking call */
  pthread_t pthread;
} thread_t;

static thread_t threads[THREADS_MOST];
static atomic_long counts[4]; /* the host's objects. With a lock they are written as if they were plain */
static int channel[2];        /* what READ reads and WRITE writes */
static int mode;

static void check(int is_true, const char *what) {
  if (is_true) return;
  fprintf(stderr, "host: %s\n", what);
  _exit(1);
}

/* ---- libgilrt in the place of the lock ---------------------------------------------------------------------------- */

/* From any thread, and from signal handlers: it takes no lock. */
static void on_request(uint64_t number, uint32_t requests, void *user) {
  (void)requests, (void)user;
  for (int i = 0; i < THREADS_MOST; i++)
    if (atomic_load(&threads[i].number) == number) atomic_store_explicit(&threads[i].breaker, 1, memory_order_release);
}

static void start_runtime(void) {
  gilrt_config_t config = {.struct_size = sizeof config, .mode = mode, .on_request = on_request};
  check(gilrt_init(&config) == GILRT_OK, "the runtime does not start");
}

/* GILRT_ERR_CLOSED: the thread must leave. GILRT_ERR_TIMEOUT: it was interrupted. */
static int safepoint(thread_t *t) {
  if (atomic_load_explicit(&t->breaker, memory_order_relaxed) == 0) return GILRT_OK;
  atomic_exchange_explicit(&t->breaker, 0, memory_order_acquire); /* before gil_poll: what comes later sets it again */
  return gil_poll();
}

static int become_a_thread(thread_t *t) {
  int status = gil_acquire();
  if (status != GILRT_OK) return status; /* it came too late */
  check(gil_thread_set_user(t) == GILRT_OK, "no room for a pointer");
  atomic_store(&t->number, gil_thread_id());
  atomic_store(&t->breaker, 1); /* it may have been asked for something before it could be found */
  return GILRT_OK;
}

/* By another thread, before the blocking call or during it: a byte lasts until it is taken. A pipe that is full wakes as well. */
static void unblock(void *thread) {
  thread_t *t = thread;
  if (write(t->wake[1], "!", 1) < 0) check(errno == EAGAIN, "a thread cannot be woken");
}

/* Waits until `fd` can be read (-1: not at all), `ms` at the most (-1: for ever), or until somebody interrupts. */
static int wait_for(int fd, int ms) {
  thread_t *t = gil_thread_user();
  struct pollfd fds[] = {{.fd = t->wake[0], .events = POLLIN}, {.fd = fd, .events = POLLIN}};
  uint32_t depth = gil_detach_unblock(unblock, t);
  int ready;
  do ready = poll(fds, 2, ms);
  while (ready < 0 && errno == EINTR);
  int status = gil_attach(depth);
  /* Nobody calls unblock any more, so what is in the pipe now is all that there will be. */
  char rest[64];
  while (read(t->wake[0], rest, sizeof rest) > 0) continue;
  return status; /* GILRT_ERR_CLOSED: it ended meanwhile, and the thread is not attached */
}

/* Native code that computes for long, and knows nothing of the interpreter's threads. */
static int work(int rounds) {
  const uint32_t *word = gil_poll_word();
  volatile unsigned sum = 1;
  for (int i = 0; i < rounds; i++) {
    sum = sum * 31 + (unsigned)i;
    if (__atomic_load_n(word, __ATOMIC_RELAXED) == 0) continue;
    int status = gil_poll();
    if (status != GILRT_OK) return status;
  }
  (void)sum;
  return GILRT_OK;
}

/* ---- the interpreter ---------------------------------------------------------------------------------------------- */

/* The witness: with a lock it is a load and a store, and loses counts as soon as two threads are inside. */
static void count(int which) {
  if (mode == GIL_MODE_FREE) {
    atomic_fetch_add_explicit(&counts[which], 1, memory_order_relaxed);
  } else {
    long before = atomic_load_explicit(&counts[which], memory_order_relaxed);
    if (before % 64 == 0) sched_yield(); /* others run, but nobody counts */
    atomic_store_explicit(&counts[which], before + 1, memory_order_relaxed);
  }
}

/* No status of libgilrt: those are 0 or negative. */
#define AT_END 1

static int read_one(void) {
  char byte;
  int status = wait_for(channel[0], -1);
  if (status != GILRT_OK) return status;
  struct pollfd fds = {.fd = channel[0], .events = POLLIN};
  if (poll(&fds, 1, 0) == 0) return GILRT_OK; /* interrupted: the safepoint tells */
  ssize_t got = read(channel[0], &byte, 1);
  if (got == 1) count(1);
  return got == 0 ? AT_END : GILRT_OK;
}

/* What the code ended with. */
static int run(thread_t *t) {
  for (int pc = 0;;) {
    const instruction_t *i = &t->code[pc++];
    int status = GILRT_OK;
    switch (i->op) {
      case SET: t->left = i->argument; break;
      case COUNT: count(i->argument); break;
      case LOOP:
        if (--t->left > 0) pc = i->argument;
        break;
      case JUMP: pc = i->argument; break;
      case WORK: status = work(i->argument); break;
      case SLEEP: status = wait_for(-1, i->argument); break;
      case READ:
        status = read_one();
        if (status == AT_END) return GILRT_OK;
        break;
      case WRITE: check(write(channel[1], "x", 1) == 1, "a byte cannot be written"); break;
      case HANDLER: t->handler = i->argument; break;
      case HALT: return GILRT_OK;
    }
    if (status == GILRT_OK) status = safepoint(t);
    if (status == GILRT_ERR_TIMEOUT && t->handler >= 0) pc = t->handler;
    else if (status != GILRT_OK) return status;
  }
}

static void *thread_main(void *argument) {
  thread_t *t = argument;
  int status = become_a_thread(t);
  if (status == GILRT_OK) status = run(t);
  atomic_store(&t->number, 0); /* while it is attached, or can be no more */
  if (gil_held()) gil_release();
  return (void *)(intptr_t)status;
}

static thread_t *start(thread_t *t, const instruction_t *code) {
  t->code = code; /* the other threads' on_request may look at the number meanwhile, which is 0 */
  t->handler = -1;
  check(pipe2(t->wake, O_NONBLOCK) == 0, "no pipe");
  check(pthread_create(&t->pthread, NULL, thread_main, t) == 0, "no thread");
  return t;
}

/* What its code ended with. */
static int join(thread_t *t) {
  void *status;
  check(pthread_join(t->pthread, &status) == 0, "no such thread");
  close(t->wake[0]);
  close(t->wake[1]);
  return (int)(intptr_t)status;
}

/* Has a thread's next safepoint, or the blocking call that it is in, come to an end. */
static void interrupt(thread_t *t) {
  uint64_t number;
  while ((number = atomic_load(&t->number)) == 0) sched_yield(); /* it has only just been started */
  check(gil_interrupt(number) == GILRT_OK, "a thread cannot be interrupted");
}

/* ---- the job ------------------------------------------------------------------------------------------------------ */

#define ROUNDS 100000
#define BYTES 2000

static const instruction_t counter[] = {{SET, ROUNDS}, {COUNT, 0}, {LOOP, 1}, {HALT, 0}};
static const instruction_t writer[] = {{SET, BYTES}, {WRITE, 0}, {LOOP, 1}, {HALT, 0}};
static const instruction_t reader[] = {{READ, 0}, {JUMP, 0}};
static const instruction_t sleeper[] = {{HANDLER, 3}, {SLEEP, 3600000}, {HALT, 0}, {COUNT, 2}, {HALT, 0}};
static const instruction_t hog[] = {{WORK, 1000}, {JUMP, 0}};

/* In a forked child only this thread exists. libgilrt has put its own things right, the host does so with its own. */
static int in_the_child(void) {
  for (int i = 0; i < THREADS_MOST; i++) atomic_store(&threads[i].number, 0);
  atomic_store(&counts[0], 0);
  check(gil_release() == GILRT_OK, "the child has lost what its thread held");
  thread_t *a = start(&threads[0], counter), *b = start(&threads[1], counter);
  check(join(a) == GILRT_OK && join(b) == GILRT_OK, "a thread of the child does not end well");
  check(atomic_load(&counts[0]) == 2 * ROUNDS, "the child has lost counts");
  return gilrt_finalize(SECONDS(30));
}

static void fork_now(void) {
  check(gil_acquire() == GILRT_OK, "the lock cannot be had"); /* with it, nobody is in the middle of an object */
  pid_t child = fork();
  check(child >= 0, "no child");
  if (child == 0) _exit(in_the_child() == GILRT_OK ? 0 : 1);
  check(gil_release() == GILRT_OK, "the parent has lost the lock");
  int status;
  check(waitpid(child, &status, 0) == child && status == 0, "the child has failed");
}

int main(int argc, char **argv) {
  check(argc == 2 && (strcmp(argv[1], "locked") == 0 || strcmp(argv[1], "free") == 0), "usage: host locked|free");
  mode = strcmp(argv[1], "free") ? GIL_MODE_LOCKED : GIL_MODE_FREE;
  start_runtime();
  check(pipe(channel) == 0, "no pipe");
  thread_t *counters[3], *next = threads;
  for (int i = 0; i < 3; i++) counters[i] = start(next++, counter);
  thread_t *reads = start(next++, reader), *writes = start(next++, writer);
  thread_t *interrupted = start(next++, sleeper), *sleeps_on = start(next++, sleeper), *computes = start(next++, hog);
  fork_now();
  for (int i = 0; i < 3; i++) check(join(counters[i]) == GILRT_OK, "a counter does not end well");
  check(join(writes) == GILRT_OK, "the writer does not end well");
  close(channel[1]);
  check(join(reads) == GILRT_OK, "the reader does not end well");
  interrupt(interrupted);
  check(join(interrupted) == GILRT_OK, "the sleeper does not end well");
  uint64_t asleep;
  while ((asleep = atomic_load(&sleeps_on->number)) == 0) sched_yield();
  check(gilrt_finalize(SECONDS(30)) == GILRT_OK, "somebody does not leave");
  check(join(computes) == GILRT_ERR_CLOSED, "whoever computes is not told of the end");
  (void)gil_interrupt(asleep); /* GILRT_ERR_INVALID if it was not asleep yet, and has left by itself */
  check(join(sleeps_on) == GILRT_ERR_CLOSED, "whoever sleeps is not told of the end");
  check(atomic_load(&counts[0]) == 3 * ROUNDS, "counts are lost");
  check(atomic_load(&counts[1]) == BYTES, "bytes are lost");
  check(atomic_load(&counts[2]) == 1, "the handler did not run once");
  printf("counted %ld, read %ld bytes, interrupted %ld sleeper\n", counts[0], counts[1], counts[2]);
  return 0;
}
