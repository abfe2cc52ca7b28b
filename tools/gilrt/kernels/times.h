/* A loop of so many turns, timed. */
#ifndef TIMES_H
#define TIMES_H

#include "clock.h"
#include "kernel.h"

/* The compiler must not merge what is before it with what comes after. */
#define SECTION() __asm__ volatile("" ::: "memory")

#define TIMES(task, result, statement)                   \
  do {                                                   \
    uint64_t units = (task)->units, start = now_ns();    \
    for (uint64_t i = 0; i < units; i++) { statement; } \
    (result)->elapsed_ns = now_ns() - start;             \
    (result)->done = (result)->witness = units;          \
  } while (0)

#endif
