/* What the tests of the collector share: nodes with two children and whatever else a finalizer wants to know. */
#ifndef GRAPH_H
#define GRAPH_H

#include "check.h"

typedef struct node {
  obj_t *child[2];
  uint64_t number;
} node_t;

static inline int node_traverse(obj_t *self, obj_visit_fn visit, void *user) {
  node_t *node = OBJ_PAYLOAD(self, node_t);
  for (unsigned i = 0; i < 2; i++) {
    int answer = visit(node->child[i], user);
    if (answer != 0) return answer;
  }
  return 0;
}

/* Takes over the reference to `child`, and drops the one that was there. */
static inline void node_link(obj_t *self, unsigned slot, obj_t *child) {
  obj_t *old = OBJ_PAYLOAD(self, node_t)->child[slot];
  OBJ_PAYLOAD(self, node_t)->child[slot] = child;
  obj_decref(old);
}

static inline void node_clear(obj_t *self) {
  node_link(self, 0, NULL);
  node_link(self, 1, NULL);
}

static inline obj_type_t *type_with(const char *name, void (*finalize)(obj_t *),
                                    int (*traverse)(obj_t *, obj_visit_fn, void *), void (*clear)(obj_t *)) {
  const obj_type_config_t config = {.struct_size = sizeof config,
                                    .name = name,
                                    .payload_size = sizeof(node_t),
                                    .finalize = finalize,
                                    .traverse = traverse,
                                    .clear = clear};
  obj_type_t *type = NULL;
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  return type;
}

static inline obj_type_t *node_type(const char *name, void (*finalize)(obj_t *), void (*clear)(obj_t *)) {
  return type_with(name, finalize, node_traverse, clear);
}

/* Has no children, and is freed by whoever drops it. */
static inline obj_type_t *leaf_type(void) { return type_with("leaf", NULL, NULL, NULL); }

static inline obj_t *node_new(obj_type_t *type) {
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  return object;
}

/* A ring by the first child of each; the caller's reference is to the first, whose number is 0. */
static inline obj_t *ring_new(obj_type_t *type, size_t size) {
  obj_t *first = node_new(type), *last = first;
  for (size_t i = 1; i < size; i++) {
    obj_t *next = node_new(type);
    OBJ_PAYLOAD(next, node_t)->number = i;
    node_link(last, 0, next);
    last = next;
  }
  node_link(last, 0, obj_newref(first));
  return first;
}

/* Borrowed. */
static inline obj_t *nth(obj_t *object, size_t steps) {
  while (steps-- > 0) object = OBJ_PAYLOAD(object, node_t)->child[0];
  return object;
}

static inline gilrt_stats_t figures(void) {
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  CHECK_STATUS(gilrt_stats_get(NULL, &stats), GILRT_OK);
  return stats;
}

#endif
