/*
 * A library that is not thread-safe, made safe by the lock alone: SQLite, compiled with SQLITE_THREADSAFE=0, which leaves all
 * its locks out. All threads share one connection and its statements. What they do with a statement (bind, step, read, reset)
 * they do between two safepoints, so no other thread comes in between; a safepoint inside would let another one bind its own
 * values to a statement that is half executed. It never releases the lock, not even for the disk: SQLite must not be entered
 * by anybody else meanwhile.
 *
 * SQLite also has data of the process, such as its memory, so no two locks would do: one interpreter at a time may load the
 * module, and only its threads may call it.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdatomic.h>

#include "sample.h"

#include "store.h"

#define DEFAULT_ENTRIES 10000u
#define MOST_ENTRIES 1000000u /* of a thread; with 1,024 threads the sum of their values still fits 63 bits */
#define DEFAULT_ROUNDS 100000u
#define MOST_ROUNDS 1000000000000u
#define PREPARED 1000u /* entries that are there from the start, for `query` to find */
#define PROGRESS_STEP 256u

/* A run of insert: what its calls, one a thread, share. It begins with the first that comes and ends with the last that
   leaves. All zero where there is no run. Guarded by the lock. */
typedef struct insertion {
  uint32_t threads, joined, left;
  bool to_file;
  store_t file; /* open from the first call to the last, if `to_file` */
  store_t *store;
  int64_t run, entries, sum; /* what must be there in the end */
  failure_t failure;         /* of the first thread that failed; the others end with it */
} insertion_t;

/* Guarded by the lock. */
typedef struct legacy {
  store_t memory;
  insertion_t insertion;
  uint64_t asked, wrong; /* by query, in its present run */
  int64_t places;        /* in memory */
  sample_run_t queries;
} legacy_t;

/* Who has SQLite, and in how many modules. The first changes from NULL to an interpreter, or back, and between these two
   changes the second is guarded by the lock of that interpreter. */
static _Atomic(gil_interp_t *) owner;
static unsigned users;
/* Whether another interpreter was told so since the owner came: all workers of a run would say the same. */
static atomic_bool told;

/* Acquire: pairs with the release in `give_back`, so that what the last owner did to SQLite's data is seen. */
static bool take(void) {
  gil_interp_t *nobody = NULL, *here = gil_interp_current();
  if (!atomic_compare_exchange_strong_explicit(&owner, &nobody, here, memory_order_acquire, memory_order_relaxed) &&
      nobody != here)
    return false;
  users++;
  return true;
}

static void give_back(void) {
  if (--users > 0) return;
  sqlite3_shutdown();
  atomic_store(&told, false);
  atomic_store_explicit(&owner, NULL, memory_order_release);
}

static bool is_another(const insertion_t *it, uint32_t threads, const char *path) {
  if (it->joined == it->threads || it->threads != threads || it->to_file != (path != NULL)) return true;
  /* A file that could not be opened has no path, and the run has failed. */
  return path && it->file.path && strcmp(it->file.path, path) != 0;
}

static void begin(legacy_t *legacy, const char *path) {
  insertion_t *it = &legacy->insertion;
  it->to_file = path != NULL;
  it->store = path ? &it->file : &legacy->memory;
  if (path && store_open(&it->file, path, &it->failure) != GILRT_OK) it->store = NULL;
  else if (store_begin(it->store, &it->failure) == GILRT_OK) store_new_run(it->store, &it->run, &it->failure);
}

static void check_sums(insertion_t *it, int64_t *entries, int64_t *sum) {
  failure_t *failure = &it->failure;
  if (store_sum(it->store, it->run, entries, sum, failure) != GILRT_OK) return;
  if (store_check(it->store, failure) != GILRT_OK) return;
  if (*entries != it->entries || *sum != it->sum)
    failure_set(failure, GILRT_ERR_MODULE,
                "%lld entries with a sum of %lld were inserted, and %lld with a sum of %lld are there", (long long)it->entries,
                (long long)it->sum, (long long)*entries, (long long)*sum);
}

/* By the last call of a run: everything was inserted, or nothing. */
static void end(insertion_t *it, int64_t *entries, int64_t *sum) {
  if (!it->store) return;
  if (it->failure.status == GILRT_OK) check_sums(it, entries, sum);
  if (it->failure.status == GILRT_OK) store_commit(it->store, &it->failure);
  store_undo(it->store);
  if (it->to_file) store_close(&it->file);
}

static void insert_share(const gilrt_call_t *call, insertion_t *it, uint64_t entries) {
  int64_t sum = 0;
  uint64_t done = 0;
  while (done < entries && it->failure.status == GILRT_OK) {
    if (store_insert(it->store, it->run, call->thread_index, done, &it->failure) != GILRT_OK) break;
    sum += store_value(call->thread_index, done);
    if (++done % PROGRESS_STEP == 0) sample_progress(call, done, entries);
    int status = gil_poll();
    if (status != GILRT_OK)
      failure_set(&it->failure, status, "stopped after %llu entries: %s", (unsigned long long)done, gilrt_strerror(status));
  }
  sample_progress(call, done, entries);
  it->entries += (int64_t)done;
  it->sum += sum;
}

static int run_insert(gilrt_call_t *call) {
  legacy_t *legacy = call->state;
  insertion_t *it = &legacy->insertion;
  uint64_t number = DEFAULT_ENTRIES;
  int64_t entries = 0, sum = 0;
  int status = sample_check_share(call);
  if (status != GILRT_OK) return status;
  if (call->argc > 2)
    return sample_fail(call, GILRT_ERR_INVALID, "too many arguments: give the entries of each thread and a file, or nothing");
  status = sample_number(call, 0, "the number of entries", MOST_ENTRIES, &number);
  if (status != GILRT_OK) return status;
  const char *path = call->argc > 1 ? call->argv[1] : NULL;
  if (path && *path == '\0') return sample_fail(call, GILRT_ERR_INVALID, "the file needs a name");
  if (it->joined > 0 && is_another(it, sample_sharers(call), path))
    return sample_fail(call, GILRT_ERR_BUSY, "other threads are inserting: one run at a time");
  it->threads = sample_sharers(call);
  if (it->joined++ == 0) begin(legacy, path);
  insert_share(call, it, number);
  failure_t failure = it->failure;
  bool over = ++it->left == it->threads;
  if (over) {
    end(it, &entries, &sum);
    failure = it->failure;
    legacy->places += it->to_file || failure.status != GILRT_OK ? 0 : entries;
    *it = (insertion_t){.joined = 0};
  }
  if (failure.status != GILRT_OK) return sample_fail(call, failure.status, "%s", failure.message);
  if (!over) return GILRT_OK;
  sample_report(call, "entries", entries);
  sample_report(call, "sum", sum);
  return GILRT_OK;
}

static int run_query(gilrt_call_t *call) {
  legacy_t *legacy = call->state;
  uint64_t rounds = DEFAULT_ROUNDS, done = 0, random = call->thread_index;
  failure_t failure = {.status = GILRT_OK};
  int status = sample_check_share(call);
  if (status != GILRT_OK) return status;
  if (call->argc > 1)
    return sample_fail(call, GILRT_ERR_INVALID, "too many arguments: give the rounds of each thread, or nothing");
  status = sample_number(call, 0, "the number of rounds", MOST_ROUNDS, &rounds);
  if (status != GILRT_OK) return status;
  while (done < rounds && failure.status == GILRT_OK) {
    bool sound;
    random = random * 6364136223846793005u + 1442695040888963407u;
    int64_t place = 1 + (int64_t)((random >> 33) % (uint64_t)legacy->places);
    if (store_find(&legacy->memory, place, &sound, &failure) != GILRT_OK) break;
    legacy->asked++;
    legacy->wrong += !sound;
    if (++done % PROGRESS_STEP == 0) sample_progress(call, done, rounds);
    status = gil_poll();
    if (status != GILRT_OK)
      failure_set(&failure, status, "stopped after %llu rounds: %s", (unsigned long long)done, gilrt_strerror(status));
  }
  sample_progress(call, done, rounds);
  if (sample_run_is_over(&legacy->queries, call)) {
    sample_report(call, "asked", (int64_t)legacy->asked);
    sample_report(call, "wrong", (int64_t)legacy->wrong);
    legacy->asked = legacy->wrong = 0;
  }
  return failure.status == GILRT_OK ? GILRT_OK : sample_fail(call, failure.status, "%s", failure.message);
}

static int fill(legacy_t *legacy, failure_t *failure) {
  int status = store_open(&legacy->memory, NULL, failure);
  for (; status == GILRT_OK && legacy->places < PREPARED; legacy->places++)
    status = store_insert(&legacy->memory, 0, 0, (uint64_t)legacy->places, failure);
  return status;
}

/* What a load returns is only a status; the sentence goes where the host's log goes by default. */
static int refuse(int status, const char *why) {
  fprintf(stderr, "legacy: %s\n", why);
  return status;
}

static int load(void **state) {
  if (sqlite3_threadsafe() != 0)
    return refuse(GILRT_ERR_ABI, "SQLite has locks of its own, so there is nothing to show: compile it with "
                                 "LIBSQLITE3_FLAGS=-DSQLITE_THREADSAFE=0, as .cargo/config.toml has it");
  if (!take()) {
    if (atomic_exchange(&told, true)) return GILRT_ERR_BUSY;
    return refuse(GILRT_ERR_BUSY, "another interpreter has loaded SQLite, and it is safe under one lock only");
  }
  failure_t failure = {.status = GILRT_ERR_NOMEM, .message = "not enough memory"};
  legacy_t *legacy = calloc(1, sizeof *legacy);
  if (legacy && fill(legacy, &failure) == GILRT_OK) {
    *state = legacy;
    return GILRT_OK;
  }
  if (legacy) store_close(&legacy->memory);
  free(legacy);
  give_back();
  return refuse(failure.status, failure.message);
}

static void unload(void *state) {
  legacy_t *legacy = state;
  store_close(&legacy->memory);
  free(legacy);
  give_back();
}

static const gilrt_function_t functions[] = {
    {"insert", "[ENTRIES [FILE]]: all threads insert into one database, in memory or in a file; its sums are exact", run_insert},
    {"query", "[ROUNDS]: all threads look up entries by one shared statement; every answer belongs to its question", run_query},
};

/* Not free-threaded: the lock is all that keeps the threads out of each other's way. */
static const gilrt_module_t module = {
    .struct_size = sizeof module,
    .abi = GILRT_ABI,
    .name = "legacy",
    .flags = 0,
    .load = load,
    .unload = unload,
    .functions = functions,
    .function_count = sizeof functions / sizeof functions[0],
};

const gilrt_module_t *gilrt_module_get(void) { return &module; }
