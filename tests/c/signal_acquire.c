/* A signal handler that acquires, which it should not: wherever it interrupts, it is refused or it really has the lock,
   and the call that it interrupted ends as if nothing had happened (L17). */
#include "check.h"

#include <signal.h>

#define WORKERS 4u
#define ROUNDS 20000u

static atomic_uint running, let_in, refused;
static atomic_int inside; /* the witness: only the thread that holds the lock changes it */
static team_t team;

static void try_in_handler(int status, bool may_time_out) {
  if (status == GILRT_OK) {
    CHECK(gil_held());
    CHECK_STATUS(gil_release(), GILRT_OK);
    atomic_fetch_add(&let_in, 1);
    return;
  }
  if (!may_time_out || status != GILRT_ERR_TIMEOUT) CHECK_STATUS(status, GILRT_ERR_DEADLOCK);
  atomic_fetch_add(&refused, 1);
}

static void on_signal(int number) {
  static atomic_uint turn;
  (void)number;
  int before = errno;
  unsigned way = atomic_fetch_add(&turn, 1) % 3;
  if (way == 0) try_in_handler(gil_acquire(), false);
  else if (way == 1) try_in_handler(gil_try_acquire(), true);
  else try_in_handler(gil_acquire_for(20000), true);
  CHECK_EQ(errno, before);
}

static void enter_and_leave(unsigned round) {
  CHECK(gil_held());
  CHECK_EQ(atomic_fetch_add(&inside, 1), 0);
  if (round % 16 == 0) sleep_us(20);
  CHECK_EQ(atomic_fetch_sub(&inside, 1), 1);
}

static void work(unsigned index, void *unused) {
  (void)index, (void)unused;
  for (unsigned round = 0; round < ROUNDS; round++) {
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    enter_and_leave(round);
    if (round % 4 == 0) {
      CHECK_STATUS(round % 8 ? gil_poll() : gil_yield(), GILRT_OK);
      enter_and_leave(round);
    }
    CHECK_STATUS(gil_release(), GILRT_OK);
    CHECK(!gil_held());
  }
  atomic_fetch_sub(&running, 1);
}

static void storm(void) {
  for (unsigned i = 0; atomic_load(&running) > 0; i++) {
    pthread_kill(team.members[i % WORKERS].thread, SIGUSR1);
    if (i % WORKERS == 0) sleep_us(50);
  }
}

int main(void) {
  struct sigaction action = {.sa_handler = on_signal};
  CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
  atomic_store(&running, WORKERS);
  team_start(&team, WORKERS, work, NULL);
  storm();
  team_join(&team);
  printf("let in %u, refused %u\n", atomic_load(&let_in), atomic_load(&refused));
  CHECK(atomic_load(&refused) > 0); /* or the storm has missed the library */
  CHECK_EQ(waiting_threads(), 0);
  CHECK_STATUS(gil_try_acquire(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return 0;
}
