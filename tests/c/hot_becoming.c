/* Objects become hot while threads that do not own them count them, inline and by call, in an interpreter with a lock and in one
   without: some of these threads have looked at the owner just before. Not one count is lost, and obj_collect buries the
   objects when all references are gone. */
#include "check.h"

#include <gilrt_inline.h>
#include <sched.h>

#define COUNTERS 2u
#define ROUNDS 300u

static obj_type_t *type;
static unsigned finalized;
static gil_interp_t *interp;
static _Atomic(obj_t *) current;
static atomic_uint counting;
static atomic_bool stop, attach;

static void finalize(obj_t *self) {
  (void)self;
  finalized++;
}

/* Borrows the reference of whoever shows the object. */
static void count(obj_t *object, bool inlined) {
  for (unsigned i = 0; i < 2; i++) inlined ? obj_incref_inline(object) : obj_incref(object);
  for (unsigned i = 0; i < 2; i++) inlined ? obj_decref_inline(object) : obj_decref(object);
}

static void body(unsigned index, void *unused) {
  (void)unused;
  bool attached = atomic_load(&attach) && index > 0;
  if (attached) {
    CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
    CHECK_STATUS(gil_acquire(), GILRT_OK);
  }
  while (!atomic_load(&stop)) {
    obj_t *object = atomic_load(&current);
    if (attached) CHECK_STATUS(gil_poll(), GILRT_OK);
    if (!object) {
      sched_yield();
      continue;
    }
    atomic_fetch_add(&counting, 1);
    for (unsigned i = 0; atomic_load(&current) == object; i++) count(object, i % 4 != 0);
    atomic_fetch_sub(&counting, 1);
  }
  if (attached) CHECK_STATUS(gil_release(), GILRT_OK);
}

static void *incref_twice(void *object) {
  for (unsigned i = 0; i < 2; i++) obj_incref_inline(object);
  return NULL;
}

/* With two references, which are the owner's or, if it is merged, nobody's own. */
static obj_t *new_object(bool merged) {
  obj_t *object = NULL;
  pthread_t thread;
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  if (!merged) return obj_newref(object);
  CHECK_EQ(pthread_create(&thread, NULL, incref_twice, object), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  obj_decref(object);
  return object;
}

static void become_hot_while_others_count(bool merged) {
  obj_t *object = new_object(merged);
  unsigned before = finalized;
  atomic_store(&current, object);
  AWAIT(atomic_load(&counting) == COUNTERS);
  CHECK_STATUS(obj_make_hot(object), GILRT_OK);
  atomic_store(&current, NULL);
  AWAIT(atomic_load(&counting) == 0);
  CHECK_EQ(obj_refcount(object), 2);
  obj_decref(object);
  (void)obj_collect(); /* busy where several threads are attached; what is hot it looks at all the same */
  CHECK_EQ(finalized, before);
  CHECK_EQ(obj_refcount(object), 1);
  obj_decref(object);
  (void)obj_collect();
  CHECK_EQ(finalized, before + 1);
}

static void with_threads_that_count(void) {
  team_t team;
  atomic_store(&stop, false);
  team_start(&team, COUNTERS, body, NULL);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (unsigned i = 0; i < ROUNDS; i++) become_hot_while_others_count(i % 2);
  CHECK_STATUS(gil_release(), GILRT_OK);
  atomic_store(&stop, true);
  team_join(&team);
}

static void new_type(void) {
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "becoming", .finalize = finalize};
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
}

static void *make_hot_what_another_owns(void *object) {
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_make_hot(object), GILRT_ERR_INVALID);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

static void only_the_owner_may_unless_it_is_merged(void) {
  pthread_t thread;
  obj_t *object = NULL;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  CHECK_EQ(pthread_create(&thread, NULL, make_hot_what_another_owns, object), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  CHECK_EQ(obj_refcount(object), 1);
  CHECK_STATUS(obj_make_hot(object), GILRT_OK);
  obj_decref(object);
  (void)obj_collect();
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

int main(void) {
  new_type();
  with_threads_that_count();
  CHECK_EQ(obj_live_count(), 0);
  const gil_interp_config_t config = {.struct_size = sizeof config, .name = "free", .mode = GIL_MODE_FREE};
  CHECK_STATUS(gil_interp_new(&config, &interp), GILRT_OK);
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
  new_type();
  atomic_store(&attach, true);
  with_threads_that_count();
  only_the_owner_may_unless_it_is_merged();
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
  CHECK_STATUS(gil_interp_close(interp, FOREVER), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
