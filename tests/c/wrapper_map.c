/* A map from keys to wrappers that holds no references: a wrapper leaves it in its finalizer, under the map's lock. A lookup
   finds wrappers whose finalizer waits for that very lock; it takes a reference if it gets one, and else puts a new wrapper in
   their place (R9, R10, R22). wrapper_map THREADS */
#include "check.h"

#define KEYS 4u
#define LOOKUPS 4000u
#define ALIVE UINT64_C(0xA11FEA11FEA11FE0)

typedef struct wrapper {
  uint64_t canary;
  unsigned key;
} wrapper_t;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* nobody acquires while he holds it */
static obj_t *map[KEYS];
static obj_type_t *type;
static atomic_uint made, finalized, finalizing;

static void finalize(obj_t *self) {
  wrapper_t *wrapper = OBJ_PAYLOAD(self, wrapper_t);
  atomic_fetch_add(&finalizing, 1);
  CHECK_EQ(wrapper->canary, ALIVE);
  wrapper->canary = 0;
  GIL_BEGIN_ALLOW_THREADS
  pthread_mutex_lock(&lock);
  if (map[wrapper->key] == self) map[wrapper->key] = NULL;
  pthread_mutex_unlock(&lock);
  GIL_END_ALLOW_THREADS
  atomic_fetch_add(&finalized, 1);
}

/* A reference to the wrapper of the key, or NULL; in the latter case `fresh`, if there is one, becomes the wrapper. */
static obj_t *look_up(unsigned key, obj_t *fresh) {
  pthread_mutex_lock(&lock);
  obj_t *found = map[key];
  if (found && !obj_try_incref(found)) found = NULL;
  if (!found && fresh) map[key] = fresh;
  pthread_mutex_unlock(&lock);
  return found;
}

/* Needs an attached thread. */
static obj_t *make(unsigned key) {
  obj_t *fresh = NULL;
  CHECK_STATUS(obj_new(type, 0, &fresh), GILRT_OK);
  *OBJ_PAYLOAD(fresh, wrapper_t) = (wrapper_t){.canary = ALIVE, .key = key};
  atomic_fetch_add(&made, 1);
  obj_t *found = look_up(key, fresh);
  if (!found) return fresh;
  obj_decref(fresh); /* its finalizer finds another in the map */
  return found;
}

static obj_t *wrapper_of(unsigned key) {
  obj_t *found = look_up(key, NULL);
  if (found) return found;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  found = make(key);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return found;
}

/* Some hold the lock of the interpreter all the time, some only to make wrappers. */
static void body(unsigned index, void *unused) {
  (void)unused;
  if (index % 2) CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (unsigned i = 0; i < LOOKUPS; i++) {
    unsigned key = (i + index) % KEYS;
    obj_t *object = wrapper_of(key);
    CHECK_EQ(OBJ_PAYLOAD(object, wrapper_t)->canary, ALIVE);
    CHECK_EQ(OBJ_PAYLOAD(object, wrapper_t)->key, key);
    obj_decref(object);
    if (index % 2) CHECK_STATUS(gil_poll(), GILRT_OK);
  }
  if (index % 2) CHECK_STATUS(gil_release(), GILRT_OK);
}

static void *drop(void *object) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_decref(object);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

static void a_wrapper_whose_finalizer_waits_for_the_map_is_replaced(void) {
  pthread_t thread;
  obj_t *old = wrapper_of(0);
  pthread_mutex_lock(&lock);
  CHECK(map[0] == old);
  CHECK_EQ(pthread_create(&thread, NULL, drop, old), 0);
  AWAIT(atomic_load(&finalizing) == 1);
  CHECK(map[0] == old);
  CHECK(!obj_try_incref(old));
  pthread_mutex_unlock(&lock);
  obj_t *replaced = wrapper_of(0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  CHECK(look_up(0, NULL) == replaced); /* the finalizer of the old one has left it alone */
  obj_decref(replaced);
  obj_decref(replaced);
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 2);
  const obj_type_config_t config = {.struct_size = sizeof config,
                                    .name = "wrapper",
                                    .payload_size = sizeof(wrapper_t),
                                    .flags = OBJ_TYPE_TRY,
                                    .finalize = finalize};
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  a_wrapper_whose_finalizer_waits_for_the_map_is_replaced();
  team_run((unsigned)atoi(argv[1]), body, NULL);
  CHECK_STATUS(gil_acquire(), GILRT_OK); /* runs what is still pending */
  CHECK_EQ(obj_live_count(), 0);
  CHECK_EQ(atomic_load(&finalized), atomic_load(&made));
  for (unsigned key = 0; key < KEYS; key++) CHECK(!map[key]);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return 0;
}
