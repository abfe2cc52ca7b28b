/* OBJ_COUNT_LOCKED: counts from 16 threads of every kind down to the last reference, finalizers once, revival, immortality,
   and a list that dies on a small stack; then nothing is left. */
#include "check.h"

#include <gilrt_inline.h>

#define THREADS 16u
#define OBJECTS 100u
#define ROUNDS 10u
#define NODES 100000u

typedef struct payload {
  unsigned *finalized;
  obj_t *next;
} payload_t;

static obj_type_t *type;
static obj_t *revived;
static obj_t *volatile immortal; /* so that it is no leak */
static bool revive;

static void finalize(obj_t *self) {
  CHECK(gil_held());
  CHECK(obj_refcount(self) >= 1); /* the finalizer's own, and those of a cycle */
  unsigned *finalized = OBJ_PAYLOAD(self, payload_t)->finalized;
  if (finalized != NULL) ++*finalized;
  obj_incref(self);
  if (revive) revived = self;
  else obj_decref(self);
}

static void clear(obj_t *self) { obj_decref(OBJ_PAYLOAD(self, payload_t)->next); }

static obj_t *new_object(unsigned *finalized, obj_t *next) {
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  *OBJ_PAYLOAD(object, payload_t) = (payload_t){.finalized = finalized, .next = next};
  return object;
}

typedef struct shared {
  obj_t *objects[OBJECTS];
  unsigned finalized[OBJECTS];
} shared_t;

static void body(unsigned index, void *argument) {
  shared_t *shared = argument;
  if (index % 3 != 2) CHECK_STATUS(gil_acquire(), GILRT_OK);
  uint32_t depth = index % 3 == 1 ? gil_detach() : 0;
  for (unsigned round = 0; round < ROUNDS; round++)
    for (unsigned i = 0; i < OBJECTS; i++) {
      obj_t *object = shared->objects[(i + index * 17) % OBJECTS];
      CHECK(obj_newref(object) == object);
      errno = 77;
      obj_incref(object);
      CHECK_EQ(errno, 77);
      CHECK(obj_refcount(object) >= 3);
      obj_decref(object);
      obj_decref(object);
      obj_incref_inline(object);
      CHECK(obj_try_incref(object));
      obj_decref_inline(object);
      obj_decref_inline(object);
      CHECK_EQ(errno, 77);
    }
  for (unsigned i = 0; i < OBJECTS; i++) obj_decref(shared->objects[(i + index * 17) % OBJECTS]);
  if (index % 3 == 1) CHECK_STATUS(gil_attach(depth), GILRT_OK);
  if (index % 3 != 2) CHECK_STATUS(gil_release(), GILRT_OK);
}

static void threads_of_all_kinds_share_objects(unsigned threads) {
  shared_t shared = {.finalized = {0}};
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (unsigned i = 0; i < OBJECTS; i++) {
    shared.objects[i] = new_object(&shared.finalized[i], NULL);
    for (unsigned thread = 1; thread < threads; thread++) obj_incref(shared.objects[i]);
    CHECK_EQ(obj_refcount(shared.objects[i]), threads);
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
  team_run(threads, body, &shared);
  CHECK_STATUS(gil_acquire(), GILRT_OK); /* runs what is still pending (R13) */
  CHECK_STATUS(gil_poll(), GILRT_OK);
  for (unsigned i = 0; i < OBJECTS; i++) CHECK_EQ(shared.finalized[i], 1);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

/* R10, R14: the finalizer's reference is an ordinary one, and no lock is held over it that outlives the object. */
static void a_finalizer_may_keep_the_object(void) {
  unsigned finalized = 0;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  revive = true;
  obj_decref(new_object(&finalized, NULL));
  revive = false;
  CHECK_EQ(finalized, 1);
  CHECK_EQ(obj_refcount(revived), 1);
  CHECK_EQ(obj_live_count(), 1);
  obj_decref(revived);
  CHECK_EQ(finalized, 1);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

typedef struct race {
  obj_t *object;
  obj_weak_t *weak;
} race_t;

/* Whoever upgrades has an object whose finalizer has not run, and keeps it so. */
static void upgrade_while_it_dies(unsigned index, void *argument) {
  race_t *race = argument;
  if (index == 0) {
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    obj_decref(race->object);
    CHECK_STATUS(gil_release(), GILRT_OK);
    return;
  }
  obj_t *object = obj_weak_get(race->weak);
  if (object == NULL) return;
  CHECK_EQ(*OBJ_PAYLOAD(object, payload_t)->finalized, 0);
  CHECK(obj_refcount(object) >= 1);
  obj_decref(object);
}

static void an_upgrade_meets_the_last_decrement(void) {
  for (unsigned round = 0; round < 200; round++) {
    unsigned finalized = 0;
    race_t race;
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    race.object = new_object(&finalized, NULL);
    CHECK_STATUS(obj_weak_new(race.object, &race.weak), GILRT_OK);
    CHECK_STATUS(gil_release(), GILRT_OK);
    team_run(4, upgrade_while_it_dies, &race);
    CHECK_STATUS(gil_acquire(), GILRT_OK); /* runs what is still pending */
    CHECK_EQ(finalized, 1);
    CHECK(obj_weak_get(race.weak) == NULL);
    obj_weak_free(race.weak);
    CHECK_EQ(obj_live_count(), 0);
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
}

static int visit_next(obj_t *self, obj_visit_fn visit, void *user) {
  obj_t *next = OBJ_PAYLOAD(self, payload_t)->next;
  return next == NULL ? 0 : visit(next, user);
}

static void cycles_are_collected(void) {
  const obj_type_config_t config = {.struct_size = sizeof config,
                                    .name = "node",
                                    .payload_size = sizeof(payload_t),
                                    .finalize = finalize,
                                    .traverse = visit_next,
                                    .clear = clear};
  obj_type_t *node = NULL;
  obj_t *ring[3];
  unsigned finalized = 0;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_type_new(&config, &node), GILRT_OK);
  for (int i = 0; i < 3; i++) CHECK_STATUS(obj_new(node, 0, &ring[i]), GILRT_OK);
  for (int i = 0; i < 3; i++)
    *OBJ_PAYLOAD(ring[i], payload_t) = (payload_t){.finalized = &finalized, .next = obj_newref(ring[(i + 1) % 3])};
  obj_decref(ring[0]);
  obj_decref(ring[1]);
  CHECK_EQ(obj_collect(), 0); /* the third one's reference keeps all */
  obj_decref(ring[2]);
  CHECK_EQ(obj_collect(), 3);
  CHECK_EQ(finalized, 3);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

/* R18. */
static void *drop_a_long_list(void *unused) {
  (void)unused;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_t *head = NULL;
  for (unsigned i = 0; i < NODES; i++) head = new_object(NULL, head);
  CHECK_EQ(obj_live_count(), NODES);
  obj_decref(head);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

static void a_long_list_dies_on_a_small_stack(void) {
  pthread_attr_t attributes;
  pthread_t thread;
  CHECK_EQ(pthread_attr_init(&attributes), 0);
  CHECK_EQ(pthread_attr_setstacksize(&attributes, 256 * 1024), 0);
  CHECK_EQ(pthread_create(&thread, &attributes, drop_a_long_list, NULL), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  pthread_attr_destroy(&attributes);
}

static void an_immortal_object_is_counted_no_more(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_t *object = immortal = new_object(NULL, NULL);
  obj_incref(object);
  CHECK_STATUS(obj_immortalize(object), GILRT_OK);
  CHECK(obj_is_immortal(object));
  for (int i = 0; i < 3; i++) obj_decref(object);
  CHECK_EQ(obj_refcount(object), SIZE_MAX);
  CHECK_EQ(obj_live_count(), 1);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

int main(void) {
  const gilrt_config_t runtime = {.struct_size = sizeof runtime, .count = OBJ_COUNT_LOCKED};
  CHECK_STATUS(gilrt_init(&runtime), GILRT_OK);
  const obj_type_config_t config = {.struct_size = sizeof config,
                                    .name = "counted",
                                    .payload_size = sizeof(payload_t),
                                    .finalize = finalize,
                                    .clear = clear};
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  for (unsigned threads = 2; threads <= THREADS; threads *= 2) threads_of_all_kinds_share_objects(threads);
  a_finalizer_may_keep_the_object();
  an_upgrade_meets_the_last_decrement();
  cycles_are_collected();
  a_long_list_dies_on_a_small_stack();
  an_immortal_object_is_counted_no_more();
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
