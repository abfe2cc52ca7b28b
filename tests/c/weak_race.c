/* Upgrades of weak references race with the last decrement: who gets the object sees it alive, and who has once got nothing
   never gets anything again. weak_race THREADS */
#include "check.h"

#define OBJECTS 40u
#define ROUNDS 60u
#define ALIVE UINT64_C(0xA11FEA11FEA11FE0)

typedef struct payload {
  uint64_t canary;
} payload_t;

typedef struct shared {
  obj_t *objects[OBJECTS];
  obj_weak_t *weak[OBJECTS];
} shared_t;

static obj_type_t *types[3];
static atomic_uint finalized;

static void finalize(obj_t *self) {
  payload_t *payload = OBJ_PAYLOAD(self, payload_t);
  CHECK(gil_held());
  CHECK_EQ(payload->canary, ALIVE);
  payload->canary = 1;
  atomic_fetch_add(&finalized, 1);
}

static void clear(obj_t *self) {
  payload_t *payload = OBJ_PAYLOAD(self, payload_t);
  CHECK_EQ(payload->canary, obj_type_of(self) == types[2] ? ALIVE : 1);
  payload->canary = 2;
}

static bool upgrade(obj_weak_t *weak, const obj_t *expected) {
  obj_t *got = obj_weak_get(weak);
  if (!got) return false;
  CHECK(got == expected);
  CHECK_EQ(OBJ_PAYLOAD(got, payload_t)->canary, ALIVE);
  obj_decref(got);
  return true;
}

/* The thread has one reference to each object, drops it, and looks whether others still have theirs. */
static void race(shared_t *shared, unsigned index, unsigned i) {
  obj_t *object = shared->objects[i];
  obj_weak_t *own = NULL;
  CHECK(upgrade(shared->weak[i], object));
  if (i % 2) CHECK_STATUS(obj_weak_new(object, &own), GILRT_OK);
  obj_decref(object);
  bool found = true;
  for (unsigned k = 0; k < 8 && found; k++) found = upgrade(k % 2 && own ? own : shared->weak[i], object);
  if (!found) {
    CHECK(!upgrade(shared->weak[i], object));
    if (own) CHECK(!upgrade(own, object));
  }
  if (index % 3 == 0) CHECK_STATUS(gil_poll(), GILRT_OK);
  obj_weak_free(own);
}

/* A third of the threads hold the lock, a third have let go of it, a third are nowhere. */
static void body(unsigned index, void *argument) {
  shared_t *shared = argument;
  if (index % 3 != 2) CHECK_STATUS(gil_acquire(), GILRT_OK);
  uint32_t depth = index % 3 == 1 ? gil_detach() : 0;
  for (unsigned i = 0; i < OBJECTS; i++) race(shared, index, i);
  if (index % 3 == 1) CHECK_STATUS(gil_attach(depth), GILRT_OK);
  if (index % 3 != 2) CHECK_STATUS(gil_release(), GILRT_OK);
}

static void round_of(unsigned threads) {
  static shared_t shared;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (unsigned i = 0; i < OBJECTS; i++) {
    CHECK_STATUS(obj_new(types[i % 3], 0, &shared.objects[i]), GILRT_OK);
    OBJ_PAYLOAD(shared.objects[i], payload_t)->canary = ALIVE;
    CHECK_STATUS(obj_weak_new(shared.objects[i], &shared.weak[i]), GILRT_OK);
    for (unsigned thread = 1; thread < threads; thread++) obj_incref(shared.objects[i]);
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
  team_run(threads, body, &shared);
  CHECK_STATUS(gil_acquire(), GILRT_OK); /* runs what is still pending */
  CHECK_EQ(obj_live_count(), 0);
  for (unsigned i = 0; i < OBJECTS; i++) {
    CHECK(!obj_weak_get(shared.weak[i]));
    obj_weak_free(shared.weak[i]);
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 2);
  for (unsigned i = 0; i < 3; i++) {
    const obj_type_config_t config = {.struct_size = sizeof config,
                                      .name = "raced",
                                      .payload_size = sizeof(payload_t),
                                      .finalize = i < 2 ? finalize : NULL,
                                      .clear = i > 0 ? clear : NULL};
    CHECK_STATUS(obj_type_new(&config, &types[i]), GILRT_OK);
  }
  for (unsigned i = 0; i < ROUNDS; i++) round_of((unsigned)atoi(argv[1]));
  unsigned of_these = 0;
  for (unsigned i = 0; i < OBJECTS; i++) of_these += i % 3 < 2;
  CHECK_EQ(atomic_load(&finalized), of_these * ROUNDS);
  return 0;
}
