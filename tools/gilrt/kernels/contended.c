/* Threads that do nothing but acquire, count, release. Each has a CPU of its own as far as there are enough: on one CPU they
   would only meet when the system switches between them. peers.rs has the same loops for the locks of Rust. */
#define _GNU_SOURCE
#include <gilrt_inline.h>
#include <pthread.h>

#include "clock.h"
#include "crew.h"
#include "kernel.h"
#include "pin.h"

kernel_t kernel_contended_gilrt, kernel_contended_pthread;

typedef struct contest {
  const kernel_task_t *task;
  kernel_result_t *result;
  uint64_t longest[KERNEL_MOST_THREADS];
  pthread_mutex_t mutex;
} contest_t;

static void watch(void *user) {
  contest_t *contest = user;
  sleep_ns(contest->task->duration_ns);
}

/* One thread's part, by the two statements of a lock. Timed or not is decided outside of the loop. */
#define COMPETE(index, contest, acquire, release)                          \
  do {                                                                     \
    kernel_result_t *result = (contest)->result;                           \
    uint64_t done = 0, longest = 0;                                        \
    if ((contest)->task->timed) {                                          \
      while (!crew_stopped()) {                                            \
        uint64_t start = now_ns();                                         \
        acquire;                                                           \
        uint64_t waited = now_ns() - start;                                \
        result->witness++;                                                 \
        release;                                                           \
        done++;                                                            \
        if (waited > longest) longest = waited;                            \
      }                                                                    \
    } else {                                                               \
      while (!crew_stopped()) {                                            \
        acquire;                                                           \
        result->witness++;                                                 \
        release;                                                           \
        done++;                                                            \
      }                                                                    \
    }                                                                      \
    result->shares[index] = done;                                          \
    (contest)->longest[index] = longest;                                   \
  } while (0)

static void compete_gilrt(unsigned index, void *user) {
  contest_t *contest = user;
  spread(index);
  /* Making the thread known is no part of what is measured. */
  gil_acquire();
  gil_release();
  if (!crew_ready()) return;
  COMPETE(index, contest, gil_acquire_inline(), gil_release_inline());
}

static void compete_pthread(unsigned index, void *user) {
  contest_t *contest = user;
  spread(index);
  if (!crew_ready()) return;
  COMPETE(index, contest, pthread_mutex_lock(&contest->mutex), pthread_mutex_unlock(&contest->mutex));
}

static int run(const kernel_task_t *task, kernel_result_t *result, void (*body)(unsigned, void *)) {
  contest_t contest = {.task = task, .result = result, .mutex = PTHREAD_MUTEX_INITIALIZER};
  int error = crew_run(task->threads, body, watch, &contest, &result->elapsed_ns);
  for (unsigned i = 0; i < KERNEL_MOST_THREADS; i++) {
    result->done += result->shares[i];
    if (contest.longest[i] > result->longest_wait_ns) result->longest_wait_ns = contest.longest[i];
  }
  return error;
}

int kernel_contended_gilrt(const kernel_task_t *task, kernel_result_t *result) {
  return run(task, result, compete_gilrt);
}

int kernel_contended_pthread(const kernel_task_t *task, kernel_result_t *result) {
  return run(task, result, compete_pthread);
}
