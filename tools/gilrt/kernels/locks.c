/* Visits of objects by one or several threads: what it costs to take a lock for each, against one lock for all. A visit changes
   a word of the object, which bears witness. The threads have objects of their own if the task is timed, the same ones otherwise. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>

#include "crew.h"
#include "kernel.h"
#include "pin.h"
#include "start.h"
#include "times.h"

kernel_t kernel_locks_held, kernel_locks_taken, kernel_locks_each, kernel_locks_section, kernel_locks_counts,
    kernel_locks_counts_one, kernel_locks_mutex;

enum { OBJECTS = 16 };

typedef struct payload {
  uint64_t visits;
  pthread_mutex_t mutex;
} payload_t;

typedef struct scene {
  uint64_t rounds; /* by each thread, of OBJECTS visits */
  bool apart;
  obj_t *objects[KERNEL_MOST_THREADS][OBJECTS];
} scene_t;

#define VISITS(o) (OBJ_PAYLOAD(o, payload_t)->visits)

/* `visit` is a statement about `o`; the thread is attached if `attached` says so. */
#define BODY(name, attached, visit)                                          \
  static void name(unsigned index, void *user) {                             \
    scene_t *scene = user;                                                   \
    obj_t **objects = scene->objects[scene->apart ? index : 0];              \
    spread(index);                                                           \
    gil_acquire();                                                           \
    gil_release();                                                           \
    if (!crew_ready()) return;                                               \
    if (attached) gil_acquire();                                             \
    for (uint64_t round = scene->rounds; round > 0; round--) {               \
      for (unsigned i = 0; i < OBJECTS; i++) {                               \
        obj_t *o = objects[i];                                               \
        visit;                                                               \
        SECTION();                                                           \
      }                                                                      \
      if (attached) gil_poll_inline();                                       \
    }                                                                        \
    if (attached) gil_release();                                             \
  }

BODY(held, true, VISITS(o)++)
BODY(taken, false, gil_acquire_inline(); VISITS(o)++; gil_release_inline())
BODY(each, true, obj_lock(o); VISITS(o)++; obj_unlock(o))
BODY(section, true, OBJ_BEGIN_SECTION(o) VISITS(o)++; OBJ_END_SECTION)
BODY(mutex, false, pthread_mutex_t *m = &OBJ_PAYLOAD(o, payload_t)->mutex; pthread_mutex_lock(m); VISITS(o)++;
     pthread_mutex_unlock(m))
BODY(counts, true, obj_incref_inline(o); SECTION(); obj_decref_inline(o))

static int run(const kernel_task_t *task, kernel_result_t *result, void (*body)(unsigned, void *), gil_mode_t mode,
               obj_count_t count) {
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "visited", .payload_size = sizeof(payload_t)};
  scene_t *scene = calloc(1, sizeof *scene);
  obj_type_t *type;
  if (!scene) return ENOMEM;
  scene->rounds = task->units / OBJECTS;
  scene->apart = task->timed;
  if (start(mode, count)) return ECANCELED;
  gil_acquire();
  if (obj_type_new(&config, &type)) return ENOMEM;
  for (unsigned t = 0; t < task->threads; t++)
    for (unsigned i = 0; i < OBJECTS; i++) {
      if (obj_new(type, 0, &scene->objects[t][i])) return ENOMEM;
      pthread_mutex_init(&OBJ_PAYLOAD(scene->objects[t][i], payload_t)->mutex, NULL);
    }
  gil_release();
  int error = crew_run(task->threads, body, NULL, scene, &result->elapsed_ns);
  if (error) return error;
  result->done = scene->rounds * OBJECTS * task->threads;
  gil_acquire();
  for (unsigned t = 0; t < task->threads; t++)
    for (unsigned i = 0; i < OBJECTS; i++) {
      result->witness += VISITS(scene->objects[t][i]);
      if (obj_refcount(scene->objects[t][i]) != 1) result->witness = UINT64_MAX / 2;
      obj_decref(scene->objects[t][i]);
    }
  /* Counts are not visits; that they add up has just been seen. */
  if (body == counts && result->witness == 0) result->witness = result->done;
  if (obj_live_count() != 0) result->witness = 0;
  gil_release();
  free(scene);
  return 0;
}

int kernel_locks_held(const kernel_task_t *task, kernel_result_t *result) {
  return run(task, result, held, GIL_MODE_LOCKED, OBJ_COUNT_BIASED);
}

int kernel_locks_taken(const kernel_task_t *task, kernel_result_t *result) {
  return run(task, result, taken, GIL_MODE_LOCKED, OBJ_COUNT_BIASED);
}

int kernel_locks_each(const kernel_task_t *task, kernel_result_t *result) {
  return run(task, result, each, GIL_MODE_FREE, OBJ_COUNT_BIASED);
}

int kernel_locks_section(const kernel_task_t *task, kernel_result_t *result) {
  return run(task, result, section, GIL_MODE_FREE, OBJ_COUNT_BIASED);
}

int kernel_locks_mutex(const kernel_task_t *task, kernel_result_t *result) {
  return run(task, result, mutex, GIL_MODE_FREE, OBJ_COUNT_BIASED);
}

/* A reference taken and dropped instead of a visit. */
int kernel_locks_counts(const kernel_task_t *task, kernel_result_t *result) {
  return run(task, result, counts, GIL_MODE_FREE, OBJ_COUNT_LOCKED);
}

int kernel_locks_counts_one(const kernel_task_t *task, kernel_result_t *result) {
  return run(task, result, counts, GIL_MODE_LOCKED, OBJ_COUNT_BIASED);
}
