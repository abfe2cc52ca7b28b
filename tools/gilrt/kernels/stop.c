/* A thread stops all others, which poll each microsecond, and lets them go on: ours, and the least that does the same, a flag
   and two futexes. For each stop three waits are told, from the call that stops: until all stand still, until the first of them
   goes on, and until the call that resumes has returned. */
#define _GNU_SOURCE
#include <errno.h>
#include <gilrt_inline.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "crew.h"
#include "first.h"
#include "kernel.h"
#include "work.h"

kernel_t kernel_stop_gilrt, kernel_stop_bare;

/* So many units of work take about a microsecond; between two stops a thread polls a thousand times. */
enum { UNITS_A_POLL = 5, PAUSE_NS = 1000000 };

typedef struct scene {
  const kernel_task_t *task;
  kernel_result_t *result;
  gil_interp_t *interp;
  first_t first;
  atomic_uint stops; /* changed while all stand still */
  atomic_uint word;    /* bare: odd while the others are to stand still */
  atomic_uint arrived; /* bare: how many do */
  /* Odd while its thread is at work, even at a poll: each on a line of its own. */
  struct {
    _Alignas(64) _Atomic uint64_t turns;
  } threads[KERNEL_MOST_THREADS];
} scene_t;

static void turn(scene_t *scene, unsigned index, uint64_t *chain, unsigned *stops) {
  unsigned seen = atomic_load_explicit(&scene->stops, memory_order_relaxed);
  if (seen != *stops) first_goes_on(&scene->first);
  *stops = seen;
  _Atomic uint64_t *turns = &scene->threads[index].turns;
  uint64_t now = atomic_load_explicit(turns, memory_order_relaxed);
  atomic_store_explicit(turns, now + 1, memory_order_relaxed);
  for (int i = 0; i < UNITS_A_POLL; i++) work_unit(chain);
  atomic_store_explicit(turns, now + 2, memory_order_relaxed);
}

/* The turns of all threads, and whether none is at work. */
static uint64_t turns_of_all(scene_t *scene, bool *still) {
  uint64_t sum = 0;
  for (unsigned i = 0; i < scene->task->threads; i++) {
    uint64_t turns = atomic_load_explicit(&scene->threads[i].turns, memory_order_relaxed);
    *still &= turns % 2 == 0;
    sum += turns;
  }
  return sum;
}

static void await_all_at_work(scene_t *scene) {
  for (unsigned i = 0; i < scene->task->threads; i++)
    while (atomic_load_explicit(&scene->threads[i].turns, memory_order_relaxed) == 0) sleep_ns(PAUSE_NS);
}

/* A stop counts if nobody was at work after it, nor had been when it ended. */
#define STOP_AND_RESUME(scene, stop, resume)                                                        \
  do {                                                                                              \
    const kernel_task_t *task = (scene)->task;                                                      \
    kernel_result_t *result = (scene)->result;                                                      \
    await_all_at_work(scene);                                                                       \
    uint64_t end = now_ns() + task->duration_ns;                                                    \
    while (now_ns() < end && result->waits + 3 <= task->capacity) {                                 \
      sleep_ns(PAUSE_NS);                                                                           \
      bool still = true;                                                                            \
      uint64_t start = now_ns();                                                                    \
      stop;                                                                                         \
      task->waits[result->waits++] = now_ns() - start;                                              \
      uint64_t before = turns_of_all(scene, &still);                                                \
      result->witness += turns_of_all(scene, &still) == before && still;                            \
      first_await(&(scene)->first);                                                                 \
      atomic_fetch_add_explicit(&(scene)->stops, 1, memory_order_relaxed);                          \
      resume;                                                                                       \
      uint64_t returned = now_ns();                                                                 \
      task->waits[result->waits++] = first_or(&(scene)->first, start, returned);                    \
      task->waits[result->waits++] = returned - start;                                              \
      result->done++;                                                                               \
    }                                                                                               \
  } while (0)

static void compute_gilrt(unsigned index, void *user) {
  scene_t *scene = user;
  uint64_t chain = index;
  unsigned stops = 0;
  gil_interp_enter(scene->interp, NULL);
  if (crew_ready()) {
    gil_acquire_inline();
    while (!crew_stopped()) {
      turn(scene, index, &chain, &stops);
      gil_poll_inline();
    }
    gil_release_inline();
  }
}

/* Attached before the clock runs, as a collector's thread is. */
static void stop_gilrt(void *user) {
  scene_t *scene = user;
  gil_interp_enter(scene->interp, NULL);
  gil_acquire();
  STOP_AND_RESUME(scene, gil_stop_world(), gil_resume_world());
  gil_release();
  gil_interp_enter(gil_interp_main(), NULL);
}

int kernel_stop_gilrt(const kernel_task_t *task, kernel_result_t *result) {
  scene_t scene = {.task = task, .result = result};
  const gil_interp_config_t config = {.struct_size = sizeof config, .name = "free", .mode = GIL_MODE_FREE};
  if (gil_interp_new(&config, &scene.interp)) return ENOMEM;
  int error = crew_run(task->threads, compute_gilrt, stop_gilrt, &scene, &result->elapsed_ns);
  return gil_interp_close(scene.interp, UINT64_MAX) == GILRT_OK ? error : EBUSY;
}

static void sleep_while(atomic_uint *word, unsigned value) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

static void wake(atomic_uint *word, int most) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, most, NULL, NULL, 0); }

static void poll_bare(scene_t *scene) {
  unsigned seen = atomic_load_explicit(&scene->word, memory_order_acquire);
  if (seen % 2 == 0) return;
  /* The last one wakes the thread that stops them. */
  if (atomic_fetch_add(&scene->arrived, 1) + 1 == scene->task->threads) wake(&scene->arrived, 1);
  while (atomic_load_explicit(&scene->word, memory_order_acquire) == seen) sleep_while(&scene->word, seen);
}

static void compute_bare(unsigned index, void *user) {
  scene_t *scene = user;
  uint64_t chain = index;
  unsigned stops = 0;
  if (!crew_ready()) return;
  while (!crew_stopped()) {
    turn(scene, index, &chain, &stops);
    poll_bare(scene);
  }
}

static void stop_all(scene_t *scene) {
  atomic_store(&scene->arrived, 0);
  atomic_fetch_add(&scene->word, 1);
  for (unsigned seen; (seen = atomic_load(&scene->arrived)) < scene->task->threads;) sleep_while(&scene->arrived, seen);
}

static void resume_all(scene_t *scene) {
  atomic_fetch_add(&scene->word, 1);
  wake(&scene->word, INT_MAX);
}

static void stop_bare(void *user) {
  scene_t *scene = user;
  STOP_AND_RESUME(scene, stop_all(scene), resume_all(scene));
}

int kernel_stop_bare(const kernel_task_t *task, kernel_result_t *result) {
  scene_t scene = {.task = task, .result = result};
  return crew_run(task->threads, compute_bare, stop_bare, &scene, &result->elapsed_ns);
}
