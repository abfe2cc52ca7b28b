/* At most one thread is inside, however many there are and by whichever call they came in, the one that was granted the
   lock and has not run yet included (L25, L26); and no waiter is forgotten (L7). */
#include "check.h"

#include <sched.h>

#define ROUNDS_OF_ALL 12000u

typedef struct shared {
  uint64_t plain;         /* right only if the lock excludes and orders */
  atomic_int inside;      /* the witness: who enters must find 0 */
  atomic_ullong expected; /* how often somebody was let in */
  unsigned rounds;
} shared_t;

static void enter(shared_t *shared) {
  CHECK(gil_held());
  CHECK_EQ(atomic_fetch_add_explicit(&shared->inside, 1, memory_order_relaxed), 0);
}

static void leave(shared_t *shared) {
  CHECK_EQ(atomic_fetch_sub_explicit(&shared->inside, 1, memory_order_relaxed), 1);
}

/* Comes in by one of the four ways; false if the lock was not to be had in time. */
static bool come_in(unsigned way) {
  int status = way == 0   ? gil_try_acquire()
               : way == 1 ? gil_acquire_for(MILLISECONDS(1))
               : way == 2 ? gil_acquire_for(FOREVER)
                          : gil_acquire();
  if (status == GILRT_OK) return true;
  CHECK(way < 2);
  CHECK_STATUS(status, GILRT_ERR_TIMEOUT);
  CHECK(!gil_held());
  return false;
}

/* Lets others in half way, by one of the four ways. */
static void give_way(unsigned way) {
  if (way == 0) {
    CHECK_STATUS(gil_poll(), GILRT_OK);
  } else if (way == 1) {
    CHECK_STATUS(gil_yield(), GILRT_OK);
  } else if (way == 2) {
    uint32_t depth = gil_detach();
    CHECK_EQ(depth, 1);
    CHECK_STATUS(gil_attach(depth), GILRT_OK);
  } else {
    GIL_BEGIN_ALLOW_THREADS
    CHECK(!gil_held());
    GIL_END_ALLOW_THREADS
  }
}

/* Stays for a moment, now and then for long enough that all others come and queue. */
static void linger(unsigned round) {
  if (round % 32 == 0) sleep_us(20);
  else if (round % 4 == 0) sched_yield();
}

static void body(unsigned index, void *argument) {
  shared_t *shared = argument;
  for (unsigned round = index; round < index + shared->rounds; round++) {
    if (!come_in(round % 7)) continue;
    enter(shared);
    uint64_t seen = shared->plain;
    linger(round);
    shared->plain = seen + 1;
    leave(shared);
    if (round % 3 == 0) {
      give_way(round / 3 % 4);
      enter(shared);
      leave(shared);
    }
    atomic_fetch_add_explicit(&shared->expected, 1, memory_order_relaxed);
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
  CHECK(!gil_held());
}

int main(void) {
  for (unsigned threads = 2; threads <= TEAM_MOST; threads *= 2) {
    shared_t shared = {.rounds = ROUNDS_OF_ALL / threads};
    team_run(threads, body, &shared);
    CHECK_EQ(shared.plain, atomic_load(&shared.expected));
    CHECK(shared.plain > 0);
  }
  CHECK_EQ(waiting_threads(), 0);
  return 0;
}
