/* Hot objects from threads that hold the lock, that have let go of it and that never knew it; those that nobody refers to any
   more die when the runtime ends, each finalized once, its weak references cleared before. */
#include "check.h"

#define THREADS 16u
#define OBJECTS 300u
#define ROUNDS 15u

typedef struct payload {
  obj_weak_t *to_itself;
  obj_t *child;
} payload_t;

static obj_type_t *type;
static obj_t *objects[OBJECTS], *kept;
static unsigned finalized, cleared;

static void finalize(obj_t *self) {
  CHECK(gil_held());
  CHECK(!obj_try_incref(self));
  CHECK(!obj_weak_get(OBJ_PAYLOAD(self, payload_t)->to_itself));
  obj_weak_free(OBJ_PAYLOAD(self, payload_t)->to_itself);
  finalized++;
}

static void clear(obj_t *self) {
  cleared++;
  obj_decref(OBJ_PAYLOAD(self, payload_t)->child);
}

static obj_t *new_object(obj_t *child) {
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  CHECK_STATUS(obj_weak_new(object, &OBJ_PAYLOAD(object, payload_t)->to_itself), GILRT_OK);
  OBJ_PAYLOAD(object, payload_t)->child = child;
  return object;
}

static void count(obj_t *object) {
  obj_incref(object);
  CHECK(obj_try_incref(object));
  obj_t *again = obj_weak_get(OBJ_PAYLOAD(object, payload_t)->to_itself);
  CHECK(again == object);
  CHECK(obj_refcount(object) > 0);
  for (unsigned i = 0; i < 3; i++) obj_decref(object);
}

/* Each thread has one reference to each object. */
static void body(unsigned index, void *unused) {
  (void)unused;
  if (index % 3 != 2) CHECK_STATUS(gil_acquire(), GILRT_OK);
  uint32_t depth = index % 3 == 1 ? gil_detach() : 0;
  for (unsigned round = 0; round < ROUNDS; round++) {
    for (unsigned i = 0; i < OBJECTS; i++) count(objects[(i + index * 17) % OBJECTS]);
    if (index % 3 == 0) CHECK_STATUS(gil_yield(), GILRT_OK);
  }
  for (unsigned i = 0; i < OBJECTS; i++) obj_decref(objects[i]);
  if (index % 3 == 1) CHECK_STATUS(gil_attach(depth), GILRT_OK);
  if (index % 3 != 2) CHECK_STATUS(gil_release(), GILRT_OK);
}

static void bad_input_is_answered(void) {
  obj_t *object = new_object(NULL);
  CHECK_STATUS(obj_make_hot(NULL), GILRT_ERR_INVALID);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(obj_make_hot(object), GILRT_ERR_NOT_ATTACHED);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_EQ(obj_refcount(object), 1);
  obj_decref(object);
  CHECK_EQ(finalized, 1);
  finalized = cleared = 0;
}

static void the_immortal_stay_so(void) {
  static obj_t *before, *after; /* found by leak checkers for ever */
  before = new_object(NULL);
  CHECK_STATUS(obj_immortalize(before), GILRT_OK);
  CHECK_STATUS(obj_make_hot(before), GILRT_OK);
  CHECK(obj_is_immortal(before));
  after = new_object(NULL);
  CHECK_STATUS(obj_make_hot(after), GILRT_OK);
  CHECK(!obj_is_immortal(after));
  CHECK_STATUS(obj_immortalize(after), GILRT_OK);
  CHECK(obj_is_immortal(after));
  for (unsigned i = 0; i < 10; i++) obj_decref(after);
  CHECK(obj_try_incref(after));
}

static void all_kinds_of_threads_count_them(void) {
  for (unsigned i = 0; i < OBJECTS; i++) {
    objects[i] = new_object(NULL);
    if (i % 2) CHECK_STATUS(obj_make_hot(objects[i]), GILRT_OK);
    for (unsigned thread = 0; thread < THREADS; thread++) obj_incref(objects[i]);
    CHECK_STATUS(obj_make_hot(objects[i]), GILRT_OK);
    CHECK_STATUS(obj_make_hot(objects[i]), GILRT_OK); /* it is already */
    CHECK_EQ(obj_refcount(objects[i]), THREADS + 1);
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
  team_run(THREADS, body, NULL);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (unsigned i = 0; i < OBJECTS; i++) {
    CHECK_EQ(obj_refcount(objects[i]), 1); /* though the threads that counted are gone */
    obj_decref(objects[i]);
  }
  CHECK_EQ(finalized, 0); /* only a sweep finds that out */
}

int main(void) {
  const obj_type_config_t config = {.struct_size = sizeof config,
                                    .name = "hot",
                                    .payload_size = sizeof(payload_t),
                                    .finalize = finalize,
                                    .clear = clear};
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  bad_input_is_answered();
  the_immortal_stay_so();
  all_kinds_of_threads_count_them();
  kept = new_object(NULL);
  CHECK_STATUS(obj_make_hot(kept), GILRT_OK);
  obj_t *child = new_object(NULL), *parent = new_object(child);
  CHECK_STATUS(obj_make_hot(parent), GILRT_OK);
  CHECK_STATUS(obj_make_hot(child), GILRT_OK); /* behind its parent, which dies first */
  obj_decref(parent);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  CHECK_EQ(finalized, OBJECTS + 2);
  CHECK_EQ(cleared, OBJECTS + 2);
  CHECK_EQ(obj_refcount(kept), 1);
  CHECK_LEFT_AT_THE_END(3); /* that, and the immortal ones */
  return 0;
}
