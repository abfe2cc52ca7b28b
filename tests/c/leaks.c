/* Live counts by type, and what the end says of those that are left: leaks KIND makes one kind of leak and finalizes. */
#include "check.h"

static obj_type_t *new_type(const char *name) {
  const obj_type_config_t config = {.struct_size = sizeof config, .name = name, .payload_size = 8};
  obj_type_t *type = NULL;
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  return type;
}

static obj_t *new_object(obj_type_t *type) {
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  return object;
}

static void *drop_elsewhere(void *object) {
  obj_decref(object);
  return NULL;
}

static void live_counts_are_by_type(obj_type_t *a, obj_type_t *b) {
  obj_t *of_a[3], *of_b = new_object(b);
  for (unsigned i = 0; i < 3; i++) of_a[i] = new_object(a);
  CHECK_EQ(obj_type_live_count(a), 3);
  CHECK_EQ(obj_type_live_count(b), 1);
  CHECK_EQ(obj_live_count(), 4);
  obj_decref(of_a[0]);
  CHECK_EQ(obj_type_live_count(a), 2);
  pthread_t thread; /* by a thread that is nowhere: its reference waits for the lock, then the object is gone */
  CHECK_EQ(pthread_create(&thread, NULL, drop_elsewhere, of_a[1]), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_EQ(obj_type_live_count(a), 1);
  obj_decref(of_a[2]);
  obj_decref(of_b);
  CHECK_EQ(obj_type_live_count(a) + obj_type_live_count(b), 0);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_EQ(obj_type_live_count(NULL), 0);
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 2);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_type_t *node = new_type("node"), *leaf = new_type("leaf");
  live_counts_are_by_type(node, leaf);
  if (strcmp(argv[1], "some") == 0) {
    for (unsigned i = 0; i < 3; i++) CHECK(new_object(node));
    CHECK_STATUS(obj_immortalize(new_object(node)), GILRT_OK);
    CHECK(new_object(leaf));
  } else if (strcmp(argv[1], "immortal") == 0) {
    obj_t *object = new_object(node);
    CHECK_STATUS(obj_immortalize(object), GILRT_OK);
    CHECK_STATUS(obj_immortalize(object), GILRT_OK); /* counted once */
    CHECK_EQ(obj_type_live_count(node), 1);
  } else if (strcmp(argv[1], "many") == 0) {
    char name[16];
    for (unsigned i = 0; i < 30; i++) {
      snprintf(name, sizeof name, "type%u", i);
      CHECK(new_object(new_type(name)));
    }
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
