/* Threads that block and come back, and threads that interrupt them. What the unblock function is given is on the blocked thread's
   stack and poisoned once gil_attach has returned, so that a call which comes later is seen; and a blocking call ends by an
   interrupt alone, so that one which gets lost hangs. The argument is the mode; 3 changes it all the while. */
#include "child.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>

#define BLOCKERS 3u
#define INTERRUPTERS 3u
#define ROUNDS 800u
#define ALIVE 0x600dca11u
#define POISON 0xdeadbeefu

static int mode;

#define CHANGES 3

typedef struct post {
  volatile unsigned magic;
  volatile unsigned rings; /* written by one at a time, and read when nobody writes any more */
  int to;
} post_t;

static void ring(void *argument) {
  post_t *post = argument;
  CHECK_EQ(post->magic, ALIVE);
  if (write(post->to, "!", 1) < 0) CHECK_EQ(errno, EAGAIN); /* full: it has been rung often enough */
  post->rings++;
  CHECK_EQ(post->magic, ALIVE);
}

/* One blocking call: how many times it was rung. */
static unsigned block(int pipe[2]) {
  post_t post = {.magic = ALIVE, .to = pipe[1]};
  struct pollfd fds = {.fd = pipe[0], .events = POLLIN};
  char bytes[4096];
  uint32_t saved = gil_detach_unblock(ring, &post);
  CHECK_EQ(saved, 1);
  CHECK_EQ(poll(&fds, 1, -1), 1);
  CHECK_STATUS(gil_attach(saved), GILRT_OK);
  post.magic = POISON;
  /* Nobody rings any more: what is there now is all there will be. */
  while (read(pipe[0], bytes, sizeof bytes) > 0) continue;
  return post.rings;
}

static _Atomic uint64_t numbers[BLOCKERS];
static atomic_uint rounds[BLOCKERS], ended;
static unsigned inside;

static void touch(void) {
  if (mode != GIL_MODE_LOCKED) return;
  CHECK_EQ(inside++, 0);
  inside--;
}

static void block_often(unsigned index) {
  int pipes[2];
  CHECK_EQ(pipe2(pipes, O_NONBLOCK), 0);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  atomic_store(&numbers[index], gil_thread_id());
  for (unsigned i = 0; i < ROUNDS; i++) {
    touch();
    block(pipes);
    touch();
    int status = gil_poll();
    if (status != GILRT_OK) CHECK_STATUS(status, GILRT_ERR_TIMEOUT);
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
  atomic_fetch_add(&ended, 1);
  close(pipes[0]);
  close(pipes[1]);
}

static void change_modes(void) {
  for (int to = GIL_MODE_FREE; atomic_load(&ended) < BLOCKERS; to = to == GIL_MODE_FREE ? GIL_MODE_LOCKED : GIL_MODE_FREE) {
    CHECK_STATUS(gil_interp_set_mode(gil_interp_main(), to), GILRT_OK);
    sleep_us(300);
  }
}

static void storm(unsigned index, void *unused) {
  (void)unused;
  if (index < BLOCKERS) {
    block_often(index);
    return;
  }
  if (index == BLOCKERS + INTERRUPTERS) {
    change_modes();
    return;
  }
  unsigned seed = index;
  while (atomic_load(&ended) < BLOCKERS) {
    uint64_t number = atomic_load(&numbers[(unsigned)rand_r(&seed) % BLOCKERS]);
    if (number == 0) continue;
    bool attached = rand_r(&seed) % 4 == 0;
    if (attached) CHECK_STATUS(gil_acquire(), GILRT_OK);
    int status = gil_interrupt(number);
    if (status != GILRT_OK) CHECK_STATUS(status, GILRT_ERR_INVALID); /* it has ended */
    if (attached) CHECK_STATUS(gil_release(), GILRT_OK);
  }
}

static void spin(unsigned rounds) {
  for (volatile unsigned i = 0; i < rounds; i++) {
  }
}

/* One interrupt for each blocking call, before it or during it: none is lost, and each is told once. */
static void in_step(unsigned index, void *unused) {
  (void)unused;
  if (index == 0) {
    int pipes[2];
    CHECK_EQ(pipe2(pipes, O_NONBLOCK), 0);
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    atomic_store(&numbers[0], gil_thread_id());
    for (unsigned i = 1; i <= ROUNDS; i++) {
      atomic_store(&rounds[0], i);
      spin(i * 37 % 4001); /* so that the two come in every order */
      unsigned rings = block(pipes); /* by itself, by the other thread, or by one after the other */
      CHECK(rings == 1 || rings == 2);
      CHECK_STATUS(gil_poll(), GILRT_ERR_TIMEOUT);
      CHECK_STATUS(gil_poll(), GILRT_OK);
    }
    CHECK_STATUS(gil_release(), GILRT_OK);
    close(pipes[0]);
    close(pipes[1]);
    return;
  }
  for (unsigned i = 1; i <= ROUNDS; i++) {
    while (atomic_load(&rounds[0]) < i) sched_yield();
    spin(i * 101 % 2503);
    CHECK_STATUS(gil_interrupt(atomic_load(&numbers[0])), GILRT_OK);
  }
}

/* The child of a thread that is blocked, and was being interrupted maybe, comes back. */
static void come_back(void *argument) {
  CHECK_STATUS(gil_attach(*(uint32_t *)argument), GILRT_OK);
  int status = gil_poll();
  if (status != GILRT_OK) CHECK_STATUS(status, GILRT_ERR_TIMEOUT);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
}

static void look(void *magic) { CHECK_EQ(*(volatile unsigned *)magic, ALIVE); }

static void fork_blocked(unsigned index, void *unused) {
  (void)unused;
  if (index > 0) {
    while (atomic_load(&ended) == 0) {
      uint64_t number = atomic_load(&numbers[0]);
      int status = number ? gil_interrupt(number) : GILRT_OK;
      if (status != GILRT_OK) CHECK_STATUS(status, GILRT_ERR_INVALID); /* it has ended */
    }
    return;
  }
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  atomic_store(&numbers[0], gil_thread_id());
  for (unsigned i = 0; i < 60; i++) {
    volatile unsigned magic = ALIVE;
    uint32_t saved = gil_detach_unblock(look, (void *)&magic);
    in_child(come_back, &saved);
    CHECK_STATUS(gil_attach(saved), GILRT_OK);
    magic = POISON;
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
  atomic_store(&ended, 1);
}

/* Threads that end instead of coming back: then nothing is called any more either. */
static void *end_blocked(void *magic) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_EQ(gil_detach_unblock(look, magic), 1);
  atomic_store(&numbers[0], gil_thread_id());
  sched_yield();
  return NULL;
}

static void threads_end_blocked(unsigned index, void *unused) {
  (void)unused;
  if (index > 0) {
    while (atomic_load(&ended) == 0) {
      int status = gil_interrupt(atomic_load(&numbers[0]));
      if (status != GILRT_OK) CHECK_STATUS(status, GILRT_ERR_INVALID);
    }
    return;
  }
  for (unsigned i = 0; i < 200; i++) {
    volatile unsigned magic = ALIVE;
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, end_blocked, (void *)&magic), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    magic = POISON;
  }
  atomic_store(&ended, 1);
}

int main(int argc, char **argv) {
  mode = argc > 1 ? atoi(argv[1]) : GIL_MODE_LOCKED;
  const gilrt_config_t config = {.struct_size = sizeof config, .mode = mode == CHANGES ? GIL_MODE_LOCKED : mode};
  CHECK_STATUS(gilrt_init(&config), GILRT_OK);
  team_run(BLOCKERS + INTERRUPTERS + (mode == CHANGES), storm, NULL);
  team_run(2, in_step, NULL);
  atomic_store(&ended, 0);
  atomic_store(&numbers[0], 0);
  team_run(3, fork_blocked, NULL);
  atomic_store(&ended, 0);
  team_run(3, threads_end_blocked, NULL);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
