/* A thread that sleeps for a millisecond, as if for a packet, and then wants the lock, beside threads that compute and poll.
   How long it waits, and for how long nobody ran because of it. As with the bare futex, the lock comes from one CPU and the
   sleeper wakes on another: those who compute share a CPU, for under the lock only one of them runs at a time. */
#define _GNU_SOURCE
#include <gilrt_inline.h>

#include "clock.h"
#include "crew.h"
#include "kernel.h"
#include "pin.h"
#include "work.h"

kernel_t kernel_sleeper;

enum { PAUSE_NS = 1000000 };

typedef struct scene {
  const kernel_task_t *task;
  kernel_result_t *result;
  unsigned sleeper; /* the index behind those who compute */
  /* Under the lock: who ran last, and until when. */
  unsigned last;
  uint64_t last_until;
} scene_t;

static void compute(unsigned index, void *user) {
  scene_t *scene = user;
  kernel_result_t *result = scene->result;
  uint64_t chain = index, done = 0;
  gil_acquire();
  gil_release();
  if (!crew_ready()) return;
  gil_acquire();
  while (!crew_stopped()) {
    work_unit(&chain);
    done++;
    result->witness++;
    scene->last = index;
    scene->last_until = now_ns();
    gil_poll_inline();
    if (scene->last == scene->sleeper) result->lost_ns += now_ns() - scene->last_until;
  }
  gil_release();
  result->shares[index] = done;
}

static bool somebody_computes(scene_t *scene) {
  gil_acquire();
  bool begun = scene->last_until != 0;
  gil_release();
  return begun;
}

/* Begins when the lock is no longer free, and ends the crew, so that no wait is cut short by its end. */
static void come_and_go(unsigned index, void *user) {
  scene_t *scene = user;
  const kernel_task_t *task = scene->task;
  kernel_result_t *result = scene->result;
  uint64_t done = 0;
  if (!crew_ready()) return;
  while (!somebody_computes(scene)) sleep_ns(PAUSE_NS);
  uint64_t end = now_ns() + task->duration_ns;
  while (now_ns() < end && result->waits < task->capacity) {
    sleep_ns(PAUSE_NS);
    uint64_t start = now_ns();
    gil_acquire_inline();
    uint64_t got = now_ns();
    task->waits[result->waits++] = got - start;
    result->witness++;
    /* Since the last poll of whoever dropped the lock nobody ran. */
    if (scene->last != index) result->lost_ns += got - scene->last_until;
    scene->last = index;
    scene->last_until = now_ns();
    gil_release_inline();
    done++;
  }
  result->shares[index] = done;
  atomic_store(&crew_stop, true);
}

static void body(unsigned index, void *user) {
  scene_t *scene = user;
  int cpus[2];
  if (allowed_cpus(cpus, 2) == 2) pin_to(cpus[index == scene->sleeper]);
  if (index == scene->sleeper) {
    come_and_go(index, user);
  } else {
    compute(index, user);
  }
}

/* One thread more than the task says. */
int kernel_sleeper(const kernel_task_t *task, kernel_result_t *result) {
  scene_t scene = {.task = task, .result = result, .sleeper = task->threads};
  int error = crew_run(task->threads + 1, body, NULL, &scene, &result->elapsed_ns);
  for (unsigned i = 0; i < KERNEL_MOST_THREADS; i++) result->done += result->shares[i];
  return error;
}
