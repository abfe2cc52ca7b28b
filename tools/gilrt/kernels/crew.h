/* Threads that begin together and stop together. */
#ifndef CREW_H
#define CREW_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

extern atomic_bool crew_stop;

/* Whether the threads shall end. Relaxed: it orders nothing, the join does. */
static inline bool crew_stopped(void) { return atomic_load_explicit(&crew_stop, memory_order_relaxed); }

/* Waits until all of the crew are there; a body calls it once, when it is prepared. False: the crew is not complete, return. */
bool crew_ready(void);

/* Runs `body(index, user)` on `threads` threads and, meanwhile, `watch(user)` on the calling one, if it is not NULL; then
   tells them to stop. Bodies with a fixed amount of work need not look. `elapsed_ns` is from the beginning until the last
   has ended. 0, or an errno. One crew at a time. */
int crew_run(unsigned threads, void (*body)(unsigned index, void *user), void (*watch)(void *user), void *user,
             uint64_t *elapsed_ns);

#endif
