/* What one thread pays for counts that are safe: a binary tree is built, walked again and again with a reference taken and dropped
   at each node, as an interpreter does with each value that it touches, and dropped. Values: nanoseconds of building, walking and
   dropping, of all passes; `done` is the number of nodes that were visited. */
#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "kernel.h"
#include "start.h"

kernel_t kernel_tree_plain, kernel_tree_c_atomic, kernel_tree_lock, kernel_tree_locked, kernel_tree_atomic, kernel_tree_free;

enum { BUILD, WALK, DROP, NODES };
enum { DEPTH = 13, WALKS = 10 };

/* A node as C has it, of the size of one of the library's. */
typedef struct node {
  uint32_t count;
  uint32_t unused[3];
  struct node *children[2];
  uint64_t value;
} node_t;

typedef struct payload {
  obj_t *children[2];
  uint64_t value;
} payload_t;

static obj_type_t *type;

static void clear(obj_t *self) {
  payload_t *payload = OBJ_PAYLOAD(self, payload_t);
  obj_decref(payload->children[0]);
  obj_decref(payload->children[1]);
}

/* The three steps for one way of counting. `make` is an expression for a new node, NULL if there is no memory. */
#define TREE(name, node, make, child, value_of, take, drop, poll)                      \
  static node *name##_build(unsigned depth) {                                          \
    node *made = make;                                                                 \
    if (!made) return NULL;                                                            \
    value_of(made) = depth;                                                            \
    poll;                                                                              \
    for (int i = 0; depth > 0 && i < 2; i++)                                           \
      if (!(child(made, i) = name##_build(depth - 1))) return NULL;                    \
    return made;                                                                       \
  }                                                                                    \
  static uint64_t name##_walk(node *at) {                                              \
    uint64_t sum = value_of(at);                                                       \
    poll;                                                                              \
    for (int i = 0; i < 2; i++) {                                                      \
      node *next = child(at, i);                                                       \
      if (!next) break;                                                                \
      take(next);                                                                      \
      sum += name##_walk(next);                                                        \
      drop(next);                                                                      \
    }                                                                                  \
    return sum;                                                                        \
  }                                                                                    \
  static int name##_passes(const kernel_task_t *task, kernel_result_t *result) {       \
    /* The first pass warms up, and does not count. */                                 \
    for (uint64_t pass = 0; pass <= task->units; pass++) {                             \
      uint64_t start = now_ns(), sum = 0;                                              \
      node *root = name##_build(DEPTH);                                                \
      if (!root) return ENOMEM;                                                        \
      uint64_t built = now_ns();                                                       \
      for (int walk = 0; walk < WALKS; walk++) sum += name##_walk(root);               \
      uint64_t walked = now_ns();                                                      \
      drop(root);                                                                      \
      uint64_t dropped = now_ns();                                                     \
      if (pass == 0) continue;                                                         \
      result->values[BUILD] += built - start;                                          \
      result->values[WALK] += walked - built;                                          \
      result->values[DROP] += dropped - walked;                                        \
      result->values[NODES] += (2u << DEPTH) - 1;                                      \
      result->elapsed_ns += dropped - start;                                           \
      /* Each level's values add up to its height times its nodes. */                  \
      result->witness += sum;                                                          \
      result->done += WALKS * ((2u << DEPTH) - DEPTH - 2);                             \
    }                                                                                  \
    return 0;                                                                          \
  }

#define C_CHILD(node, i) (node)->children[i]
#define C_VALUE(node) (node)->value

static node_t *new_node(void) {
  node_t *node = calloc(1, sizeof *node);
  if (node) node->count = 1;
  return node;
}

static void plain_drop(node_t *node) {
  if (!node || --node->count != 0) return;
  plain_drop(node->children[0]);
  plain_drop(node->children[1]);
  free(node);
}

static void c_atomic_drop(node_t *node) {
  if (!node || __atomic_sub_fetch(&node->count, 1, __ATOMIC_ACQ_REL) != 0) return;
  c_atomic_drop(node->children[0]);
  c_atomic_drop(node->children[1]);
  free(node);
}

#define PLAIN_TAKE(node) (node)->count++
#define C_ATOMIC_TAKE(node) __atomic_fetch_add(&(node)->count, 1, __ATOMIC_RELAXED)

static obj_t *new_object(void) {
  obj_t *object = NULL;
  obj_new(type, 0, &object);
  return object;
}

#define CHILD(o, i) OBJ_PAYLOAD(o, payload_t)->children[i]
#define VALUE(o) OBJ_PAYLOAD(o, payload_t)->value

TREE(plain, node_t, new_node(), C_CHILD, C_VALUE, PLAIN_TAKE, plain_drop, (void)0)
TREE(c_atomic, node_t, new_node(), C_CHILD, C_VALUE, C_ATOMIC_TAKE, c_atomic_drop, (void)0)
TREE(library, obj_t, new_object(), CHILD, VALUE, obj_incref_inline, obj_decref_inline, gil_poll_inline())

static int run(const kernel_task_t *task, kernel_result_t *result, gil_mode_t mode, obj_count_t count) {
  const obj_type_config_t config = {
      .struct_size = sizeof config, .name = "tree", .payload_size = sizeof(payload_t), .clear = clear};
  if (start(mode, count)) return ECANCELED;
  gil_acquire();
  if (obj_type_new(&config, &type)) return ENOMEM;
  int error = library_passes(task, result);
  if (obj_live_count() != 0) result->witness = 0;
  gil_release();
  return error;
}

int kernel_tree_plain(const kernel_task_t *task, kernel_result_t *result) { return plain_passes(task, result); }
int kernel_tree_c_atomic(const kernel_task_t *task, kernel_result_t *result) { return c_atomic_passes(task, result); }

int kernel_tree_lock(const kernel_task_t *task, kernel_result_t *result) {
  return run(task, result, GIL_MODE_LOCKED, OBJ_COUNT_BIASED);
}

int kernel_tree_locked(const kernel_task_t *task, kernel_result_t *result) {
  return run(task, result, GIL_MODE_FREE, OBJ_COUNT_LOCKED);
}

int kernel_tree_atomic(const kernel_task_t *task, kernel_result_t *result) {
  return run(task, result, GIL_MODE_FREE, OBJ_COUNT_ATOMIC);
}

int kernel_tree_free(const kernel_task_t *task, kernel_result_t *result) {
  return run(task, result, GIL_MODE_FREE, OBJ_COUNT_BIASED);
}
