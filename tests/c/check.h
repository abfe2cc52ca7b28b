/* What the C test programs share: checks that say what they saw, threads that start together, waiting for a state. */
#ifndef CHECK_H
#define CHECK_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <gilrt.h>

#define FOREVER UINT64_MAX
#define MILLISECONDS(n) ((uint64_t)(n) * 1000000u)

/* A failed check ends the process at once, with its other threads, whatever they hold. */
#define CHECK(condition) ((condition) ? (void)0 : check_fail(__FILE__, __LINE__, "%s is false", #condition))

#define CHECK_EQ(actual, expected)                                                                                     \
  check_equal(__FILE__, __LINE__, #actual, (long long)(actual), (long long)(expected))

#define CHECK_STATUS(actual, expected) check_status(__FILE__, __LINE__, #actual, (actual), (expected))

/* Whether a lock keeps threads apart all the time: not where there is none, nor where it comes and goes (in_mode.c). */
static inline bool one_at_a_time(void) {
  const char *mode = getenv("GILRT_TEST_MODE");
  return gil_interp_mode(gil_interp_main()) != GIL_MODE_FREE && !(mode && strcmp(mode, "switching") == 0);
}

/* What is alive after the end of the runtime. Where the program ran in an interpreter of its own (in_mode.c), that is gone, and its
   figures with it. */
#define CHECK_LEFT_AT_THE_END(expected)                                                                                \
  do {                                                                                                                 \
    long long left_ = obj_live_count();                                                                                \
    if (left_ != GILRT_ERR_CLOSED) check_equal(__FILE__, __LINE__, "what is left", left_, (expected));                  \
  } while (0)

/* Waits for what another thread is bound to do; if it never does, the time limit of the whole program ends it. */
#define AWAIT(condition)                                                                                               \
  do {                                                                                                                 \
    while (!(condition)) sleep_us(100);                                                                                \
  } while (0)

__attribute__((format(printf, 3, 4), noreturn, unused)) static void check_fail(const char *file, int line,
                                                                               const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "%s:%d: ", file, line);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  fflush(NULL);
  _exit(1);
}

static inline void check_equal(const char *file, int line, const char *text, long long actual, long long expected) {
  if (actual != expected) check_fail(file, line, "%s is %lld, not %lld", text, actual, expected);
}

static inline void check_status(const char *file, int line, const char *text, int actual, int expected) {
  if (actual != expected)
    check_fail(file, line, "%s is %s (%d), not %s", text, gilrt_status_name(actual), actual,
               gilrt_status_name(expected));
}

static inline void sleep_us(long us) {
  struct timespec left = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

static inline uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* How many threads are queued for the lock of the main interpreter at this moment. */
static inline unsigned waiting_threads(void) {
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  CHECK_STATUS(gilrt_stats_get(NULL, &stats), GILRT_OK);
  return stats.waiters;
}

#define TEAM_MOST 64

typedef struct team team_t;

typedef struct team_member {
  pthread_t thread;
  unsigned index;
  team_t *team;
} team_member_t;

/* Threads that run one body, each with its index, and begin at the same moment. */
struct team {
  unsigned size;
  void (*body)(unsigned index, void *shared);
  void *shared;
  pthread_barrier_t begin;
  team_member_t members[TEAM_MOST];
};

static inline void *team_member_main(void *argument) {
  team_member_t *member = argument;
  pthread_barrier_wait(&member->team->begin);
  member->team->body(member->index, member->team->shared);
  return NULL;
}

static inline void team_start(team_t *team, unsigned size, void (*body)(unsigned index, void *shared), void *shared) {
  CHECK(size >= 1 && size <= TEAM_MOST);
  team->size = size;
  team->body = body;
  team->shared = shared;
  CHECK_EQ(pthread_barrier_init(&team->begin, NULL, size), 0);
  for (unsigned i = 0; i < size; i++) {
    team->members[i].index = i;
    team->members[i].team = team;
    CHECK_EQ(pthread_create(&team->members[i].thread, NULL, team_member_main, &team->members[i]), 0);
  }
}

static inline void team_join(team_t *team) {
  for (unsigned i = 0; i < team->size; i++) CHECK_EQ(pthread_join(team->members[i].thread, NULL), 0);
  pthread_barrier_destroy(&team->begin);
}

static inline void team_run(unsigned size, void (*body)(unsigned index, void *shared), void *shared) {
  team_t team;
  team_start(&team, size, body, shared);
  team_join(&team);
}

#endif
