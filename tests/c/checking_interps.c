/* Checking mode with several interpreters, with and without locks: checking_interps KIND. */
#include "check.h"

#define THREADS 4u
#define ROUNDS 500u

static gil_interp_t *interp;
static obj_type_t *type, *main_type;
static obj_t *shared;
static atomic_uint cleared;

static void clear(obj_t *self) {
  CHECK(gil_held() && gil_interp_current() == interp && self);
  atomic_fetch_add(&cleared, 1);
}

static obj_type_t *new_type(const char *name, void (*clearer)(obj_t *)) {
  const obj_type_config_t config = {.struct_size = sizeof config, .name = name, .payload_size = 24, .clear = clearer};
  obj_type_t *made = NULL;
  CHECK_STATUS(obj_type_new(&config, &made), GILRT_OK);
  return made;
}

static obj_t *new_object(obj_type_t *of) {
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(of, 0, &object), GILRT_OK);
  return object;
}

static void enter(void) {
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
}

static void leave(void) {
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
}

static void foreign_type(void) {
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(main_type, 0, &object), GILRT_ERR_INVALID);
  CHECK(!object);
}

static void weak_of_the_dead(void) {
  obj_t *object = new_object(type);
  obj_weak_t *weak = NULL;
  obj_decref(object);
  CHECK(obj_weak_new(object, &weak) != GILRT_OK);
  CHECK(!weak);
}

/* Counted by all at once, attached and not, inline and by call, with weak references; and nothing is wrong. */
static void count(unsigned index, void *unused) {
  (void)unused;
  for (unsigned i = 0; i < ROUNDS; i++) {
    obj_incref(shared);
    enter();
    obj_t *own = new_object(type), *again = NULL;
    obj_weak_t *weak = NULL;
    CHECK_STATUS(obj_weak_new(own, &weak), GILRT_OK);
    again = obj_weak_get(weak);
    CHECK(again == own);
    obj_decref(own);
    obj_incref(shared);
    if (index % 2) obj_decref(again); /* here, or by whoever is nowhere */
    leave();
    if (index % 2 == 0) obj_decref(again);
    CHECK(!obj_weak_get(weak));
    obj_weak_free(weak);
    obj_decref(shared);
    obj_decref(shared);
  }
}

static void nothing_wrong(void) {
  shared = new_object(type);
  leave();
  team_run(THREADS, count, NULL);
  enter();
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_EQ(obj_refcount(shared), 1);
  CHECK_EQ(obj_live_count(), 1);
  obj_decref(shared);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_EQ(atomic_load(&cleared), THREADS * ROUNDS + 1);
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 3);
  const char *kind = argv[1];
  const gil_interp_config_t config = {
      .struct_size = sizeof config, .name = "another", .mode = strcmp(argv[2], "free") == 0 ? GIL_MODE_FREE : GIL_MODE_LOCKED};
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  main_type = new_type("main's", NULL);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_interp_new(&config, &interp), GILRT_OK);
  enter();
  type = new_type("thing", clear);
  if (strcmp(kind, "foreign_type") == 0) foreign_type();
  else if (strcmp(kind, "weak_of_the_dead") == 0) weak_of_the_dead();
  else if (strcmp(kind, "leak") == 0) CHECK(new_object(type));
  else if (strcmp(kind, "nothing") == 0) nothing_wrong();
  else CHECK(!"a kind");
  leave();
  CHECK_STATUS(gil_interp_close(interp, FOREVER), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  puts("went on");
  return 0;
}
