/* Try and timed acquires: they give up when they must, not before, and when a grant and the deadline meet, the answer
   and the state of the lock agree (L13). */
#include "check.h"

#define RACES 400

static atomic_int held, let_go;

static void *hold(void *unused) {
  (void)unused;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  atomic_store(&held, 1);
  AWAIT(atomic_load(&let_go));
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

static void they_time_out_while_another_holds(void) {
  pthread_t holder;
  CHECK_EQ(pthread_create(&holder, NULL, hold, NULL), 0);
  AWAIT(atomic_load(&held));
  CHECK_STATUS(gil_try_acquire(), GILRT_ERR_TIMEOUT);
  CHECK_STATUS(gil_acquire_for(0), GILRT_ERR_TIMEOUT);
  CHECK_STATUS(gil_acquire_for(1), GILRT_ERR_TIMEOUT);
  uint64_t start = now_ns();
  CHECK_STATUS(gil_acquire_for(MILLISECONDS(20)), GILRT_ERR_TIMEOUT);
  CHECK(now_ns() - start >= MILLISECONDS(20));
  CHECK(!gil_held());
  CHECK_EQ(waiting_threads(), 0);
  atomic_store(&let_go, 1);
  CHECK_STATUS(gil_acquire_for(FOREVER), GILRT_OK);
  CHECK_EQ(pthread_join(holder, NULL), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

static void they_succeed_at_once_on_a_free_lock(void) {
  CHECK_STATUS(gil_try_acquire(), GILRT_OK);
  CHECK_STATUS(gil_acquire_for(0), GILRT_OK);
  CHECK_STATUS(gil_acquire_for(MILLISECONDS(1)), GILRT_OK);
  for (int i = 0; i < 3; i++) CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
}

typedef struct race {
  uint64_t plain; /* guarded by the lock */
  atomic_ullong granted, refused;
} race_t;

/* The holder keeps the lock for about as long as the waiters' patience, a little more or less each time. */
static void race(unsigned index, void *argument) {
  race_t *race = argument;
  for (unsigned round = 0; round < RACES; round++) {
    if (index == 0) {
      CHECK_STATUS(gil_acquire(), GILRT_OK);
      race->plain++;
      sleep_us(150 + round % 40 * 5);
      CHECK_STATUS(gil_release(), GILRT_OK);
      sleep_us(50);
      continue;
    }
    int status = gil_acquire_for(200000 + index * 10000);
    if (status == GILRT_OK) {
      CHECK(gil_held());
      race->plain++;
      atomic_fetch_add(&race->granted, 1);
      CHECK_STATUS(gil_release(), GILRT_OK);
    } else {
      CHECK_STATUS(status, GILRT_ERR_TIMEOUT);
      CHECK(!gil_held());
      CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
      atomic_fetch_add(&race->refused, 1);
    }
  }
}

static void a_grant_at_the_deadline_is_taken_or_passed_on(void) {
  race_t shared = {.plain = 0};
  team_run(4, race, &shared);
  CHECK_EQ(shared.plain, RACES + atomic_load(&shared.granted));
  CHECK_EQ(atomic_load(&shared.granted) + atomic_load(&shared.refused), 3 * RACES);
  CHECK_EQ(waiting_threads(), 0);
  CHECK_STATUS(gil_try_acquire(), GILRT_OK); /* a grant to somebody who had left would keep it taken */
  CHECK_STATUS(gil_release(), GILRT_OK);
}

int main(void) {
  they_succeed_at_once_on_a_free_lock();
  they_time_out_while_another_holds();
  a_grant_at_the_deadline_is_taken_or_passed_on();
  return 0;
}
