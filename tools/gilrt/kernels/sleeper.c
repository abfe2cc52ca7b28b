/* A thread that sleeps for a millisecond, as if for a packet, and then wants the lock, beside threads that compute and poll.
   How long it waits, and for how long nobody ran because of it. */
#include <gilrt_inline.h>

#include "clock.h"
#include "crew.h"
#include "kernel.h"
#include "work.h"

kernel_t kernel_sleeper;

enum { PAUSE_NS = 1000000, SLEEPER = KERNEL_MOST_THREADS };

typedef struct scene {
  const kernel_task_t *task;
  kernel_result_t *result;
  uint64_t sleeper_did;
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
    if (scene->last == SLEEPER) result->lost_ns += now_ns() - scene->last_until;
  }
  gil_release();
  result->shares[index] = done;
}

/* On the calling thread. */
static void come_and_go(void *user) {
  scene_t *scene = user;
  const kernel_task_t *task = scene->task;
  kernel_result_t *result = scene->result;
  uint64_t end = now_ns() + task->duration_ns;
  while (now_ns() < end && result->waits < task->capacity) {
    sleep_ns(PAUSE_NS);
    uint64_t start = now_ns();
    gil_acquire_inline();
    uint64_t got = now_ns();
    task->waits[result->waits++] = got - start;
    result->witness++;
    /* Since the last poll of whoever dropped the lock nobody ran. Before the first of them has, nothing is lost. */
    if (scene->last_until != 0 && scene->last != SLEEPER) result->lost_ns += got - scene->last_until;
    scene->last = SLEEPER;
    scene->last_until = now_ns();
    gil_release_inline();
    scene->sleeper_did++;
  }
}

int kernel_sleeper(const kernel_task_t *task, kernel_result_t *result) {
  scene_t scene = {.task = task, .result = result};
  gil_acquire();
  gil_release();
  int error = crew_run(task->threads, compute, come_and_go, &scene, &result->elapsed_ns);
  result->done = scene.sleeper_did;
  for (unsigned i = 0; i < KERNEL_MOST_THREADS; i++) result->done += result->shares[i];
  return error;
}
