/* The mode of an interpreter is switched back and forth, with a lock and without, while threads attach, count and poll in it. For
   each switch two waits are told, from the call: until the first of them goes on in the new mode, and until it has returned. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <gilrt_inline.h>

#include "clock.h"
#include "crew.h"
#include "first.h"
#include "kernel.h"

kernel_t kernel_switch;

enum { PAUSE_NS = 1000000, PAIRS_AN_ATTACH = 64 };

typedef struct scene {
  const kernel_task_t *task;
  kernel_result_t *result;
  gil_interp_t *interp;
  obj_t *object;
  first_t first;
  atomic_int mode; /* that is wanted */
  int (*set_mode)(gil_interp_t *interp, int mode);
  int error;
} scene_t;

/* In each mode a thread counts under another token. One that has not run for a while finds the token of the switch before, hence
   the look at the mode, which does not change while it is attached. */
static void note_token(scene_t *scene, gil_thread_t *self, uint32_t *token) {
  uint32_t now = GILRT_LOAD_(gilrt_words_(self)->self);
  if (now == *token) return;
  *token = now;
  if (gil_interp_mode(scene->interp) == atomic_load(&scene->mode)) first_goes_on(&scene->first);
}

/* A reference is kept each time, so that the count tells in the end whether one was lost. */
static void come_and_go(unsigned index, void *user) {
  scene_t *scene = user;
  uint64_t kept = 0;
  uint32_t token = 0;
  gil_interp_enter(scene->interp, NULL);
  gil_thread_t *self = gil_thread_self();
  if (crew_ready()) {
    while (!crew_stopped()) {
      gil_acquire_inline();
      note_token(scene, self, &token);
      obj_incref_inline(scene->object);
      kept++;
      for (int i = 0; i < PAIRS_AN_ATTACH; i++) {
        obj_incref_inline(scene->object);
        gil_poll_inline();
        note_token(scene, self, &token);
        obj_decref_inline(scene->object);
      }
      gil_release_inline();
    }
  }
  scene->result->shares[index] = kept;
}

/* Every other switch is one into the mode without a lock, beginning with the first. */
static void switch_back_and_forth(void *user) {
  scene_t *scene = user;
  const kernel_task_t *task = scene->task;
  kernel_result_t *result = scene->result;
  uint64_t end = now_ns() + task->duration_ns;
  while (now_ns() < end && result->waits + 4 <= task->capacity) {
    for (int way = 0; way < 2; way++) {
      int mode = way == 0 ? GIL_MODE_FREE : GIL_MODE_LOCKED;
      sleep_ns(PAUSE_NS);
      first_await(&scene->first);
      atomic_store(&scene->mode, mode);
      uint64_t start = now_ns();
      if (scene->set_mode(scene->interp, mode)) scene->error = EPROTO;
      uint64_t returned = now_ns();
      task->waits[result->waits++] = first_or(&scene->first, start, returned);
      task->waits[result->waits++] = returned - start;
      if (gil_interp_mode(scene->interp) != mode) scene->error = EPROTO;
    }
  }
}

static obj_t *new_object(void) {
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "counted"};
  obj_type_t *type;
  obj_t *object = NULL;
  if (obj_type_new(&config, &type) == GILRT_OK) obj_new(type, 0, &object);
  return object;
}

/* `done` is how many references were kept, `witness` how many the object has. ENOSYS from a library that cannot switch. */
int kernel_switch(const kernel_task_t *task, kernel_result_t *result) {
  scene_t scene = {.task = task, .result = result};
  *(void **)&scene.set_mode = dlsym(RTLD_DEFAULT, "gil_interp_set_mode");
  if (!scene.set_mode) return ENOSYS;
  const gil_interp_config_t config = {.struct_size = sizeof config, .name = "switched", .mode = GIL_MODE_LOCKED};
  if (gil_interp_new(&config, &scene.interp)) return ENOMEM;
  gil_interp_enter(scene.interp, NULL);
  gil_acquire();
  scene.object = new_object();
  gil_release();
  if (!scene.object) return ENOMEM;
  int error = crew_run(task->threads, come_and_go, switch_back_and_forth, &scene, &result->elapsed_ns);
  for (unsigned i = 0; i < task->threads; i++) result->done += result->shares[i];
  gil_acquire();
  result->witness = obj_refcount(scene.object) - 1;
  for (uint64_t i = 0; i <= result->witness; i++) obj_decref(scene.object);
  if (obj_live_count() != 0) scene.error = EPROTO;
  gil_release();
  gil_interp_enter(gil_interp_main(), NULL);
  if (gil_interp_close(scene.interp, UINT64_MAX)) return EBUSY;
  return error ? error : scene.error;
}
