/* What an object is: zeroed and aligned payload, one reference, a finalizer that runs once, a type. */
#include "check.h"

typedef struct node {
  uint64_t number;
  obj_t *child;
} node_t;

static unsigned finalized, cleared;
static uint64_t last_finalized;
static obj_t *revived;
static bool revive;

static void finalize(obj_t *self) {
  CHECK(gil_held());
  CHECK_EQ(cleared, finalized); /* this one's clear comes after its finalizer */
  finalized++;
  last_finalized = OBJ_PAYLOAD(self, node_t)->number;
  if (revive) revived = obj_newref(self);
}

static void clear(obj_t *self) {
  cleared++;
  obj_t *child = OBJ_PAYLOAD(self, node_t)->child;
  OBJ_PAYLOAD(self, node_t)->child = NULL;
  obj_decref(child);
}

static obj_type_t *new_type(const char *name, void (*finalizer)(obj_t *), void (*clearer)(obj_t *)) {
  const obj_type_config_t config = {.struct_size = sizeof config,
                                    .name = name,
                                    .payload_size = sizeof(node_t),
                                    .finalize = finalizer,
                                    .clear = clearer};
  obj_type_t *type = NULL;
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  CHECK(type);
  return type;
}

static obj_t *new_node(obj_type_t *type, uint64_t number, obj_t *child) {
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  OBJ_PAYLOAD(object, node_t)->number = number;
  OBJ_PAYLOAD(object, node_t)->child = child;
  return object;
}

static void a_new_object_is_zeroed_aligned_and_counted(obj_type_t *type) {
  int64_t before = obj_live_count();
  for (size_t extra = 0; extra < 300; extra += 37) {
    obj_t *object = NULL;
    CHECK_STATUS(obj_new(type, extra, &object), GILRT_OK);
    CHECK_EQ((uintptr_t)OBJ_PAYLOAD(object, char) % 16, 0);
    for (size_t i = 0; i < sizeof(node_t) + extra; i++) CHECK_EQ(OBJ_PAYLOAD(object, char)[i], 0);
    memset(OBJ_PAYLOAD(object, char), 0xA5, sizeof(node_t) + extra);
    OBJ_PAYLOAD(object, node_t)->child = NULL;
    CHECK_EQ(obj_refcount(object), 1);
    CHECK(obj_type_of(object) == type);
    CHECK_EQ(obj_live_count(), before + 1);
    CHECK(obj_newref(object) == object);
    obj_incref(object);
    CHECK_EQ(obj_refcount(object), 3);
    obj_decref(object);
    obj_decref(object);
    CHECK_EQ(obj_refcount(object), 1);
    obj_decref(object);
    CHECK_EQ(obj_live_count(), before);
  }
}

static void finalize_comes_once_then_clear_then_the_children(obj_type_t *type) {
  finalized = cleared = 0;
  obj_t *parent = new_node(type, 1, new_node(type, 2, NULL));
  obj_incref(parent);
  obj_decref(parent);
  CHECK_EQ(finalized, 0);
  obj_decref(parent);
  CHECK_EQ(finalized, 2);
  CHECK_EQ(cleared, 2);
  CHECK_EQ(last_finalized, 2);
}

static void a_finalizer_may_revive_its_object_once(obj_type_t *type) {
  finalized = cleared = 0;
  int64_t before = obj_live_count();
  obj_t *object = new_node(type, 7, NULL);
  revive = true;
  obj_decref(object);
  revive = false;
  CHECK(revived == object);
  CHECK_EQ(finalized, 1);
  CHECK_EQ(cleared, 0);
  CHECK_EQ(OBJ_PAYLOAD(object, node_t)->number, 7);
  CHECK_EQ(obj_refcount(object), 1);
  CHECK_EQ(obj_live_count(), before + 1);
  obj_decref(object);
  CHECK_EQ(finalized, 1);
  CHECK_EQ(cleared, 1);
  CHECK_EQ(obj_live_count(), before);
}

/* R18: the stack does not grow with the length of what is freed. */
static void a_long_list_is_freed(obj_type_t *type) {
  obj_t *list = NULL;
  int64_t before = obj_live_count();
  for (unsigned i = 0; i < 1000000; i++) list = new_node(type, i, list);
  CHECK_EQ(obj_live_count(), before + 1000000);
  obj_decref(list);
  CHECK_EQ(obj_live_count(), before);
}

static void bad_input_is_answered(obj_type_t *type) {
  const obj_type_config_t small = {.struct_size = 1, .name = "small"};
  const obj_type_config_t huge = {.struct_size = sizeof huge, .name = "huge", .payload_size = SIZE_MAX - 8};
  const obj_type_config_t good = {.struct_size = sizeof good, .name = "good"};
  obj_type_t *untouched_type = (obj_type_t *)&small;
  obj_t *untouched = (obj_t *)&small;
  CHECK_STATUS(obj_type_new(NULL, &untouched_type), GILRT_ERR_INVALID);
  CHECK_STATUS(obj_type_new(&small, &untouched_type), GILRT_ERR_INVALID);
  CHECK_STATUS(obj_type_new(&good, NULL), GILRT_ERR_INVALID);
  int status = obj_type_new(&huge, &untouched_type);
  CHECK(status == GILRT_ERR_INVALID || status == GILRT_ERR_LIMIT || status == GILRT_ERR_NOMEM);
  CHECK(untouched_type == (obj_type_t *)&small);
  CHECK_STATUS(obj_new(NULL, 0, &untouched), GILRT_ERR_INVALID);
  CHECK_STATUS(obj_new(type, 0, NULL), GILRT_ERR_INVALID);
  status = obj_new(type, SIZE_MAX, &untouched);
  CHECK(status == GILRT_ERR_NOMEM || status == GILRT_ERR_INVALID || status == GILRT_ERR_LIMIT);
  status = obj_new(type, SIZE_MAX - 31, &untouched);
  CHECK(status == GILRT_ERR_NOMEM || status == GILRT_ERR_INVALID || status == GILRT_ERR_LIMIT);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(obj_new(type, 0, &untouched), GILRT_ERR_NOT_ATTACHED);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK(untouched == (obj_t *)&small);
  obj_incref(NULL);
  obj_decref(NULL);
  CHECK(obj_newref(NULL) == NULL);
  CHECK_EQ(obj_refcount(NULL), 0);
  CHECK(obj_type_of(NULL) == NULL);
}

int main(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_type_t *plain = new_type("plain", NULL, NULL);
  obj_type_t *node = new_type("node", finalize, clear);
  a_new_object_is_zeroed_aligned_and_counted(plain);
  finalize_comes_once_then_clear_then_the_children(node);
  a_finalizer_may_revive_its_object_once(node);
  a_long_list_is_freed(new_type("link", NULL, clear));
  bad_input_is_answered(plain);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
