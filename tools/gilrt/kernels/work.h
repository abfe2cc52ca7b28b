/* What a CPU-bound thread does between two polls: a chain of multiplications, so that neither the compiler nor the
   processor can shorten it, and no memory but the witness. A fraction of a microsecond. */
#ifndef WORK_H
#define WORK_H

#include <stdint.h>

static inline void work_unit(uint64_t *chain) {
  uint64_t x = *chain;
  for (int i = 0; i < 128; i++) x = x * 6364136223846793005u + 1442695040888963407u;
  /* Whoever reads assembly instructions must believe that x is used. */
  __asm__ volatile("" : "+r"(x));
  *chain = x;
}

#endif
