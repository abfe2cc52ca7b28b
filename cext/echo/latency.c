#include "latency.h"

static unsigned counter_of(uint64_t ns) {
  unsigned shift = 0;
  while (ns >> shift >= 2u << LATENCY_BITS) shift++;
  /* What is shifted is below 64; what is at least 32 says by its sixth bit that a power of two has begun. */
  return (shift << LATENCY_BITS) + (unsigned)(ns >> shift);
}

/* The largest number that counter_of maps to it. */
static uint64_t end_of(unsigned counter) {
  if (counter < 2u << LATENCY_BITS) return counter;
  unsigned shift = (counter >> LATENCY_BITS) - 1;
  uint64_t first = (uint64_t)(counter - (shift << LATENCY_BITS)) << shift;
  return first + ((UINT64_C(1) << shift) - 1);
}

void latency_add(latency_t *latency, uint64_t ns) {
  latency->counters[counter_of(ns)]++;
  latency->count++;
  if (ns > latency->most) latency->most = ns;
}

void latency_merge(latency_t *into, const latency_t *from) {
  for (unsigned i = 0; i < LATENCY_COUNTERS; i++) into->counters[i] += from->counters[i];
  into->count += from->count;
  if (from->most > into->most) into->most = from->most;
}

uint64_t latency_percentile(const latency_t *latency, unsigned percent) {
  uint64_t wanted = (latency->count * percent + 99) / 100, seen = 0;
  for (unsigned i = 0; i < LATENCY_COUNTERS && wanted > 0; i++) {
    seen += latency->counters[i];
    if (seen >= wanted) return end_of(i) < latency->most ? end_of(i) : latency->most;
  }
  return 0;
}
