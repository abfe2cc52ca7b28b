/* Weak references: they find the living, are cleared before the finalizer runs, and never find anything again. */
#include "check.h"

#define MANY 10000u

typedef struct payload {
  obj_weak_t *to_itself;
  unsigned finalized, cleared;
} payload_t;

static obj_type_t *plain, *watched;
static obj_t *revived;
static bool revive;
static unsigned finalized, cleared;

/* The weak reference to the dying object has been cleared, no new one is made, those to others work as everywhere. */
static void look_around(obj_t *self) {
  obj_weak_t *untouched = (obj_weak_t *)self, *weak = NULL;
  obj_t *other = NULL;
  CHECK(obj_weak_get(OBJ_PAYLOAD(self, payload_t)->to_itself) == NULL);
  CHECK_STATUS(obj_weak_new(self, &untouched), GILRT_ERR_CLOSED);
  CHECK(untouched == (obj_weak_t *)self);
  CHECK_STATUS(obj_new(plain, 0, &other), GILRT_OK);
  CHECK_STATUS(obj_weak_new(other, &weak), GILRT_OK);
  CHECK(obj_weak_get(weak) == other);
  obj_decref(other);
  obj_decref(other);
  CHECK(obj_weak_get(weak) == NULL);
  obj_weak_free(weak);
}

static void finalize(obj_t *self) {
  finalized++;
  look_around(self);
  if (revive) revived = obj_newref(self);
}

static void clear(obj_t *self) {
  cleared++;
  look_around(self);
  obj_weak_free(OBJ_PAYLOAD(self, payload_t)->to_itself);
}

static obj_type_t *new_type(const char *name, void (*finalizer)(obj_t *), void (*clearer)(obj_t *)) {
  const obj_type_config_t config = {.struct_size = sizeof config,
                                    .name = name,
                                    .payload_size = sizeof(payload_t),
                                    .finalize = finalizer,
                                    .clear = clearer};
  obj_type_t *type = NULL;
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  return type;
}

static obj_t *new_object(obj_type_t *type) {
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  if (type == watched) CHECK_STATUS(obj_weak_new(object, &OBJ_PAYLOAD(object, payload_t)->to_itself), GILRT_OK);
  return object;
}

static obj_weak_t *new_weak(obj_t *object) {
  obj_weak_t *weak = NULL;
  CHECK_STATUS(obj_weak_new(object, &weak), GILRT_OK);
  CHECK(weak);
  return weak;
}

static void *drop(void *object) {
  obj_decref(object);
  return NULL;
}

static void *get(void *weak) { return obj_weak_get(weak); }

static void *in_another_thread(void *(*body)(void *), void *argument) {
  pthread_t thread;
  void *result;
  CHECK_EQ(pthread_create(&thread, NULL, body, argument), 0);
  CHECK_EQ(pthread_join(thread, &result), 0);
  return result;
}

static void they_find_the_living_and_keep_nobody_alive(void) {
  obj_t *object = new_object(plain);
  obj_weak_t *one = new_weak(object), *two = new_weak(object);
  CHECK_EQ(obj_refcount(object), 1);
  CHECK(obj_weak_get(one) == object);
  CHECK(in_another_thread(get, two) == object);
  CHECK_EQ(obj_refcount(object), 3);
  obj_weak_free(one);
  CHECK(obj_weak_get(two) == object);
  for (unsigned i = 0; i < 4; i++) obj_decref(object);
  CHECK_EQ(obj_live_count(), 0);
  CHECK(obj_weak_get(two) == NULL);
  CHECK(in_another_thread(get, two) == NULL);
  obj_weak_free(two);
}

static void they_may_end_before_the_object(void) {
  obj_t *object = new_object(plain);
  for (unsigned i = 0; i < 3; i++) {
    obj_weak_t *weak = new_weak(object);
    CHECK(obj_weak_get(weak) == object);
    obj_decref(object);
    obj_weak_free(weak);
  }
  CHECK_EQ(obj_refcount(object), 1);
  obj_decref(object);
}

static void they_are_cleared_before_the_finalizer(void) {
  finalized = cleared = 0;
  obj_decref(new_object(watched));
  CHECK_EQ(finalized, 1);
  CHECK_EQ(cleared, 1);
}

/* The finalizer waits for a safepoint; the weak reference finds nothing from now on. */
static void they_are_cleared_by_a_thread_that_may_not_finalize(void) {
  finalized = 0;
  obj_t *object = new_object(watched);
  obj_weak_t *weak = new_weak(object);
  in_another_thread(drop, object);
  CHECK_STATUS(gil_poll(), GILRT_OK); /* the reference was handed over to this thread, which merged */
  CHECK_EQ(finalized, 1);
  CHECK(obj_weak_get(weak) == NULL);
  obj_weak_free(weak);
  object = new_object(watched);
  weak = new_weak(object);
  uint32_t depth = gil_detach();
  in_another_thread(drop, object);
  CHECK_EQ(finalized, 1);
  CHECK(obj_weak_get(weak) == NULL);
  CHECK_STATUS(gil_attach(depth), GILRT_OK);
  CHECK_EQ(finalized, 2);
  obj_weak_free(weak);
}

static void a_plain_object_may_be_freed_by_any_thread(void) {
  obj_t *object = new_object(plain);
  obj_weak_t *weak = new_weak(object);
  uint32_t depth = gil_detach();
  in_another_thread(drop, object);
  CHECK_EQ(obj_live_count(), 0);
  CHECK(obj_weak_get(weak) == NULL);
  CHECK_STATUS(gil_attach(depth), GILRT_OK);
  obj_weak_free(weak);
}

static void the_revived_are_never_found_again(void) {
  obj_t *object = new_object(watched);
  obj_weak_t *weak = new_weak(object), *untouched = weak;
  revive = true;
  obj_decref(object);
  revive = false;
  CHECK(revived == object);
  CHECK_EQ(obj_refcount(object), 1);
  CHECK(obj_weak_get(weak) == NULL);
  CHECK_STATUS(obj_weak_new(object, &untouched), GILRT_ERR_CLOSED);
  CHECK(untouched == weak);
  obj_weak_free(weak);
  obj_decref(revived);
}

/* R9: memory is used again, a weak reference is not. */
static void they_do_not_find_who_comes_after(void) {
  static obj_weak_t *weak[MANY];
  static obj_t *objects[MANY];
  for (unsigned i = 0; i < MANY; i++) weak[i] = new_weak(objects[i] = new_object(plain));
  for (unsigned i = 0; i < MANY; i++) {
    CHECK(obj_weak_get(weak[i]) == objects[i]);
    obj_decref(objects[i]);
    obj_decref(objects[i]);
  }
  for (unsigned i = 0; i < MANY; i++) objects[i] = new_object(plain);
  for (unsigned i = 0; i < MANY; i++) {
    CHECK(obj_weak_get(weak[i]) == NULL);
    obj_weak_t *fresh = new_weak(objects[i]);
    CHECK(obj_weak_get(fresh) == objects[i]);
    CHECK(obj_weak_get(weak[i]) == NULL);
    obj_decref(objects[i]);
    obj_weak_free(fresh);
    obj_weak_free(weak[i]);
  }
  for (unsigned i = 0; i < MANY; i++) obj_decref(objects[i]);
}

static void bad_input_is_answered_and_errno_kept(void) {
  obj_t *object = new_object(plain);
  obj_weak_t *untouched = (obj_weak_t *)object;
  CHECK_STATUS(obj_weak_new(NULL, &untouched), GILRT_ERR_INVALID);
  CHECK_STATUS(obj_weak_new(object, NULL), GILRT_ERR_INVALID);
  CHECK(untouched == (obj_weak_t *)object);
  CHECK(obj_weak_get(NULL) == NULL);
  obj_weak_free(NULL);
  errno = 1234;
  obj_weak_t *weak = new_weak(object);
  obj_decref(obj_weak_get(weak));
  obj_decref(object);
  obj_weak_free(weak);
  CHECK_EQ(errno, 1234);
}

static void the_immortal_are_found_for_ever(void) {
  static obj_t *object; /* found by leak checkers for ever */
  object = new_object(plain);
  obj_weak_t *before = new_weak(object);
  CHECK_STATUS(obj_immortalize(object), GILRT_OK);
  obj_weak_t *after = new_weak(object);
  CHECK(obj_weak_get(before) == object);
  CHECK(in_another_thread(get, after) == object);
  obj_weak_free(before);
  obj_weak_free(after);
}

int main(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  plain = new_type("plain", NULL, NULL);
  watched = new_type("watched", finalize, clear);
  they_find_the_living_and_keep_nobody_alive();
  they_may_end_before_the_object();
  they_are_cleared_before_the_finalizer();
  they_are_cleared_by_a_thread_that_may_not_finalize();
  a_plain_object_may_be_freed_by_any_thread();
  the_revived_are_never_found_again();
  they_do_not_find_who_comes_after();
  bad_input_is_answered_and_errno_kept();
  CHECK_EQ(obj_live_count(), 0);
  the_immortal_are_found_for_ever();
  CHECK_STATUS(gil_release(), GILRT_OK);
  return 0;
}
