/* compute KIND THREADS MILLISECONDS: the same CPU-bound work by one thread and by several. */
#include <inttypes.h>
#include <stdio.h>

#include "native.h"
#include "peer.h"

static peer_turn_t *work;
static bool locked;
static unsigned threads_now;
static uint64_t turns_now;
static uint64_t done[PEER_MOST_THREADS];
/* Counted by all, plainly, while one thread at a time is inside. */
static uint64_t witness;

static void part(unsigned index) {
  uint64_t turns = turns_now / threads_now + (index < turns_now % threads_now);
  for (uint64_t i = 0; i < turns; i++) {
    work();
    done[index]++;
    if (locked) witness++;
  }
}

/* Nanoseconds, or 0 when it could not be run. */
static uint64_t timed(unsigned threads, uint64_t turns, uint64_t *all) {
  threads_now = threads;
  turns_now = turns;
  for (unsigned i = 0; i < PEER_MOST_THREADS; i++) done[i] = 0;
  peer_crew_t crew;
  uint64_t start = native_now();
  bool well = peer_start(&crew, threads, part);
  if (!peer_join(&crew) || !well) return 0;
  uint64_t took = native_now() - start;
  *all = 0;
  for (unsigned i = 0; i < threads; i++) *all += done[i];
  return took;
}

int program_compute(int count, char **words) {
  if (count != 3) return fprintf(stderr, "compute wants KIND THREADS MILLISECONDS\n"), 1;
  long threads = peer_number(words[1], PEER_MOST_THREADS), milliseconds = peer_number(words[2], 100000);
  work = peer_turn(words[0]);
  if (!work || threads < 1 || milliseconds < 1) return 1;
  if (gil_acquire() != GILRT_OK) return fprintf(stderr, "%s\n", gilrt_error_text()), 1;
  locked = peer_locked();
  uint64_t turns = 1, all = 0, took;
  /* As many as fill the time: found out by doubling, which also wakes the processor up. */
  while ((took = timed(1, turns, &all)) < (uint64_t)milliseconds * 500000) {
    if (took == 0) return 1;
    turns *= 2;
  }
  turns = turns * (uint64_t)milliseconds * 1000000 / took;
  if (turns < (uint64_t)threads) turns = (uint64_t)threads;
  uint64_t alone = timed(1, turns, &all);
  witness = 0;
  uint64_t together = timed((unsigned)threads, turns, &all);
  gil_release();
  if (alone == 0 || together == 0) return 1;
  if (!locked) witness = all;
  printf("{\"turns\": %" PRIu64 ", \"done\": %" PRIu64 ", \"witness\": %" PRIu64 ", \"alone_ns\": %" PRIu64
         ", \"together_ns\": %" PRIu64 "}\n",
         turns, all, witness, alone, together);
  return 0;
}
