/*
 * zlib beside the lock: a file is compressed in blocks, of which thread i of n makes every n-th, from block i on. The result
 * is the same to the byte however many threads made it, and is read by gzip.
 *
 * zlib keeps all that it knows in the stream that it is given, so it is right on any number of threads. A caller that sets
 * GILRT_CALL_RELEASE lets the blocks be compressed at the same time; without it the lock is held while zlib works, and the
 * threads take turns at the safepoints between its steps.
 *
 * How long a block becomes is known when it is made, so its place in the file is too: whoever makes blocks hands them over, in the
 * state. Interpreters and processes have no state in common, and are refused, unless there is only one of them.
 */
#define _POSIX_C_SOURCE 200809L

#include "sample.h"

#include "blocks.h"
#include "compare.h"
#include "file.h"
#include "member.h"
#include "run.h"

#define DEFAULT_LEVEL 6u
#define HIGHEST_LEVEL 9u

static int no_pause(void) { return GILRT_OK; }

static int compress_blocks(const gilrt_call_t *call, run_t *run, int level, member_pause_fn pause, failure_t *failure) {
  const file_t *input = &run->job.input;
  uint64_t share = block_share(run->job.blocks, call->thread_index, call->thread_count);
  uint8_t *bytes = malloc(BLOCK_SIZE);
  if (!bytes) return failure_set(failure, GILRT_ERR_NOMEM, "not enough memory for a block");
  int status = GILRT_OK;
  for (uint64_t done = 0; done < share && status == GILRT_OK; done++) {
    uint64_t block = call->thread_index + done * call->thread_count;
    size_t length = block_length(input->size, block), size;
    uint8_t *member;
    status = file_read(input, bytes, length, block * BLOCK_SIZE, failure);
    if (status == GILRT_OK) status = member_make(bytes, length, level, pause, &member, &size, failure);
    if (status == GILRT_OK) status = run_add(run, block, member, size, failure);
    if (status == GILRT_OK) sample_progress(call, done + 1, share);
  }
  free(bytes);
  return status;
}

static int run_compress(gilrt_call_t *call) {
  run_t *run = call->state;
  run_figures_t figures;
  failure_t failure = {.status = GILRT_OK};
  uint64_t level = DEFAULT_LEVEL;
  bool joined, over = false;
  int status = sample_check_share(call);
  if (status != GILRT_OK) return status;
  if (call->argc < 2 || call->argc > 3)
    return sample_fail(call, GILRT_ERR_INVALID, "compress needs a file to read and one to write, and may have a level");
  if (sample_sharers(call) < call->thread_count)
    return sample_fail(call, GILRT_ERR_INVALID,
                       "who makes blocks of one file hands them to the others: use --workers threads or free");
  status = sample_number(call, 2, "the level", HIGHEST_LEVEL, &level);
  if (status != GILRT_OK) return status;
  status = run_join(run, call->thread_count, call->argv[0], call->argv[1], (int)level, &joined, &failure);
  if (status == GILRT_OK && call->flags & GILRT_CALL_RELEASE) {
    GIL_BEGIN_ALLOW_THREADS
    compress_blocks(call, run, (int)level, no_pause, &failure);
    GIL_END_ALLOW_THREADS
  } else if (status == GILRT_OK) {
    compress_blocks(call, run, (int)level, gil_poll, &failure);
  }
  if (joined) over = run_leave(run, &failure, &figures);
  if (failure.status != GILRT_OK) return sample_fail(call, failure.status, "%s", failure.message);
  if (!over) return GILRT_OK;
  sample_report(call, "bytes_read", (int64_t)figures.read);
  sample_report(call, "bytes_written", (int64_t)figures.written);
  sample_report(call, "blocks", (int64_t)figures.blocks);
  return GILRT_OK;
}

static int run_check(gilrt_call_t *call) {
  failure_t failure;
  uint64_t compared;
  int status = sample_check_share(call);
  if (status != GILRT_OK) return status;
  if (call->argc != 2)
    return sample_fail(call, GILRT_ERR_INVALID, "check needs the file that was compressed and what compress made of it");
  if (call->flags & GILRT_CALL_RELEASE) {
    GIL_BEGIN_ALLOW_THREADS
    status = compare_files(call, no_pause, &compared, &failure);
    GIL_END_ALLOW_THREADS
  } else {
    status = compare_files(call, gil_poll, &compared, &failure);
  }
  if (status != GILRT_OK) return sample_fail(call, status, "%s", failure.message);
  sample_report(call, "equal_blocks", (int64_t)compared);
  return GILRT_OK;
}

static int load(void **state) {
  run_t *run = calloc(1, sizeof *run);
  if (!run) return GILRT_ERR_NOMEM;
  if (pthread_mutex_init(&run->mutex, NULL) != 0) {
    free(run);
    return GILRT_ERR_NOMEM;
  }
  *state = run;
  return GILRT_OK;
}

/* Runs when no call does, so there is no run. */
static void unload(void *state) {
  run_t *run = state;
  pthread_mutex_destroy(&run->mutex);
  free(run);
}

static const gilrt_function_t functions[] = {
    {"compress", "IN OUT [LEVEL]: a file in blocks, by threads, locked or free; gzip -d reads it; level 1 to 9 (6)", run_compress},
    {"check", "IN OUT: decompresses what compress made of a file, and compares", run_check},
};

static const gilrt_module_t module = {
    .struct_size = sizeof module,
    .abi = GILRT_ABI,
    .name = "deflate",
    .flags = GILRT_MODULE_FREE_THREADED,
    .load = load,
    .unload = unload,
    .functions = functions,
    .function_count = sizeof functions / sizeof functions[0],
};

const gilrt_module_t *gilrt_module_get(void) { return &module; }
