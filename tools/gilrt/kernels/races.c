/* One object's count that several threads change at once. Values: what is missing after all have taken references, how often
   the object was freed although there was a reference to it, and what is left over after all have dropped theirs. */
#define _GNU_SOURCE
#include <errno.h>

#include "crew.h"
#include "kernel.h"
#include "pin.h"
#include "start.h"

kernel_t kernel_races_none, kernel_races_atomic, kernel_races_lock, kernel_races_free;

enum { LOST, EARLY, LEFT };
enum { POLL_EVERY = 64 };

#define RELAXED memory_order_relaxed

/* A count as C has it, `count++` and `--count == 0`, but for the loads and stores: were those plain, two threads at once would
   be undefined, and whatever came out would say nothing. */
static _Atomic uint32_t count;

static void take_unprotected(void) { atomic_store_explicit(&count, atomic_load_explicit(&count, RELAXED) + 1, RELAXED); }

static bool drop_unprotected(void) {
  uint32_t left = atomic_load_explicit(&count, RELAXED) - 1;
  atomic_store_explicit(&count, left, RELAXED);
  return left == 0;
}

static void take_atomic(void) { atomic_fetch_add_explicit(&count, 1, RELAXED); }
static bool drop_atomic(void) { return atomic_fetch_sub_explicit(&count, 1, memory_order_acq_rel) == 1; }

/* What a program has a reference for, and what it does without it. A thread that did nothing in between would read its own stores
   before others see them, and so hardly ever meet another. */
static inline void use(uint64_t *chain) {
  uint64_t x = *chain;
  for (int i = 0; i < 64; i++) x = x * 6364136223846793005u + 1442695040888963407u;
  __asm__ volatile("" : "+r"(x) : : "memory");
  *chain = x;
}

typedef struct scene {
  uint64_t units;
  obj_t *object;
  atomic_uint_fast64_t early;
} scene_t;

/* Where a program would free the object, the owner's reference is put back, so that the rest can be counted too. */
#define MODEL(take, drop)                                                       \
  static void take##_all(unsigned index, void *user) {                          \
    spread(index);                                                              \
    if (!crew_ready()) return;                                                  \
    for (uint64_t i = ((scene_t *)user)->units; i > 0; i--) take();             \
  }                                                                             \
  static void take##_and_drop(unsigned index, void *user) {                     \
    scene_t *scene = user;                                                      \
    uint64_t chain = index;                                                     \
    spread(index);                                                              \
    if (!crew_ready()) return;                                                  \
    for (uint64_t i = scene->units; i > 0; i--) {                               \
      use(&chain);                                                              \
      take();                                                                   \
      use(&chain);                                                              \
      if (!drop()) continue;                                                    \
      atomic_fetch_add(&scene->early, 1);                                       \
      atomic_store(&count, 1);                                                  \
    }                                                                           \
  }

MODEL(take_unprotected, drop_unprotected)
MODEL(take_atomic, drop_atomic)

typedef void body_t(unsigned index, void *user);

static int model(const kernel_task_t *task, kernel_result_t *result, body_t *take, body_t *take_and_drop) {
  scene_t scene = {.units = task->units};
  uint64_t all = task->units * task->threads, ignored;
  atomic_store(&count, 1);
  int error = crew_run(task->threads, take, NULL, &scene, &ignored);
  if (error) return error;
  result->values[LOST] = all + 1 - atomic_load(&count);
  atomic_store(&count, 1);
  error = crew_run(task->threads, take_and_drop, NULL, &scene, &result->elapsed_ns);
  result->values[EARLY] = atomic_load(&scene.early);
  /* Wrapped below zero, there is nothing left over. */
  int32_t left = (int32_t)(atomic_load(&count) - 1);
  result->values[LEFT] = left > 0 ? (uint64_t)left : 0;
  result->done = result->witness = all;
  return error;
}

int kernel_races_none(const kernel_task_t *task, kernel_result_t *result) {
  return model(task, result, take_unprotected_all, take_unprotected_and_drop);
}

int kernel_races_atomic(const kernel_task_t *task, kernel_result_t *result) {
  return model(task, result, take_atomic_all, take_atomic_and_drop);
}

static atomic_uint_fast64_t finalized;

static void finalize(obj_t *self) {
  (void)self;
  atomic_fetch_add(&finalized, 1);
}

/* Known to the library before the clock starts, and attached when the crew begins; false if it does not. */
static bool ready_attached(unsigned index) {
  spread(index);
  gil_acquire();
  gil_release();
  if (!crew_ready()) return false;
  gil_acquire();
  return true;
}

static void take_all(unsigned index, void *user) {
  scene_t *scene = user;
  if (!ready_attached(index)) return;
  for (uint64_t i = scene->units; i > 0; i--) {
    obj_incref_inline(scene->object);
    if (i % POLL_EVERY == 0) gil_poll_inline();
  }
  gil_release();
}

static void drop_all(unsigned index, void *user) {
  scene_t *scene = user;
  if (!ready_attached(index)) return;
  for (uint64_t i = scene->units; i > 0; i--) {
    obj_decref_inline(scene->object);
    if (i % POLL_EVERY == 0) gil_poll_inline();
  }
  gil_release();
}

static void take_and_drop(unsigned index, void *user) {
  scene_t *scene = user;
  uint64_t chain = index;
  if (!ready_attached(index)) return;
  for (uint64_t i = scene->units; i > 0; i--) {
    use(&chain);
    obj_incref_inline(scene->object);
    use(&chain);
    obj_decref_inline(scene->object);
    if (i % POLL_EVERY == 0) gil_poll_inline();
  }
  gil_release();
}

static int library(const kernel_task_t *task, kernel_result_t *result, gil_mode_t mode) {
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "shared", .finalize = finalize};
  scene_t scene = {.units = task->units};
  obj_type_t *type;
  uint64_t all = task->units * task->threads, ignored;
  if (start(mode, OBJ_COUNT_BIASED)) return ECANCELED;
  gil_acquire();
  if (obj_type_new(&config, &type) || obj_new(type, 0, &scene.object)) return ENOMEM;
  gil_release();
  int error = crew_run(task->threads, take_all, NULL, &scene, &ignored);
  if (error) return error;
  result->values[LOST] = all + 1 - obj_refcount(scene.object);
  error = crew_run(task->threads, drop_all, NULL, &scene, &ignored);
  if (!error) error = crew_run(task->threads, take_and_drop, NULL, &scene, &result->elapsed_ns);
  if (error) return error;
  gil_acquire();
  result->values[EARLY] = atomic_load(&finalized);
  result->values[LEFT] = obj_refcount(scene.object) - 1;
  obj_decref(scene.object);
  gil_release();
  result->done = all;
  result->witness = atomic_load(&finalized) == 1 ? all : 0;
  return 0;
}

int kernel_races_lock(const kernel_task_t *task, kernel_result_t *result) {
  return library(task, result, GIL_MODE_LOCKED);
}

int kernel_races_free(const kernel_task_t *task, kernel_result_t *result) { return library(task, result, GIL_MODE_FREE); }
