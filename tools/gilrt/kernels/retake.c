/* A thread that holds the lock for 100 us, releases it and takes it back at once, never polling; and one that now and then
   wants it too. Each has a CPU of its own: on one they would take turns as the system switches between them. */
#define _GNU_SOURCE
#include <gilrt_inline.h>

#include "clock.h"
#include "crew.h"
#include "kernel.h"
#include "pin.h"

kernel_t kernel_retake;

enum { HOLD_NS = 100000, PAUSE_NS = 1000000 };

typedef struct scene {
  const kernel_task_t *task;
  kernel_result_t *result;
  uint64_t visits;
} scene_t;

static void hold_and_retake(unsigned index, void *user) {
  scene_t *scene = user;
  uint64_t done = 0;
  gil_acquire();
  gil_release();
  if (!crew_ready()) return;
  while (!crew_stopped()) {
    gil_acquire_inline();
    /* Read at the beginning and written at the end, so that a visit in between is lost and seen to be. */
    uint64_t witness = scene->result->witness;
    for (uint64_t until = now_ns() + HOLD_NS; now_ns() < until;) {
    }
    scene->result->witness = witness + 1;
    gil_release_inline();
    done++;
  }
  scene->result->shares[index] = done;
}

/* A visit that the end finds waiting counts as well: it waited at least so long, and gets in when the holder has stopped. */
static void visit(void *user) {
  scene_t *scene = user;
  kernel_result_t *result = scene->result;
  gil_acquire();
  gil_release();
  if (!crew_ready()) return;
  while (!crew_stopped()) {
    sleep_ns(PAUSE_NS);
    uint64_t start = now_ns();
    gil_acquire_inline();
    uint64_t waited = now_ns() - start;
    result->witness++;
    if (waited > result->longest_wait_ns) result->longest_wait_ns = waited;
    gil_release_inline();
    scene->visits++;
  }
}

static void body(unsigned index, void *user) {
  spread(index);
  if (index == 0) {
    hold_and_retake(index, user);
  } else {
    visit(user);
  }
}

static void watch(void *user) { sleep_ns(((scene_t *)user)->task->duration_ns); }

int kernel_retake(const kernel_task_t *task, kernel_result_t *result) {
  scene_t scene = {.task = task, .result = result};
  int error = crew_run(2, body, watch, &scene, &result->elapsed_ns);
  result->done = result->shares[0] + scene.visits;
  return error;
}
