/* From a wake-up on one CPU until the sleeper runs on another: what no lock that sleeps can do better. The waker stays busy,
   as a thread that computes and hands a lock over does. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "crew.h"
#include "kernel.h"
#include "pin.h"

kernel_t kernel_futex;

enum { PAUSE_NS = 1000000, WAKER = 0, SLEEPER = 1 };

typedef struct scene {
  const kernel_task_t *task;
  kernel_result_t *result;
  int cpus[2];
  atomic_uint word;         /* the turn that the sleeper waits for the end of */
  atomic_uint turns;        /* that the sleeper has begun */
  _Atomic uint64_t woken_at; /* published by `word` */
} scene_t;

static void wake(scene_t *scene) {
  for (unsigned turn = 1; !crew_stopped(); turn++) {
    while (atomic_load_explicit(&scene->turns, memory_order_acquire) != turn && !crew_stopped()) {
    }
    for (uint64_t until = now_ns() + PAUSE_NS; now_ns() < until;) {
    }
    atomic_store_explicit(&scene->woken_at, now_ns(), memory_order_relaxed);
    atomic_store_explicit(&scene->word, turn, memory_order_release);
    syscall(SYS_futex, &scene->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
  }
  /* The sleeper may wait for one more turn. */
  atomic_store_explicit(&scene->word, UINT_MAX, memory_order_release);
  syscall(SYS_futex, &scene->word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void sleep_and_look(scene_t *scene) {
  kernel_result_t *result = scene->result;
  for (unsigned turn = 1;; turn++) {
    atomic_store_explicit(&scene->turns, turn, memory_order_release);
    while (atomic_load_explicit(&scene->word, memory_order_acquire) == turn - 1)
      syscall(SYS_futex, &scene->word, FUTEX_WAIT_PRIVATE, turn - 1, NULL, NULL, 0);
    uint64_t ran_at = now_ns();
    if (atomic_load_explicit(&scene->word, memory_order_acquire) == UINT_MAX) return;
    if (result->waits < scene->task->capacity)
      scene->task->waits[result->waits++] = ran_at - atomic_load_explicit(&scene->woken_at, memory_order_relaxed);
  }
}

static void part(unsigned index, void *user) {
  scene_t *scene = user;
  pin_to(scene->cpus[index]);
  if (!crew_ready()) return;
  if (index == WAKER) {
    wake(scene);
  } else {
    sleep_and_look(scene);
  }
}

static void watch(void *user) { sleep_ns(((scene_t *)user)->task->duration_ns); }

int kernel_futex(const kernel_task_t *task, kernel_result_t *result) {
  scene_t scene = {.task = task, .result = result};
  if (allowed_cpus(scene.cpus, 2) < 2) return ENODEV;
  return crew_run(2, part, watch, &scene, &result->elapsed_ns);
}
