/* When the first of some threads goes on. With more threads than CPUs, whoever lets the others go on is one of many from then on,
   and may be the last to run: that its call has returned says little about how long the others were kept. */
#ifndef FIRST_H
#define FIRST_H

#include <stdatomic.h>

#include "clock.h"

typedef struct first {
  _Atomic uint64_t at; /* 0: nobody has gone on yet */
} first_t;

static inline void first_await(first_t *first) { atomic_store_explicit(&first->at, 0, memory_order_relaxed); }

/* By a thread that goes on. */
static inline void first_goes_on(first_t *first) {
  uint64_t nobody = 0;
  if (atomic_load_explicit(&first->at, memory_order_relaxed) == 0)
    atomic_compare_exchange_strong(&first->at, &nobody, now_ns());
}

/* By the thread that let them, once its call has returned: the earlier of the two, counted from `start`. A thread that was late
   for the time before has noted what is no use. */
static inline uint64_t first_or(first_t *first, uint64_t start, uint64_t returned) {
  uint64_t at = atomic_load(&first->at);
  return (at > start && at < returned ? at : returned) - start;
}

#endif
