/* Calls that are made with too little memory: each scenario once for each allocation in it, which fails, in a process of its
   own. The answer is GILRT_ERR_NOMEM, nothing has changed, and the same call succeeds once there is memory. */
#ifndef SCENARIOS_H
#define SCENARIOS_H

#include "allocator.h"
#include "child.h"

#include <sys/mman.h>

/* What is done with too little memory, and around it. All but `name` and `call` may be left out. */
typedef struct scenario {
  const char *name;
  void (*prepare)(void);
  int (*call)(void);
  void (*undo)(void);   /* what a call that succeeded has done */
  int least;            /* so many allocations there are at least: else the scenario tests nothing */
  int other;            /* a status that is an answer, too */
} scenario_t;

typedef struct trial {
  const scenario_t *scenario;
  long n;
  bool *complete; /* in memory that both processes have */
} trial_t;

static inline void try_without_the_nth(void *argument) {
  const trial_t *trial = argument;
  const scenario_t *s = trial->scenario;
  if (s->prepare) s->prepare();
  int64_t live = obj_live_count();
  bool held = gil_held(), known = gil_thread_id() != 0;
  fail_allocation(trial->n);
  int status = s->call();
  *trial->complete = !an_allocation_failed();
  if (status != GILRT_OK) {
    CHECK(!*trial->complete);
    if (status != s->other) CHECK_STATUS(status, GILRT_ERR_NOMEM);
    CHECK_EQ(obj_live_count(), live);
    if (known) CHECK(gil_thread_id() != 0);
    CHECK_EQ(gil_held(), held);
    CHECK_STATUS(s->call(), GILRT_OK);
  }
  if (s->undo) s->undo();
  CHECK(!gil_held());
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
}

static inline int try_all(const scenario_t *scenarios, size_t count) {
#ifdef ALLOCATOR_IS_ANOTHERS
  (void)scenarios, (void)count;
  puts("skipped: the sanitizer has an allocator of its own");
#else
  bool *complete = mmap(NULL, sizeof *complete, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  CHECK(complete != MAP_FAILED);
  for (size_t i = 0; i < count; i++) {
    trial_t trial = {.scenario = &scenarios[i], .complete = complete};
    printf("\n%s, without allocation", scenarios[i].name);
    for (*complete = false; !*complete;) {
      printf(" %ld", ++trial.n);
      in_child(try_without_the_nth, &trial);
    }
    CHECK(trial.n > scenarios[i].least);
  }
#endif
  return 0;
}

#endif
