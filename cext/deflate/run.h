/*
 * A run of compress: what its calls, one a thread, share. It begins with the first of them that comes and ends with the last
 * that leaves. Blocks are finished in any order and written in theirs: who finishes one leaves it here, and whoever leaves
 * the one that is next writes it, and those behind it that are there already. So nobody ever waits for another thread, in
 * whatever order, or one after the other, the calls are made.
 */
#ifndef DEFLATE_RUN_H
#define DEFLATE_RUN_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "failure.h"
#include "file.h"

typedef struct member {
  uint8_t *bytes; /* NULL: not there yet, or written */
  size_t size;
} member_t;

/* What is zero where there is no run. */
typedef struct job {
  uint32_t threads, joined, left;
  char *in, *out; /* the run's copies: a caller's arguments live as long as its call */
  int level;
  file_t input, output;
  uint64_t blocks;
  member_t *members; /* by block; owned */
  uint64_t next;     /* the block to be written next */
  bool writing;      /* some thread is, and looks again before it ends */
  uint64_t written;  /* bytes */
  failure_t failure; /* of the first thread that failed; all others end with it */
} job_t;

typedef struct run {
  /* Taken attached or detached: nobody blocks, polls or attaches while he has it. */
  pthread_mutex_t mutex;
  job_t job; /* guarded by it; once a call has joined, it may read `input`, `output` and `blocks` without */
} run_t;

typedef struct run_figures {
  uint64_t read, written, blocks;
} run_figures_t;

/* Takes part; the first call opens the files. Whoever joined leaves, with a status other than GILRT_OK too. GILRT_ERR_BUSY,
   and has not joined, while a run with other arguments is going on. */
int run_join(run_t *run, uint32_t threads, const char *in, const char *out, int level, bool *joined, failure_t *failure);

/* Leaves a block, which is the run's from now on. */
int run_add(run_t *run, uint64_t block, uint8_t *member, size_t size, failure_t *failure);

/* True for the last call of a run that went well. A result that is not whole is removed. */
bool run_leave(run_t *run, failure_t *failure, run_figures_t *figures);

#endif
