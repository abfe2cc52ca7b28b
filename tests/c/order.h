/* Threads that come one after another, each once the one before is queued, and what order they are served in. */
#ifndef ORDER_H
#define ORDER_H

#include "check.h"

#define VISITORS_MOST 8u

typedef struct visitor {
  pthread_t thread;
  unsigned name;
  uint32_t weight; /* 0: as it is */
} visitor_t;

static visitor_t visitors[VISITORS_MOST];
static unsigned coming;
static unsigned served[VISITORS_MOST + 8], served_count; /* guarded by the lock */

static inline gilrt_stats_t stats(void) {
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  CHECK_STATUS(gilrt_stats_get(NULL, &stats), GILRT_OK);
  return stats;
}

/* By whoever holds the lock. */
static inline void sign(unsigned name) {
  CHECK(gil_held());
  served[served_count++] = name;
}

static inline void *visit_once(void *argument) {
  const visitor_t *visitor = argument;
  if (visitor->weight) CHECK_STATUS(gil_set_thread_weight(visitor->weight), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  sign(visitor->name);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

/* The calling thread, which holds the lock, has `count` visitors queue behind it, named from 1 in the order of arrival. */
static inline void visitors_queue(unsigned count, void *(*body)(void *visitor)) {
  served_count = 0;
  for (coming = 0; coming < count; coming++) {
    unsigned before = waiting_threads();
    visitors[coming].name = coming + 1;
    CHECK_EQ(pthread_create(&visitors[coming].thread, NULL, body, &visitors[coming]), 0);
    AWAIT(waiting_threads() == before + 1);
  }
}

static inline void visitors_leave(void) {
  for (unsigned i = 0; i < coming; i++) CHECK_EQ(pthread_join(visitors[i].thread, NULL), 0);
}

static inline void expect_order(const char *order) {
  CHECK_EQ(served_count, strlen(order));
  for (unsigned i = 0; order[i]; i++)
    if (served[i] != (unsigned)(order[i] - '0'))
      check_fail(__FILE__, __LINE__, "place %u was served to %u, not to %c", i, served[i], order[i]);
}

#endif
