/* Keeping a thread on one CPU. Whoever includes it has defined _GNU_SOURCE before anything else. */
#ifndef PIN_H
#define PIN_H

#include <pthread.h>
#include <sched.h>

#include "kernel.h"

/* Fills in up to `room` of the CPUs that the process may use, and returns how many. */
static inline unsigned allowed_cpus(int *cpus, unsigned room) {
  cpu_set_t allowed;
  unsigned found = 0;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 0;
  for (int cpu = 0; cpu < CPU_SETSIZE && found < room; cpu++)
    if (CPU_ISSET(cpu, &allowed)) cpus[found++] = cpu;
  return found;
}

/* Where it is not allowed the thread stays where it is, and the figure is what it is there. */
static inline void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

/* Gives each thread of a crew a CPU of its own, as far as there are enough. */
static inline void spread(unsigned index) {
  int cpus[KERNEL_MOST_THREADS];
  unsigned found = allowed_cpus(cpus, KERNEL_MOST_THREADS);
  if (found > 0) pin_to(cpus[index % found]);
}

#endif
