/* How a file is cut into blocks, and which of them are whose. */
#ifndef DEFLATE_BLOCKS_H
#define DEFLATE_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

/* What is compressed at once: some milliseconds of work, and so much that it hardly matters that each block begins without
   the 32 KiB before it, which deflate looks back to (pigz has 128 KiB too). */
#define BLOCK_SIZE ((size_t)128 * 1024)

/* Nothing is one block of length 0, since an empty file becomes a gzip file with one member too. */
static inline uint64_t block_count(uint64_t size) { return size == 0 ? 1 : (size - 1) / BLOCK_SIZE + 1; }

static inline size_t block_length(uint64_t size, uint64_t block) {
  if (block >= block_count(size)) return 0;
  uint64_t rest = size - block * BLOCK_SIZE;
  return rest < BLOCK_SIZE ? (size_t)rest : BLOCK_SIZE;
}

/* How many blocks a thread has, if it has every n-th. */
static inline uint64_t block_share(uint64_t blocks, uint32_t index, uint32_t threads) {
  return blocks <= index ? 0 : (blocks - index - 1) / threads + 1;
}

#endif
