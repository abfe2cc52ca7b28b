/* What checking mode says of a type whose traverse lies; it goes on if it may. */
#include "graph.h"

static int visit_twice(obj_t *self, obj_visit_fn visit, void *user) {
  (void)node_traverse(self, visit, user);
  return node_traverse(self, visit, user);
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 2);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_type_t *child_type = node_type("child", NULL, node_clear);
  obj_type_t *liar = type_with("liar", NULL, visit_twice, node_clear);
  obj_t *parent = node_new(liar), *child = node_new(child_type);
  node_link(parent, 0, obj_newref(child));
  if (strcmp(argv[1], "cleared_in_use") == 0) {
    node_link(child, 0, parent); /* garbage but for our reference to the child, which the liar takes away */
    CHECK(obj_collect() >= 0);
    CHECK_EQ(obj_refcount(child), 1);
  } else {
    obj_decref(child);
    CHECK_EQ(obj_collect(), 0);
    obj_decref(parent);
    child = NULL;
  }
  obj_decref(child);
  CHECK(obj_collect() >= 0);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  puts("went on");
  return 0;
}
