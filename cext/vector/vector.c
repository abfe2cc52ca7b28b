/*
 * Growable vectors of references that all threads share: what an extension must do so that no object is freed while somebody
 * uses it, and none is forgotten, not even in a vector that contains itself.
 *
 * The vectors are guarded by the lock. Each slot owns one reference. Whoever uses an object across a safepoint takes a
 * reference of its own first, since at a gil_poll another thread may replace what is in the slot.
 */
#include "sample.h"

#define DEFAULT_ROUNDS 100000u
#define MOST_ROUNDS 1000000000000u
#define PROGRESS_STEP 1024u
#define CHURN_LENGTH 4096u /* churn pops once the vector is this long, so that memory stays bounded */

/* What the module knows. */
typedef struct store {
  obj_type_t *vector_type, *item_type;
  obj_t *shared;      /* the vector of all threads */
  uint64_t made;      /* objects ever made, but for the shared vector */
  uint64_t finalized; /* objects whose finalizer has run, likewise */
  bool unloaded;      /* the module is gone, and the last finalizer frees this */
  sample_run_t run;
} store_t;

/* How the payload of each object here begins. */
typedef struct member {
  store_t *home;
} member_t;

typedef struct item {
  member_t member;
  uint64_t number;
} item_t;

typedef struct vector {
  member_t member;
  obj_t **items;
  size_t length, capacity;
} vector_t;

static void store_free_when_unused(store_t *store) {
  if (store->unloaded && !store->shared && store->finalized == store->made) free(store);
}

/* Runs with the lock held, whichever thread dropped the last reference: so a plain increment is right. */
static void member_finalize(obj_t *self) {
  store_t *home = OBJ_PAYLOAD(self, member_t)->home;
  if (self == home->shared) home->shared = NULL;
  else home->finalized++;
  store_free_when_unused(home);
}

/* Every reference that the vector owns. One that was just made has no items. */
static int vector_traverse(obj_t *self, obj_visit_fn visit, void *user) {
  vector_t *vector = OBJ_PAYLOAD(self, vector_t);
  for (size_t i = 0; i < vector->length; i++) {
    int answer = visit(vector->items[i], user);
    if (answer != 0) return answer;
  }
  return 0;
}

/* The vector is empty before the first item goes: a finalizer is foreign code and may look at it. */
static void vector_clear(obj_t *self) {
  vector_t *vector = OBJ_PAYLOAD(self, vector_t);
  obj_t **items = vector->items;
  size_t length = vector->length;
  vector->items = NULL;
  vector->length = vector->capacity = 0;
  for (size_t i = 0; i < length; i++) obj_decref(items[i]);
  free(items);
}

static int member_new(store_t *store, obj_type_t *type, obj_t **out) {
  int status = obj_new(type, 0, out);
  if (status != GILRT_OK) return status;
  OBJ_PAYLOAD(*out, member_t)->home = store;
  store->made++;
  return GILRT_OK;
}

static int item_new(store_t *store, obj_t **out) {
  int status = member_new(store, store->item_type, out);
  if (status == GILRT_OK) OBJ_PAYLOAD(*out, item_t)->number = store->made - 1;
  return status;
}

/* Takes over the caller's reference, but only when it answers GILRT_OK. */
static int vector_push(vector_t *vector, obj_t *item) {
  if (vector->length == vector->capacity) {
    size_t capacity = vector->capacity ? vector->capacity * 2 : 16;
    if (capacity > SIZE_MAX / sizeof *vector->items) return GILRT_ERR_NOMEM;
    obj_t **items = realloc(vector->items, capacity * sizeof *items);
    if (!items) return GILRT_ERR_NOMEM;
    vector->items = items;
    vector->capacity = capacity;
  }
  vector->items[vector->length++] = item;
  return GILRT_OK;
}

static int push_one(vector_t *vector) {
  obj_t *item;
  int status = item_new(vector->member.home, &item);
  if (status != GILRT_OK) return status;
  status = vector_push(vector, item);
  if (status != GILRT_OK) obj_decref(item);
  return status;
}

/* Uses an item across a safepoint, where the others may pop or replace it: hence a reference of its own. */
static int use_one(vector_t *vector, size_t index) {
  obj_t *item = obj_newref(vector->items[index]);
  int status = gil_poll();
  bool sound = OBJ_PAYLOAD(item, member_t)->home == vector->member.home;
  obj_decref(item);
  return sound ? status : GILRT_ERR_INVALID;
}

/* Drops a reference without the lock, which is legal; were it the last, the finalizer would wait for a holder. */
static void carry_one(vector_t *vector, size_t index) {
  obj_t *item = obj_newref(vector->items[index]);
  GIL_BEGIN_ALLOW_THREADS
  obj_decref(item);
  GIL_END_ALLOW_THREADS
}

static int replace_one(vector_t *vector, size_t index) {
  obj_t *item;
  int status = item_new(vector->member.home, &item);
  if (status != GILRT_OK) return status;
  /* The slot is right before the old item goes: a finalizer is foreign code and may look at the vector. */
  obj_t *old = vector->items[index];
  vector->items[index] = item;
  obj_decref(old);
  return GILRT_OK;
}

static void pop_one(vector_t *vector) {
  obj_t *item = vector->items[--vector->length];
  obj_decref(item);
}

static int churn_one(vector_t *vector, uint32_t random) {
  if (vector->length == 0) return push_one(vector);
  size_t index = (random >> 8) % vector->length;
  switch (random % 8) {
  case 0:
  case 1:
    if (vector->length < CHURN_LENGTH) return push_one(vector);
    pop_one(vector);
    return GILRT_OK;
  case 2:
    pop_one(vector);
    return GILRT_OK;
  case 3:
  case 4:
    return replace_one(vector, index);
  case 5:
    carry_one(vector, index);
    return GILRT_OK;
  default:
    return use_one(vector, index);
  }
}

/* Pushes `object` into the vector, which gets a reference of its own. */
static int hold(obj_t *vector, obj_t *object) {
  int status = vector_push(OBJ_PAYLOAD(vector, vector_t), obj_newref(object));
  if (status != GILRT_OK) obj_decref(object);
  return status;
}

/* Two vectors with an item each that contain each other, and one of them itself: nothing but the collector frees them. */
static int nest_one(store_t *store, uint32_t random) {
  obj_t *outer, *inner;
  int status = member_new(store, store->vector_type, &outer);
  if (status != GILRT_OK) return status;
  status = member_new(store, store->vector_type, &inner);
  if (status == GILRT_OK) {
    status = hold(outer, inner);
    if (status == GILRT_OK) status = hold(inner, outer);
    if (status == GILRT_OK && random % 2) status = hold(outer, outer);
    if (status == GILRT_OK) status = push_one(OBJ_PAYLOAD(outer, vector_t));
    if (status == GILRT_OK) status = push_one(OBJ_PAYLOAD(inner, vector_t));
    obj_decref(inner);
  }
  obj_decref(outer);
  return status;
}

/* A small generator of one's own, since rand() is shared by all threads. */
static uint32_t next_random(uint64_t *seed) {
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(*seed >> 32);
}

typedef int (*round_fn)(store_t *store, uint32_t random);

static int work(gilrt_call_t *call, round_fn round) {
  store_t *store = call->state;
  uint64_t rounds = DEFAULT_ROUNDS, seed = call->thread_index;
  int status = sample_check_share(call);
  if (status != GILRT_OK) return status;
  if (call->argc > 1)
    return sample_fail(call, GILRT_ERR_INVALID, "too many arguments: give the rounds of each thread, or nothing");
  status = sample_number(call, 0, "the number of rounds", MOST_ROUNDS, &rounds);
  if (status != GILRT_OK) return status;
  uint64_t done = 0;
  while (done < rounds && status == GILRT_OK) {
    status = round(store, next_random(&seed));
    if (status == GILRT_OK) status = gil_poll();
    if (++done % PROGRESS_STEP == 0) sample_progress(call, done, rounds);
  }
  sample_progress(call, done, rounds);
  if (sample_run_is_over(&store->run, call)) {
    obj_collect(); /* cycles, and what a thread without the lock dropped last, are finalized before they are counted */
    sample_report(call, "pushed", (int64_t)store->made);
    sample_report(call, "finalized", (int64_t)store->finalized);
    sample_report(call, "alive", (int64_t)(store->made - store->finalized));
    sample_report(call, "length", (int64_t)OBJ_PAYLOAD(store->shared, vector_t)->length);
  }
  if (status == GILRT_OK) return GILRT_OK;
  return sample_fail(call, status, "the vector gave up: %s", gilrt_strerror(status));
}

static int push_round(store_t *store, uint32_t random) {
  (void)random;
  return push_one(OBJ_PAYLOAD(store->shared, vector_t));
}

static int churn_round(store_t *store, uint32_t random) {
  return churn_one(OBJ_PAYLOAD(store->shared, vector_t), random);
}

static int run_push(gilrt_call_t *call) { return work(call, push_round); }

static int run_churn(gilrt_call_t *call) { return work(call, churn_round); }

static int run_nest(gilrt_call_t *call) { return work(call, nest_one); }

static int load(void **state) {
  store_t *store = calloc(1, sizeof *store);
  if (!store) return GILRT_ERR_NOMEM;
  const obj_type_config_t item = {
      .struct_size = sizeof item,
      .name = "vector item",
      .payload_size = sizeof(item_t),
      .finalize = member_finalize,
  };
  const obj_type_config_t vector = {
      .struct_size = sizeof vector,
      .name = "vector",
      .payload_size = sizeof(vector_t),
      .finalize = member_finalize,
      .traverse = vector_traverse,
      .clear = vector_clear,
  };
  int status = obj_type_new(&item, &store->item_type);
  if (status == GILRT_OK) status = obj_type_new(&vector, &store->vector_type);
  if (status == GILRT_OK) status = obj_new(store->vector_type, 0, &store->shared);
  if (status != GILRT_OK) {
    free(store);
    return status;
  }
  OBJ_PAYLOAD(store->shared, member_t)->home = store;
  *state = store;
  return GILRT_OK;
}

/* What somebody else holds may outlive the module; its finalizer still needs the store. */
static void unload(void *state) {
  store_t *store = state;
  obj_collect();
  store->unloaded = true;
  obj_decref(store->shared);
}

static const gilrt_function_t functions[] = {
    {"push", "[ROUNDS]: all threads append new objects to one vector", run_push},
    {"churn", "[ROUNDS]: all threads append, use, replace and remove at random; every object is freed once", run_churn},
    {"nest", "[ROUNDS]: all threads make vectors that contain each other and themselves; the collector frees them",
     run_nest},
};

/* Not free-threaded: the fields of the vectors are guarded by the lock alone. */
static const gilrt_module_t module = {
    .struct_size = sizeof module,
    .abi = GILRT_ABI,
    .name = "vector",
    .flags = 0,
    .load = load,
    .unload = unload,
    .functions = functions,
    .function_count = sizeof functions / sizeof functions[0],
};

const gilrt_module_t *gilrt_module_get(void) { return &module; }
