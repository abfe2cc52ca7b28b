#define _GNU_SOURCE
#include "native.h"

#include <pthread.h>
#include <sched.h>
#include <time.h>

uint64_t native_work(uint64_t turns) {
  uint64_t x = turns;
  for (uint64_t i = 0; i < turns; i++) x = x * 6364136223846793005u + 1442695040888963407u;
  return x;
}

void native_nothing(void) {}

uint64_t native_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t native_sleep(uint64_t ns) {
  struct timespec t = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};
  /* What interrupts it leaves the rest in `t`. */
  while (clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &t) != 0) {
  }
  return native_now();
}

/* What the process may use. Threads inherit where their maker was pinned, so it is looked up before anybody is. */
static cpu_set_t allowed;

__attribute__((constructor)) static void look(void) {
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) CPU_ZERO(&allowed);
}

void native_pin(unsigned index) {
  cpu_set_t one;
  int found = CPU_COUNT(&allowed);
  if (found == 0) return;
  unsigned nth = index % (unsigned)found;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
    if (!CPU_ISSET(cpu, &allowed) || nth-- > 0) continue;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    /* Where it is not allowed the thread stays where it is. */
    pthread_setaffinity_np(pthread_self(), sizeof one, &one);
    return;
  }
}

uint64_t native_pairs(void *(*save)(void), void (*restore)(void *), uint64_t count) {
  uint64_t start = native_now();
  for (uint64_t i = 0; i < count; i++) restore(save());
  return native_now() - start;
}

static void *nothing(void *user) { return user; }

uint64_t native_calls(void *(*without)(void *(*)(void *), void *, void (*)(void *), void *), uint64_t count) {
  uint64_t start = native_now();
  for (uint64_t i = 0; i < count; i++) without(nothing, 0, 0, 0);
  return native_now() - start;
}
