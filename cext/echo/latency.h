/* How long requests took: a count for each length of time, exact to a thirty-second of it. */
#ifndef ECHO_LATENCY_H
#define ECHO_LATENCY_H

#include <stdint.h>

/* Below 32 ns each has a counter, from there on each power of two has 32. */
#define LATENCY_BITS 5u
#define LATENCY_COUNTERS ((64u - LATENCY_BITS + 1u) << LATENCY_BITS)

typedef struct latency {
  uint64_t counters[LATENCY_COUNTERS];
  uint64_t count, most;
} latency_t;

void latency_add(latency_t *latency, uint64_t ns);
void latency_merge(latency_t *into, const latency_t *from);

/* What `percent` of all took at most, rounded up to where a counter ends; 0 if there are none. */
uint64_t latency_percentile(const latency_t *latency, unsigned percent);

#endif
