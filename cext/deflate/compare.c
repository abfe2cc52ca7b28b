#define _POSIX_C_SOURCE 200809L

#include "compare.h"

#include "sample.h"

#include "blocks.h"
#include "file.h"

/* What one thread needs to compare. */
typedef struct comparison {
  file_t plain, packed;
  uint8_t *member, *block, *expected;
  uint64_t compared; /* blocks */
} comparison_t;

/* No member is longer than this: what cannot be compressed grows by some bytes in a thousand. */
#define LARGEST_MEMBER (2 * BLOCK_SIZE)

static int compare_block(comparison_t *it, uint64_t block, uint64_t at, size_t size, member_pause_fn pause,
                         failure_t *failure) {
  size_t length, expected = block_length(it->plain.size, block);
  int status = file_read(&it->packed, it->member, size, at, failure);
  if (status == GILRT_OK) status = member_open(it->member, size, it->block, &length, pause, it->packed.path, failure);
  if (status == GILRT_OK) status = file_read(&it->plain, it->expected, expected, block * BLOCK_SIZE, failure);
  if (status == GILRT_OK && (length != expected || memcmp(it->block, it->expected, length) != 0))
    status = failure_set(failure, GILRT_ERR_INVALID, "%s holds something else than %s: they differ in block %llu",
                         it->packed.path, it->plain.path, (unsigned long long)block);
  it->compared++;
  return status;
}

/* Walks over all members and opens those that are this thread's. */
static int compare_blocks(const gilrt_call_t *call, comparison_t *it, member_pause_fn pause, failure_t *failure) {
  uint64_t at = 0, block = 0, blocks = block_count(it->plain.size);
  uint64_t share = block_share(blocks, call->thread_index, call->thread_count);
  for (; at < it->packed.size; block++) {
    uint8_t head[MEMBER_HEAD] = {0};
    size_t size = 0;
    if (it->packed.size - at > MEMBER_HEAD) {
      int status = file_read(&it->packed, head, sizeof head, at, failure);
      if (status != GILRT_OK) return status;
      size = member_size(head);
    }
    if (size == 0 || size > LARGEST_MEMBER || size > it->packed.size - at)
      return failure_set(failure, GILRT_ERR_INVALID, "%s is damaged at byte %llu, or was not made by compress",
                         it->packed.path, (unsigned long long)at);
    if (block % call->thread_count == call->thread_index) {
      int status = compare_block(it, block, at, size, pause, failure);
      if (status != GILRT_OK) return status;
      if (it->compared <= share) sample_progress(call, it->compared, share);
    }
    at += size;
  }
  if (block >= blocks) return GILRT_OK;
  return failure_set(failure, GILRT_ERR_INVALID, "%s holds something else than %s: it ends after %llu blocks", it->packed.path,
                     it->plain.path, (unsigned long long)block);
}

int compare_files(const gilrt_call_t *call, member_pause_fn pause, uint64_t *compared, failure_t *failure) {
  comparison_t it = {.compared = 0};
  int status = file_open(&it.plain, call->argv[0], failure);
  if (status != GILRT_OK) return status;
  status = file_open(&it.packed, call->argv[1], failure);
  if (status == GILRT_OK) {
    it.member = malloc(LARGEST_MEMBER);
    it.block = malloc(BLOCK_SIZE);
    it.expected = malloc(BLOCK_SIZE);
    if (it.member && it.block && it.expected) status = compare_blocks(call, &it, pause, failure);
    else status = failure_set(failure, GILRT_ERR_NOMEM, "not enough memory for a block");
    free(it.member);
    free(it.block);
    free(it.expected);
    file_close(&it.packed);
  }
  file_close(&it.plain);
  *compared = it.compared;
  return status;
}
