/*
 * Members of a gzip file (RFC 1952): each is a whole gzip file of one block, and says in its header how long it is. So they
 * are made and read by any thread in any order, and what reads gzip files reads them one after the other.
 */
#ifndef DEFLATE_MEMBER_H
#define DEFLATE_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "blocks.h"
#include "failure.h"

/* All that is needed of a member to know where the next one begins. */
#define MEMBER_HEAD 20u

/* Called between two steps of the work: 0 to go on, or the status to stop with. */
typedef int (*member_pause_fn)(void);

/* Compresses `length` bytes into a new member, which the caller frees. */
int member_make(const uint8_t *bytes, size_t length, int level, member_pause_fn pause, uint8_t **member, size_t *size,
                failure_t *failure);

/* The length of a member that begins with these MEMBER_HEAD bytes; 0 if it was not made here. */
size_t member_size(const uint8_t *head);

/* Decompresses a member into `block`, which has room for BLOCK_SIZE bytes. Its checksum and length are checked. `path` is for
   the sentence. */
int member_open(const uint8_t *member, size_t size, uint8_t *block, size_t *length, member_pause_fn pause, const char *path,
                failure_t *failure);

#endif
