/* Counts from threads that hold the lock, that have let go of it and that never knew it, down to the last reference:
   each finalizer runs exactly once, with the lock held, and nothing is left. */
#include "check.h"

#define THREADS 9u
#define OBJECTS 200u
#define ROUNDS 20u

typedef struct payload {
  unsigned *finalized;
} payload_t;

static obj_type_t *type;
static atomic_uint finalizers;

static void finalize(obj_t *self) {
  CHECK(gil_held());
  ++*OBJ_PAYLOAD(self, payload_t)->finalized;
  atomic_fetch_add(&finalizers, 1);
}

static obj_t *new_object(unsigned *finalized) {
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  OBJ_PAYLOAD(object, payload_t)->finalized = finalized;
  return object;
}

typedef struct shared {
  obj_t *objects[OBJECTS];
  unsigned finalized[OBJECTS];
} shared_t;

static void count_up_and_down(shared_t *shared, unsigned index) {
  for (unsigned i = 0; i < OBJECTS; i++) {
    obj_t *object = shared->objects[(i + index * 17) % OBJECTS];
    obj_incref(object);
    if (i % 3 == 0) CHECK(obj_newref(object) == object);
    (void)obj_refcount(object); /* exact only when nobody counts meanwhile, and harmless always */
    obj_decref(object);
    if (i % 3 == 0) obj_decref(object);
  }
}

static void drop_own_references(shared_t *shared, unsigned index) {
  for (unsigned i = 0; i < OBJECTS; i++) obj_decref(shared->objects[(i + index * 17) % OBJECTS]);
}

/* Each thread has one reference to each object. A third of the threads hold the lock, now and then giving way, a third
   have let go of it, a third are nowhere. */
static void body(unsigned index, void *argument) {
  shared_t *shared = argument;
  if (index % 3 != 2) CHECK_STATUS(gil_acquire(), GILRT_OK);
  uint32_t depth = index % 3 == 1 ? gil_detach() : 0;
  for (unsigned round = 0; round < ROUNDS; round++) {
    count_up_and_down(shared, index);
    if (index % 3 == 0) CHECK_STATUS(gil_yield(), GILRT_OK);
  }
  drop_own_references(shared, index);
  if (index % 3 == 1) CHECK_STATUS(gil_attach(depth), GILRT_OK);
  if (index % 3 != 2) CHECK_STATUS(gil_release(), GILRT_OK);
}

static void threads_of_all_kinds_share_objects(void) {
  shared_t shared = {.finalized = {0}};
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (unsigned i = 0; i < OBJECTS; i++) {
    shared.objects[i] = new_object(&shared.finalized[i]);
    for (unsigned thread = 1; thread < THREADS; thread++) obj_incref(shared.objects[i]);
    CHECK_EQ(obj_refcount(shared.objects[i]), THREADS);
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
  team_run(THREADS, body, &shared);
  CHECK_STATUS(gil_acquire(), GILRT_OK); /* runs what is still pending */
  CHECK_STATUS(gil_poll(), GILRT_OK);
  for (unsigned i = 0; i < OBJECTS; i++) CHECK_EQ(shared.finalized[i], 1);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

static void *drop(void *object) {
  obj_decref(object);
  return NULL;
}

static void drop_in_another_thread(obj_t *object) {
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, NULL, drop, object), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* R13: whoever has no lock runs no foreign code. */
static void the_last_reference_of_an_unattached_thread_waits_for_a_safepoint(void) {
  unsigned finalized = 0;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_t *object = new_object(&finalized);
  drop_in_another_thread(object);
  CHECK_EQ(finalized, 0);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_EQ(finalized, 1);
  object = new_object(&finalized);
  CHECK_STATUS(gil_release(), GILRT_OK);
  drop_in_another_thread(object);
  CHECK_EQ(finalized, 1);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_EQ(finalized, 2);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

static void the_end_runs_what_is_pending(void) {
  unsigned finalized = 0;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_t *object = new_object(&finalized);
  CHECK_STATUS(gil_release(), GILRT_OK);
  drop_in_another_thread(object);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  CHECK_EQ(finalized, 1);
}

int main(void) {
  const obj_type_config_t config = {
      .struct_size = sizeof config, .name = "counted", .payload_size = sizeof(payload_t), .finalize = finalize};
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  for (unsigned i = 0; i < 10; i++) threads_of_all_kinds_share_objects();
  the_last_reference_of_an_unattached_thread_waits_for_a_safepoint();
  the_end_runs_what_is_pending();
  CHECK_EQ(atomic_load(&finalizers), 10 * OBJECTS + 3);
  return 0;
}
