/* One object that all threads count at once. Each has as many turns to do, and tells the CPU time that they took: with more
   threads than CPUs, what they wait for one another would be counted otherwise. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <gilrt_inline.h>
#include <time.h>

#include "crew.h"
#include "kernel.h"
#include "pin.h"

kernel_t kernel_together_biased, kernel_together_hot, kernel_together_atomic;

typedef struct scene {
  uint64_t turns;
  obj_t *object;
  uint32_t plain; /* counted as Arc does */
  kernel_result_t *result;
} scene_t;

static uint64_t cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The threads are detached, as at work that needs no lock; each has been attached before, and so has a state of its own. */
#define PART(scene, index, take, drop)                          \
  do {                                                          \
    spread(index);                                              \
    gil_acquire();                                              \
    gil_release();                                              \
    if (!crew_ready()) return;                                  \
    uint64_t start = cpu_ns();                                  \
    for (uint64_t i = 0; i < (scene)->turns; i++) {             \
      take;                                                     \
      __asm__ volatile("" ::: "memory");                        \
      drop;                                                     \
      __asm__ volatile("" ::: "memory");                        \
    }                                                           \
    (scene)->result->shares[index] = cpu_ns() - start;          \
  } while (0)

static void count_inline(unsigned index, void *user) {
  scene_t *scene = user;
  PART(scene, index, obj_incref_inline(scene->object), obj_decref_inline(scene->object));
}

static void count_atomic(unsigned index, void *user) {
  scene_t *scene = user;
  PART(scene, index, __atomic_fetch_add(&scene->plain, 1, __ATOMIC_RELAXED),
       if (__atomic_fetch_sub(&scene->plain, 1, __ATOMIC_RELEASE) == 1) __atomic_thread_fence(__ATOMIC_ACQUIRE));
}

/* `elapsed_ns` is the CPU time of all threads, `done` what all have done. */
static int run(const kernel_task_t *task, scene_t *scene, void (*body)(unsigned, void *)) {
  uint64_t wall;
  scene->turns = task->units;
  int error = crew_run(task->threads, body, NULL, scene, &wall);
  for (unsigned i = 0; i < task->threads; i++) scene->result->elapsed_ns += scene->result->shares[i];
  scene->result->done = scene->result->witness = task->units * task->threads;
  return error;
}

static int run_object(const kernel_task_t *task, kernel_result_t *result, int (*prepare)(obj_t *)) {
  static obj_type_t *type;
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "together"};
  scene_t scene = {.result = result};
  gil_acquire();
  if ((!type && obj_type_new(&config, &type)) || obj_new(type, 0, &scene.object)) return ENOMEM;
  if (prepare && prepare(scene.object)) return ECANCELED;
  gil_release();
  int error = run(task, &scene, count_inline);
  gil_acquire();
  if (obj_refcount(scene.object) != 1) result->witness = 0;
  obj_decref(scene.object);
  gil_release();
  return error;
}

int kernel_together_biased(const kernel_task_t *task, kernel_result_t *result) { return run_object(task, result, NULL); }

/* ENOSYS from a library that knows no hot objects. */
int kernel_together_hot(const kernel_task_t *task, kernel_result_t *result) {
  int (*make_hot)(obj_t *) = (int (*)(obj_t *))dlsym(RTLD_DEFAULT, "obj_make_hot");
  return make_hot ? run_object(task, result, make_hot) : ENOSYS;
}

int kernel_together_atomic(const kernel_task_t *task, kernel_result_t *result) {
  scene_t scene = {.result = result, .plain = 1};
  int error = run(task, &scene, count_atomic);
  if (scene.plain != 1) result->witness = 0;
  return error;
}
