/*
 * A growable vector of references that all threads share: what an extension must do so that no object is freed while
 * somebody uses it, and none is forgotten.
 *
 * The vector itself is guarded by the lock. Each slot owns one reference. Whoever uses an object across a safepoint
 * takes a reference of its own first, since at a gil_poll another thread may replace what is in the slot.
 */
#include "sample.h"

#define DEFAULT_ROUNDS 100000u
#define MOST_ROUNDS 1000000000000u
#define PROGRESS_STEP 1024u
#define CHURN_LENGTH 4096u /* churn pops once the vector is this long, so that memory stays bounded */

typedef struct vector {
  obj_t **items;
  size_t length, capacity;
  obj_type_t *type;
  uint64_t pushed;    /* objects ever made */
  uint64_t finalized; /* objects whose finalizer has run */
  bool unloaded;      /* the module is gone, and the last item's finalizer frees the vector */
  sample_run_t run;
} vector_t;

typedef struct item {
  vector_t *home;
  uint64_t number;
} item_t;

static void vector_free_when_unused(vector_t *vector) {
  if (vector->unloaded && vector->finalized == vector->pushed) free(vector);
}

/* Runs with the lock held, whichever thread dropped the last reference: so a plain increment is right. */
static void item_finalize(obj_t *self) {
  vector_t *home = OBJ_PAYLOAD(self, item_t)->home;
  home->finalized++;
  vector_free_when_unused(home);
}

static int item_new(vector_t *vector, obj_t **out) {
  int status = obj_new(vector->type, 0, out);
  if (status != GILRT_OK) return status;
  item_t *item = OBJ_PAYLOAD(*out, item_t);
  item->home = vector;
  item->number = vector->pushed++;
  return GILRT_OK;
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
  int status = item_new(vector, &item);
  if (status != GILRT_OK) return status;
  status = vector_push(vector, item);
  if (status != GILRT_OK) obj_decref(item);
  return status;
}

/* Uses an item across a safepoint, where the others may pop or replace it: hence a reference of its own. */
static int use_one(vector_t *vector, size_t index) {
  obj_t *item = obj_newref(vector->items[index]);
  int status = gil_poll();
  bool sound = OBJ_PAYLOAD(item, item_t)->home == vector;
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
  int status = item_new(vector, &item);
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

/* A small generator of one's own, since rand() is shared by all threads. */
static uint32_t next_random(uint64_t *seed) {
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(*seed >> 32);
}

static int work(gilrt_call_t *call, bool churn) {
  vector_t *vector = call->state;
  uint64_t rounds = DEFAULT_ROUNDS, seed = call->thread_index;
  int status = sample_check_share(call);
  if (status != GILRT_OK) return status;
  if (call->argc > 1)
    return sample_fail(call, GILRT_ERR_INVALID, "too many arguments: give the rounds of each thread, or nothing");
  status = sample_number(call, 0, "the number of rounds", MOST_ROUNDS, &rounds);
  if (status != GILRT_OK) return status;
  uint64_t done = 0;
  while (done < rounds && status == GILRT_OK) {
    status = churn ? churn_one(vector, next_random(&seed)) : push_one(vector);
    if (status == GILRT_OK) status = gil_poll();
    if (++done % PROGRESS_STEP == 0) sample_progress(call, done, rounds);
  }
  sample_progress(call, done, rounds);
  if (sample_run_is_over(&vector->run, call)) {
    gil_poll(); /* what a thread without the lock dropped last is finalized here, before it is counted */
    sample_report(call, "pushed", (int64_t)vector->pushed);
    sample_report(call, "finalized", (int64_t)vector->finalized);
    sample_report(call, "alive", (int64_t)(vector->pushed - vector->finalized));
    sample_report(call, "length", (int64_t)vector->length);
  }
  if (status == GILRT_OK) return GILRT_OK;
  return sample_fail(call, status, "the vector gave up: %s", gilrt_strerror(status));
}

static int run_push(gilrt_call_t *call) { return work(call, false); }

static int run_churn(gilrt_call_t *call) { return work(call, true); }

static int load(void **state) {
  vector_t *vector = calloc(1, sizeof *vector);
  if (!vector) return GILRT_ERR_NOMEM;
  const obj_type_config_t config = {
      .struct_size = sizeof config,
      .name = "vector item",
      .payload_size = sizeof(item_t),
      .finalize = item_finalize,
  };
  int status = obj_type_new(&config, &vector->type);
  if (status != GILRT_OK) {
    free(vector);
    return status;
  }
  *state = vector;
  return GILRT_OK;
}

/* An item may outlive its slot, if somebody else holds a reference to it; its finalizer still needs the vector. */
static void unload(void *state) {
  vector_t *vector = state;
  while (vector->length > 0) pop_one(vector);
  free(vector->items);
  vector->unloaded = true;
  vector_free_when_unused(vector);
}

static const gilrt_function_t functions[] = {
    {"push", "[ROUNDS]: all threads append new objects to one vector", run_push},
    {"churn", "[ROUNDS]: all threads append, use, replace and remove at random; every object is freed once", run_churn},
};

/* Not free-threaded: the vector's own fields are guarded by the lock alone. */
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
