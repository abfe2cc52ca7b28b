/* References from nothing: who lives gives one, who dies refuses, and a finalizer is the end of it for good (R10). */
#include "check.h"

static obj_type_t *sure, *plain;
static obj_t *revived;
static unsigned finalized;

static void *try(void *object) { return obj_try_incref(object) ? object : NULL; }

static bool another_thread_can(obj_t *object) {
  pthread_t thread;
  void *got;
  CHECK_EQ(pthread_create(&thread, NULL, try, object), 0);
  CHECK_EQ(pthread_join(thread, &got), 0);
  return got != NULL;
}

static bool a_detached_one_can(obj_t *object) {
  uint32_t depth = gil_detach();
  bool got = obj_try_incref(object);
  CHECK_STATUS(gil_attach(depth), GILRT_OK);
  return got;
}

static void nobody_can(obj_t *object) {
  CHECK(!obj_try_incref(object));
  CHECK(!a_detached_one_can(object));
  CHECK(!another_thread_can(object));
}

static void revive(obj_t *self) {
  finalized++;
  nobody_can(self);
  obj_incref(self); /* references do not change that */
  nobody_can(self);
  revived = self;
}

/* A long chain dies: beyond some depth the next one waits for the outer destructors, dead and with nothing to show for it but
   its counts. */
static unsigned cleared, refused;

static void drop_the_next(obj_t *self) {
  obj_t *next = *OBJ_PAYLOAD(self, obj_t *);
  unsigned before = ++cleared;
  obj_decref(next);
  if (!next || cleared != before) return; /* there was none, or its memory is gone */
  nobody_can(next);
  refused++;
}

static obj_type_t *new_type(const char *name, uint32_t flags, void (*finalize)(obj_t *)) {
  const obj_type_config_t config = {.struct_size = sizeof config, .name = name, .flags = flags, .finalize = finalize};
  obj_type_t *type = NULL;
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  return type;
}

static obj_t *new_object(obj_type_t *type) {
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  return object;
}

static void drop(obj_t *object, unsigned references) {
  CHECK_EQ(obj_refcount(object), references);
  while (references--) obj_decref(object);
}

static void the_living_give_a_reference_to_anybody(void) {
  obj_t *object = new_object(sure);
  CHECK(obj_try_incref(object));
  CHECK(a_detached_one_can(object));
  CHECK(another_thread_can(object));
  drop(object, 4);
}

/* Without the flag only what is shared already is certain for those that do not own it. */
static void what_is_shared_gives_references_without_the_flag(void) {
  obj_t *object = new_object(plain);
  CHECK(obj_try_incref(object));
  uint32_t depth = gil_detach();
  obj_incref(object);
  CHECK_STATUS(gil_attach(depth), GILRT_OK);
  CHECK(a_detached_one_can(object));
  CHECK(another_thread_can(object));
  drop(object, 5);
}

static void a_finalizer_is_the_end_for_good(uint32_t flags) {
  obj_type_t *type = new_type("revived", flags, revive);
  finalized = 0;
  obj_decref(new_object(type));
  CHECK_EQ(finalized, 1);
  nobody_can(revived);
  CHECK(obj_newref(revived) == revived);
  nobody_can(revived);
  drop(revived, 2);
  CHECK_EQ(finalized, 1);
}

static void who_waits_for_its_destructor_refuses(uint32_t flags) {
  const obj_type_config_t config = {.struct_size = sizeof config,
                                    .name = "link",
                                    .payload_size = sizeof(obj_t *),
                                    .flags = flags,
                                    .clear = drop_the_next};
  obj_type_t *type = NULL;
  obj_t *chain = NULL;
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  for (unsigned i = 0; i < 100; i++) {
    obj_t *first = new_object(type);
    *OBJ_PAYLOAD(first, obj_t *) = chain;
    chain = first;
  }
  cleared = refused = 0;
  obj_decref(chain);
  CHECK_EQ(cleared, 100);
  CHECK(refused > 0);
}

static void the_immortal_always_give_one(void) {
  static obj_t *object; /* found by leak checkers for ever */
  object = new_object(plain);
  CHECK_STATUS(obj_immortalize(object), GILRT_OK);
  CHECK(obj_try_incref(object) && a_detached_one_can(object) && another_thread_can(object));
}

static void unknown_flags_are_refused(void) {
  for (unsigned bit = 0; bit < 32; bit++) {
    obj_type_t *type = NULL;
    const obj_type_config_t config = {.struct_size = sizeof config, .name = "odd", .flags = UINT32_C(1) << bit};
    bool known = config.flags == OBJ_TYPE_TRY;
    CHECK_STATUS(obj_type_new(&config, &type), known ? GILRT_OK : GILRT_ERR_INVALID);
    CHECK_EQ(type != NULL, known);
  }
}

int main(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  sure = new_type("sure", OBJ_TYPE_TRY, NULL);
  plain = new_type("plain", 0, NULL);
  CHECK(!obj_try_incref(NULL));
  the_living_give_a_reference_to_anybody();
  what_is_shared_gives_references_without_the_flag();
  a_finalizer_is_the_end_for_good(0);
  a_finalizer_is_the_end_for_good(OBJ_TYPE_TRY);
  who_waits_for_its_destructor_refuses(0);
  who_waits_for_its_destructor_refuses(OBJ_TYPE_TRY);
  CHECK_EQ(obj_live_count(), 0);
  the_immortal_always_give_one();
  unknown_flags_are_refused();
  CHECK_STATUS(gil_release(), GILRT_OK);
  return 0;
}
