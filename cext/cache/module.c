/*
 * A cache that all threads share, and that is right without any lock around them: cache.h tells what it does, cache.c how.
 * Here it is put under load, and what it did is counted.
 */
#include "cache.h"
#include "item.h"
#include "sample.h"

#define CAPACITY 256u
#define KEYS 4096u
#define STREAM ((uint64_t)1 << 32) /* keys from here on are asked for once */
#define KEPT 512u                  /* items that each thread holds on to: some have faded, and are found again */
#define DEFAULT_ROUNDS 100000u
#define MOST_ROUNDS 1000000000u
#define PROGRESS_STEP 1024u

/* What threads did; `unsound` are items that were not what was asked for. */
typedef struct tally {
  uint64_t gets, made, evicted, unsound;
} tally_t;

/* The type and the cache never change; a section of the cache guards the rest. */
typedef struct module {
  obj_type_t *item_type;
  obj_t *cache;
  tally_t tally;
  uint64_t next_in_stream;
  sample_run_t run;
} module_t;

/* One thread's part of a run. */
typedef struct worker {
  module_t *module;
  tally_t tally;
  uint64_t rounds, random, next_in_stream;
  obj_t *kept[KEPT];
} worker_t;

/* A small generator of one's own, since rand() is shared by all threads. */
static uint32_t next_random(worker_t *worker) {
  worker->random = worker->random * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(worker->random >> 32);
}

/* Small numbers are more frequent, as some keys are wherever a cache is of use. */
static uint64_t next_key(worker_t *worker) {
  uint32_t below = 1 + next_random(worker) % (1 + next_random(worker) % KEYS);
  return next_random(worker) % below;
}

static int make(worker_t *worker, uint64_t key, obj_t **out) {
  module_t *module = worker->module;
  obj_t *item;
  int status = item_new(module->item_type, module->cache, key, &item);
  if (status != GILRT_OK) return status;
  worker->tally.made++;
  status = cache_put(module->cache, key, item);
  if (status == GILRT_OK) *out = item;
  else obj_decref(item);
  return status;
}

/* Finds the item of a key or makes it, and holds on to it until KEPT others have come. */
static int look_up(worker_t *worker, uint64_t key) {
  obj_t *item = cache_get(worker->module->cache, key);
  worker->tally.gets++;
  if (item) {
    worker->tally.unsound += !item_is_sound(item, key);
  } else {
    int status = make(worker, key, &item);
    if (status != GILRT_OK) return status;
  }
  obj_t **place = &worker->kept[worker->rounds % KEPT];
  obj_t *old = *place;
  *place = item;
  obj_decref(old);
  return GILRT_OK;
}

static int look_up_any(worker_t *worker) { return look_up(worker, next_key(worker)); }

static int look_up_next(worker_t *worker) { return look_up(worker, worker->next_in_stream++); }

static int replace(worker_t *worker) {
  obj_t *item = NULL;
  int status = make(worker, next_key(worker), &item);
  obj_decref(item);
  return status;
}

static int evict(worker_t *worker) {
  worker->tally.evicted += cache_evict(worker->module->cache, next_key(worker));
  return GILRT_OK;
}

/* Drops a reference while it is attached to nothing; were it the last, the destructor would wait for somebody who is. */
static int drop_detached(worker_t *worker) {
  obj_t **place = &worker->kept[next_random(worker) % KEPT];
  obj_t *old = *place;
  *place = NULL;
  GIL_BEGIN_ALLOW_THREADS
  obj_decref(old);
  GIL_END_ALLOW_THREADS
  return GILRT_OK;
}

static int churn_once(worker_t *worker) {
  switch (next_random(worker) % 16) {
  case 0:
    return replace(worker);
  case 1:
  case 2:
    return evict(worker);
  case 3:
    return drop_detached(worker);
  default:
    return look_up_any(worker);
  }
}

/* Adds one thread's part to the run; whose part is the last reports the figures of all runs. */
static void settle(const gilrt_call_t *call, const worker_t *worker) {
  module_t *module = worker->module;
  bool over;
  tally_t tally;
  OBJ_BEGIN_SECTION(module->cache)
  module->tally.gets += worker->tally.gets;
  module->tally.made += worker->tally.made;
  module->tally.evicted += worker->tally.evicted;
  module->tally.unsound += worker->tally.unsound;
  tally = module->tally;
  over = sample_run_is_over(&module->run, call);
  OBJ_END_SECTION
  if (!over) return;
  cache_figures_t figures = cache_figures(module->cache);
  sample_report(call, "gets", (int64_t)tally.gets);
  sample_report(call, "hits", (int64_t)figures.hits);
  sample_report(call, "weak_hits", (int64_t)figures.weak_hits);
  sample_report(call, "misses", (int64_t)figures.misses);
  sample_report(call, "unsound", (int64_t)tally.unsound);
  sample_report(call, "made", (int64_t)tally.made);
  sample_report(call, "evicted", (int64_t)tally.evicted);
  sample_report(call, "recent", (int64_t)figures.recent);
  sample_report(call, "faded", (int64_t)figures.faded);
}

static int work(gilrt_call_t *call, int (*step)(worker_t *worker)) {
  worker_t worker = {.module = call->state, .random = call->thread_index};
  uint64_t rounds = DEFAULT_ROUNDS;
  int status = sample_check_share(call);
  if (status != GILRT_OK) return status;
  if (call->argc > 1)
    return sample_fail(call, GILRT_ERR_INVALID, "too many arguments: give the rounds of each thread, or nothing");
  status = sample_number(call, 0, "the number of rounds", MOST_ROUNDS, &rounds);
  if (status != GILRT_OK) return status;
  OBJ_BEGIN_SECTION(worker.module->cache)
  worker.next_in_stream = worker.module->next_in_stream;
  worker.module->next_in_stream += rounds;
  OBJ_END_SECTION
  while (worker.rounds < rounds && status == GILRT_OK) {
    status = step(&worker);
    if (status == GILRT_OK) status = gil_poll();
    if (++worker.rounds % PROGRESS_STEP == 0) sample_progress(call, worker.rounds, rounds);
  }
  sample_progress(call, worker.rounds, rounds);
  for (unsigned i = 0; i < KEPT; i++) obj_decref(worker.kept[i]);
  settle(call, &worker);
  if (status == GILRT_OK) return GILRT_OK;
  return sample_fail(call, status, "the cache gave up: %s", gilrt_strerror(status));
}

static int run_lookup(gilrt_call_t *call) { return work(call, look_up_any); }

static int run_churn(gilrt_call_t *call) { return work(call, churn_once); }

static int run_stream(gilrt_call_t *call) { return work(call, look_up_next); }

static int load(void **state) {
  module_t *module = calloc(1, sizeof *module);
  if (!module) return GILRT_ERR_NOMEM;
  module->next_in_stream = STREAM;
  obj_type_t *cache_type;
  int status = item_type_new(&module->item_type);
  if (status == GILRT_OK) status = cache_type_new(&cache_type);
  if (status == GILRT_OK) status = cache_new(cache_type, CAPACITY, &module->cache);
  if (status == GILRT_OK) *state = module;
  else free(module);
  return status;
}

/* An item that somebody still holds may hold the cache, and outlive its module's state. */
static void unload(void *state) {
  module_t *module = state;
  cache_empty(module->cache);
  obj_decref(module->cache);
  free(module);
}

static const gilrt_function_t functions[] = {
    {"lookup", "[ROUNDS]: all threads look up keys, some of them often, and make what they do not find", run_lookup},
    {"churn", "[ROUNDS]: the same, while items are replaced and evicted; each is found under its own key only", run_churn},
    {"stream", "[ROUNDS]: no key is asked for twice; the entries of dead items do not pile up", run_stream},
};

static const gilrt_module_t module = {
    .struct_size = sizeof module,
    .abi = GILRT_ABI,
    .name = "cache",
    .flags = GILRT_MODULE_FREE_THREADED,
    .load = load,
    .unload = unload,
    .functions = functions,
    .function_count = sizeof functions / sizeof functions[0],
};

const gilrt_module_t *gilrt_module_get(void) { return &module; }
