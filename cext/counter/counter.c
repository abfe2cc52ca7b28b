/*
 * A counter that all threads share: once right, under the lock, and once wrong, without it.
 *
 * `locked` adds to a plain variable. It holds the lock except inside gil_poll, and an increment never spans a gil_poll,
 * so no other thread can come between its load and its store.
 * `unlocked` lets go of the lock and does the same load and store: two threads read the same value, both store the
 * same successor, and one update is lost. Its accesses are relaxed atomics, so that the program is wrong in its result
 * only, not undefined.
 */
#include <stdatomic.h>

#include "sample.h"

#define DEFAULT_ITERATIONS 10000000u
#define MOST_ITERATIONS 1000000000000u
#define PROGRESS_STEP 65536u

typedef struct tally {
  sample_run_t run;
  uint64_t expected; /* the increments that all calls of the run have made */
} tally_t;

/* The two functions share nothing, so a run of one does not disturb a run of the other. */
typedef struct counter {
  tally_t locked;
  uint64_t value; /* guarded by the lock */
  tally_t unlocked;
  _Atomic uint64_t racy; /* guarded by nothing */
} counter_t;

static int prepare(const gilrt_call_t *call, uint64_t *iterations) {
  *iterations = DEFAULT_ITERATIONS;
  int status = sample_check_share(call);
  if (status != GILRT_OK) return status;
  if (call->argc > 1)
    return sample_fail(call, GILRT_ERR_INVALID, "too many arguments: give the iterations of each thread, or nothing");
  return sample_number(call, 0, "the number of iterations", MOST_ITERATIONS, iterations);
}

/* Adds this call's share to the run; true for the last call of the run, which then has reported the figures. */
static bool settle(const gilrt_call_t *call, tally_t *tally, uint64_t made, uint64_t counted) {
  tally->expected += made;
  if (!sample_run_is_over(&tally->run, call)) return false;
  sample_report(call, "expected", (int64_t)tally->expected);
  sample_report(call, "counted", (int64_t)counted);
  sample_report(call, "lost", (int64_t)(tally->expected - counted));
  tally->expected = 0;
  return true;
}

static int run_locked(gilrt_call_t *call) {
  counter_t *counter = call->state;
  uint64_t iterations, made = 0;
  int status = prepare(call, &iterations);
  if (status != GILRT_OK) return status;
  while (made < iterations && status == GILRT_OK) {
    uint64_t seen = counter->value;
    counter->value = seen + 1;
    if (++made % PROGRESS_STEP == 0) sample_progress(call, made, iterations);
    status = gil_poll();
  }
  sample_progress(call, made, iterations);
  if (settle(call, &counter->locked, made, counter->value)) counter->value = 0;
  return status;
}

static int run_unlocked(gilrt_call_t *call) {
  counter_t *counter = call->state;
  uint64_t iterations;
  int status = prepare(call, &iterations);
  if (status != GILRT_OK) return status;
  GIL_BEGIN_ALLOW_THREADS
  for (uint64_t made = 1; made <= iterations; made++) {
    uint64_t seen = atomic_load_explicit(&counter->racy, memory_order_relaxed);
    atomic_store_explicit(&counter->racy, seen + 1, memory_order_relaxed);
    if (made % PROGRESS_STEP == 0) sample_progress(call, made, iterations);
  }
  sample_progress(call, iterations, iterations);
  GIL_END_ALLOW_THREADS
  /* The lock is held again, and handing it over orders the other threads' stores before this load. */
  uint64_t counted = atomic_load_explicit(&counter->racy, memory_order_relaxed);
  if (settle(call, &counter->unlocked, iterations, counted))
    atomic_store_explicit(&counter->racy, 0, memory_order_relaxed);
  return GILRT_OK;
}

static int load(void **state) {
  counter_t *counter = calloc(1, sizeof *counter);
  if (!counter) return GILRT_ERR_NOMEM;
  atomic_init(&counter->racy, 0);
  *state = counter;
  return GILRT_OK;
}

static void unload(void *state) { free(state); }

static const gilrt_function_t functions[] = {
    {"locked", "[ITERATIONS]: all threads add to one counter under the lock; nothing is lost", run_locked},
    {"unlocked", "[ITERATIONS]: the same without the lock; shows how many updates are lost", run_unlocked},
};

/* Not free-threaded: without a lock that excludes, `locked` would lose updates as `unlocked` does. */
static const gilrt_module_t module = {
    .struct_size = sizeof module,
    .abi = GILRT_ABI,
    .name = "counter",
    .flags = 0,
    .load = load,
    .unload = unload,
    .functions = functions,
    .function_count = sizeof functions / sizeof functions[0],
};

const gilrt_module_t *gilrt_module_get(void) { return &module; }
