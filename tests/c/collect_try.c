/* Garbage without finalizers that a map still knows: a try is refused while it is cleared, and gives nothing that was. */
#include "check.h"
typedef struct node { obj_t *other; int cleared; } node_t;
static obj_t *map[2];
static int taken_after_clear;
static int traverse(obj_t *o, obj_visit_fn visit, void *user) { return visit(OBJ_PAYLOAD(o, node_t)->other, user); }
static void clear(obj_t *o) {
  node_t *n = OBJ_PAYLOAD(o, node_t);
  n->cleared = 1;
  for (int i = 0; i < 2; i++)
    if (obj_try_incref(map[i])) {
      node_t *m = OBJ_PAYLOAD(map[i], node_t);
      if (m->cleared) taken_after_clear++;
      obj_decref(map[i]);
    }
  obj_t *other = n->other;
  n->other = NULL;
  obj_decref(other);
}
int main(void) {
  obj_type_config_t shape = {.struct_size = sizeof shape, .name = "n", .payload_size = sizeof(node_t), .flags = OBJ_TYPE_TRY,
                             .traverse = traverse, .clear = clear};
  obj_type_t *type;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_type_new(&shape, &type), GILRT_OK);
  for (int i = 0; i < 2; i++) CHECK_STATUS(obj_new(type, 0, &map[i]), GILRT_OK);
  for (int i = 0; i < 2; i++) { OBJ_PAYLOAD(map[i], node_t)->other = map[!i]; }
  CHECK_EQ(obj_collect(), 2);
  CHECK_EQ(taken_after_clear, 0);
  return 0;
}
