/* The collector among live objects in cycles: rings of ten, each held from outside by one reference. */
#include <dlfcn.h>
#include <errno.h>
#include <gilrt_inline.h>
#include <stdbool.h>
#include <stdlib.h>

#include "clock.h"
#include "kernel.h"

kernel_t kernel_collect_full, kernel_collect_young;

enum { RING = 10, OLD_FOR_EACH_YOUNG = 10 };

typedef struct node {
  obj_t *next;
  uint64_t value;
} node_t;

/* What a library without a collector lacks. */
static int64_t (*collect)(void);
static int (*collect_enable)(bool on);
static int (*set_threshold)(int generation, size_t allocations);
static obj_type_t *type;

static int traverse(obj_t *self, obj_visit_fn visit, void *user) {
  obj_t *next = OBJ_PAYLOAD(self, node_t)->next;
  return next ? visit(next, user) : 0;
}

static void clear(obj_t *self) {
  obj_t *next = OBJ_PAYLOAD(self, node_t)->next;
  OBJ_PAYLOAD(self, node_t)->next = NULL;
  obj_decref(next);
}

static int prepare(void) {
  *(void **)&collect = dlsym(RTLD_DEFAULT, "obj_collect");
  *(void **)&collect_enable = dlsym(RTLD_DEFAULT, "obj_collect_enable");
  *(void **)&set_threshold = dlsym(RTLD_DEFAULT, "obj_set_collect_threshold");
  if (!collect || !collect_enable || !set_threshold) return ENOSYS;
  const obj_type_config_t config = {.struct_size = sizeof config,
                                    .name = "node",
                                    .payload_size = sizeof(node_t),
                                    .traverse = traverse,
                                    .clear = clear};
  collect_enable(false);
  return type || obj_type_new(&config, &type) == GILRT_OK ? 0 : ENOMEM;
}

static void shuffle(obj_t **objects, size_t count) {
  uint64_t random = 1;
  for (size_t i = count; i > 1; i--) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    size_t other = (size_t)(random >> 33) % i;
    obj_t *object = objects[i - 1];
    objects[i - 1] = objects[other];
    objects[other] = object;
  }
}

/* `count` objects, a multiple of RING: the first of each ring at the beginning of the array that it returns. */
static obj_t **make_rings(size_t count, bool shuffled) {
  obj_t **objects = malloc(count * sizeof *objects);
  if (!objects) return NULL;
  for (size_t i = 0; i < count; i++)
    if (obj_new(type, 0, &objects[i])) return NULL;
  if (shuffled) shuffle(objects, count);
  for (size_t i = 0; i < count; i++) /* each one's first reference is that of the one before it */
    OBJ_PAYLOAD(objects[i], node_t)->next = objects[i % RING == RING - 1 ? i + 1 - RING : i + 1];
  for (size_t i = 0; i < count / RING; i++) obj_incref(objects[i] = objects[i * RING]);
  return objects;
}

static void drop_rings(obj_t **rings, size_t count) {
  for (size_t i = 0; i < count / RING; i++) obj_decref(rings[i]);
  free(rings);
}

/* A full collection that frees nothing, of objects that were there at the one before. That it looked at all of them is shown by
   the next, which frees all. `timed` asks for objects whose neighbours lie anywhere. */
int kernel_collect_full(const kernel_task_t *task, kernel_result_t *result) {
  size_t count = task->units / RING * RING;
  gil_acquire();
  int error = prepare();
  obj_t **rings = error ? NULL : make_rings(count, task->timed);
  if (!rings) return error ? error : ENOMEM;
  if (collect() != 0) return EPROTO;
  uint64_t start = now_ns();
  int64_t freed = collect();
  result->elapsed_ns = now_ns() - start;
  drop_rings(rings, count);
  if (freed == 0 && obj_live_count() == (int64_t)count) result->witness = (uint64_t)collect();
  result->done = count;
  gil_release();
  return 0;
}

/* A collection of young objects beside ten times as many old ones, as obj_new begins it by itself. That there was one is shown by
   a ring that nobody holds. */
int kernel_collect_young(const kernel_task_t *task, kernel_result_t *result) {
  size_t count = task->units / RING * RING, old_count = count * OLD_FOR_EACH_YOUNG;
  gil_acquire();
  int error = prepare();
  obj_t **old = error ? NULL : make_rings(old_count, false);
  if (!old) return error ? error : ENOMEM;
  if (collect() != 0) return EPROTO;
  obj_t **young = make_rings(count, false), **garbage = make_rings(RING, false), *next;
  if (!young || !garbage) return ENOMEM;
  drop_rings(garbage, RING);
  int64_t before = obj_live_count();
  set_threshold(0, 1);
  collect_enable(true);
  uint64_t start = now_ns();
  if (obj_new(type, 0, &next)) return ENOMEM;
  result->elapsed_ns = now_ns() - start;
  collect_enable(false);
  result->done = count;
  if (obj_live_count() == before - RING + 1) result->witness = count;
  obj_decref(next);
  drop_rings(young, count);
  drop_rings(old, old_count);
  if (collect() != (int64_t)(count + old_count)) result->witness = 0;
  gil_release();
  return 0;
}
