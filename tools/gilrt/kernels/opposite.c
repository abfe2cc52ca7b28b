/* Two threads that each have one of two objects and want the other's. The first value is how many of their requests were refused
   because nobody could ever have granted them. With bare locks that nobody checks this kernel does not come back. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "crew.h"
#include "kernel.h"
#include "start.h"

kernel_t kernel_opposite_lock, kernel_opposite_mutex, kernel_opposite_section;

typedef struct scene {
  obj_t *objects[2];
  pthread_mutex_t mutexes[2];
  atomic_uint have_one;
  atomic_uint_fast64_t refused;
  uint64_t both; /* changed by who has both */
} scene_t;

/* Chance could save them if one were done before the other has begun. */
static void until_both_have_one(scene_t *scene) {
  atomic_fetch_add(&scene->have_one, 1);
  while (atomic_load(&scene->have_one) < 2) sched_yield();
}

static void lock(unsigned index, void *user) {
  scene_t *scene = user;
  obj_t *mine = scene->objects[index], *other = scene->objects[!index];
  if (!crew_ready()) return;
  gil_acquire();
  obj_lock(mine);
  until_both_have_one(scene);
  if (obj_lock(other) == GILRT_OK) {
    scene->both++;
    obj_unlock(other);
  } else {
    atomic_fetch_add(&scene->refused, 1);
  }
  obj_unlock(mine);
  gil_release();
}

static void mutex(unsigned index, void *user) {
  scene_t *scene = user;
  if (!crew_ready()) return;
  pthread_mutex_lock(&scene->mutexes[index]);
  until_both_have_one(scene);
  pthread_mutex_lock(&scene->mutexes[!index]);
  scene->both++;
  pthread_mutex_unlock(&scene->mutexes[!index]);
  pthread_mutex_unlock(&scene->mutexes[index]);
}

static void section(unsigned index, void *user) {
  scene_t *scene = user;
  if (!crew_ready()) return;
  gil_acquire();
  OBJ_BEGIN_SECTION(scene->objects[index])
  until_both_have_one(scene);
  OBJ_BEGIN_SECTION(scene->objects[!index])
  scene->both++;
  OBJ_END_SECTION
  OBJ_END_SECTION
  gil_release();
}

static int run(kernel_result_t *result, void (*body)(unsigned, void *)) {
  const obj_type_config_t left = {.struct_size = sizeof left, .name = "left"}, right = {.struct_size = sizeof right, .name = "right"};
  scene_t scene = {.mutexes = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER}};
  obj_type_t *types[2];
  if (start(GIL_MODE_FREE, OBJ_COUNT_BIASED)) return ECANCELED;
  gil_acquire();
  if (obj_type_new(&left, &types[0]) || obj_type_new(&right, &types[1])) return ENOMEM;
  for (int i = 0; i < 2; i++)
    if (obj_new(types[i], 0, &scene.objects[i])) return ENOMEM;
  gil_release();
  int error = crew_run(2, body, NULL, &scene, &result->elapsed_ns);
  result->values[0] = atomic_load(&scene.refused);
  result->done = 2;
  result->witness = scene.both + result->values[0];
  gil_acquire();
  for (int i = 0; i < 2; i++) obj_decref(scene.objects[i]);
  gil_release();
  return error;
}

int kernel_opposite_lock(const kernel_task_t *task, kernel_result_t *result) {
  (void)task;
  return run(result, lock);
}

int kernel_opposite_mutex(const kernel_task_t *task, kernel_result_t *result) {
  (void)task;
  return run(result, mutex);
}

int kernel_opposite_section(const kernel_task_t *task, kernel_result_t *result) {
  (void)task;
  return run(result, section);
}
