/* CPU-bound threads under one lock: how long a fixed amount of work takes, and how a fixed time is shared. */
#include <gilrt_inline.h>
#include <pthread.h>

#include "clock.h"
#include "crew.h"
#include "kernel.h"
#include "work.h"

kernel_t kernel_compute, kernel_share_gilrt, kernel_share_pthread;

typedef struct scene {
  const kernel_task_t *task;
  kernel_result_t *result;
  pthread_mutex_t mutex;
} scene_t;

static void fixed_work(unsigned index, void *user) {
  scene_t *scene = user;
  const kernel_task_t *task = scene->task;
  uint64_t chain = index;
  /* The parts add up to the whole also where it cannot be divided. */
  uint64_t units = task->units / task->threads + (index < task->units % task->threads);
  gil_acquire();
  gil_release();
  if (!crew_ready()) return;
  gil_acquire_inline();
  for (uint64_t i = 0; i < units; i++) {
    work_unit(&chain);
    scene->result->witness++;
    gil_poll_inline();
  }
  gil_release_inline();
  scene->result->shares[index] = units;
}

static void share_gilrt(unsigned index, void *user) {
  scene_t *scene = user;
  uint64_t chain = index, done = 0;
  gil_acquire();
  gil_release();
  if (!crew_ready()) return;
  gil_acquire_inline();
  while (!crew_stopped()) {
    work_unit(&chain);
    scene->result->witness++;
    done++;
    gil_poll_inline();
  }
  gil_release_inline();
  scene->result->shares[index] = done;
}

/* A mutex has no poll: whoever wants to let others in unlocks and locks again. */
static void share_pthread(unsigned index, void *user) {
  scene_t *scene = user;
  uint64_t chain = index, done = 0;
  if (!crew_ready()) return;
  while (!crew_stopped()) {
    pthread_mutex_lock(&scene->mutex);
    work_unit(&chain);
    scene->result->witness++;
    done++;
    pthread_mutex_unlock(&scene->mutex);
  }
  scene->result->shares[index] = done;
}

static void watch(void *user) { sleep_ns(((scene_t *)user)->task->duration_ns); }

static int run(const kernel_task_t *task, kernel_result_t *result, void (*body)(unsigned, void *),
               void (*watcher)(void *)) {
  scene_t scene = {.task = task, .result = result, .mutex = PTHREAD_MUTEX_INITIALIZER};
  int error = crew_run(task->threads, body, watcher, &scene, &result->elapsed_ns);
  for (unsigned i = 0; i < KERNEL_MOST_THREADS; i++) result->done += result->shares[i];
  return error;
}

int kernel_compute(const kernel_task_t *task, kernel_result_t *result) { return run(task, result, fixed_work, NULL); }

int kernel_share_gilrt(const kernel_task_t *task, kernel_result_t *result) {
  return run(task, result, share_gilrt, watch);
}

int kernel_share_pthread(const kernel_task_t *task, kernel_result_t *result) {
  return run(task, result, share_pthread, watch);
}
