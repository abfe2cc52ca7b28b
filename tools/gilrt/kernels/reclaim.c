/* Small trees come and go: a table of so many slots (`threads` thousand) is filled, then in each step a new tree replaces the one
   in some slot. Each step is timed, for that is how long a program pauses. What frees the old tree is its count; or, where each node
   refers to itself and so no count ever falls to zero, the collector alone. Values: how many objects there were at the most, and
   how many are left behind at the end. */
#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "kernel.h"
#include "start.h"

kernel_t kernel_reclaim_counting, kernel_reclaim_both, kernel_reclaim_tracing;

enum { MOST, LEFT };
enum { DEPTH = 3, NODES = 15, SLOTS_EACH = 1000 };

typedef struct node {
  obj_t *children[2];
  obj_t *self; /* what keeps it from dying by its count, or NULL */
} node_t;

static obj_type_t *type;
static bool traced;

static int traverse(obj_t *self, obj_visit_fn visit, void *user) {
  node_t *node = OBJ_PAYLOAD(self, node_t);
  obj_t *others[] = {node->children[0], node->children[1], node->self};
  for (int i = 0; i < 3; i++) {
    int stop = others[i] ? visit(others[i], user) : 0;
    if (stop) return stop;
  }
  return 0;
}

static void clear(obj_t *self) {
  node_t node = *OBJ_PAYLOAD(self, node_t);
  *OBJ_PAYLOAD(self, node_t) = (node_t){0};
  obj_decref(node.children[0]);
  obj_decref(node.children[1]);
  obj_decref(node.self);
}

static obj_t *new_tree(unsigned depth) {
  obj_t *made;
  if (obj_new(type, 0, &made)) return NULL;
  if (traced) OBJ_PAYLOAD(made, node_t)->self = obj_newref(made);
  for (int i = 0; depth > 0 && i < 2; i++)
    if (!(OBJ_PAYLOAD(made, node_t)->children[i] = new_tree(depth - 1))) return NULL;
  return made;
}

static int run(const kernel_task_t *task, kernel_result_t *result, bool by_count, bool by_collector) {
  const obj_type_config_t config = {.struct_size = sizeof config,
                                    .name = "node",
                                    .payload_size = sizeof(node_t),
                                    .traverse = traverse,
                                    .clear = clear};
  size_t slots = (size_t)task->threads * SLOTS_EACH;
  obj_t **table = calloc(slots, sizeof *table);
  uint64_t random = 1;
  if (!table) return ENOMEM;
  traced = !by_count;
  gil_acquire();
  if (obj_type_new(&config, &type)) return ENOMEM;
  obj_collect_enable(by_collector);
  for (size_t i = 0; i < slots; i++)
    if (!(table[i] = new_tree(DEPTH))) return ENOMEM;
  uint64_t begin = now_ns();
  for (uint64_t step = 0; step < task->units; step++) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    size_t slot = (size_t)(random >> 33) % slots;
    uint64_t start = now_ns();
    obj_t *old = table[slot];
    if (!(table[slot] = new_tree(DEPTH))) return ENOMEM;
    obj_decref(old);
    if (result->waits < task->capacity) task->waits[result->waits++] = now_ns() - start;
    if (step % 64 == 0) {
      uint64_t alive = (uint64_t)obj_live_count();
      if (alive > result->values[MOST]) result->values[MOST] = alive;
    }
    gil_poll_inline();
  }
  result->elapsed_ns = now_ns() - begin;
  result->done = task->units * NODES;
  for (size_t i = 0; i < slots; i++) obj_decref(table[i]);
  free(table);
  obj_collect();
  result->values[LEFT] = (uint64_t)obj_live_count();
  result->witness = result->values[LEFT] == 0 ? result->done : 0;
  gil_release();
  return 0;
}

int kernel_reclaim_counting(const kernel_task_t *task, kernel_result_t *result) { return run(task, result, true, false); }
int kernel_reclaim_both(const kernel_task_t *task, kernel_result_t *result) { return run(task, result, true, true); }
int kernel_reclaim_tracing(const kernel_task_t *task, kernel_result_t *result) { return run(task, result, false, true); }
