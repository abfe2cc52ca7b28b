/* Threads go in and out without pause while the end comes: each is told once and for all, and the end succeeds. */
#include "check.h"

#define THREADS 8u

static atomic_uint running;
static uint64_t plain; /* guarded by the lock */
static atomic_ullong expected;

static void body(unsigned index, void *unused) {
  (void)unused;
  bool told = false;
  atomic_fetch_add(&running, 1);
  while (!told) {
    int status = index % 2 ? gil_acquire() : gil_acquire_for(MILLISECONDS(2));
    if (status == GILRT_ERR_TIMEOUT) continue;
    if (status == GILRT_OK) {
      plain++;
      atomic_fetch_add(&expected, 1);
      told = gil_poll() == GILRT_ERR_CLOSED;
      GIL_BEGIN_ALLOW_THREADS
      GIL_END_ALLOW_THREADS
      CHECK_STATUS(gil_release(), GILRT_OK);
    } else {
      CHECK_STATUS(status, GILRT_ERR_CLOSED);
      told = true;
    }
  }
  CHECK_STATUS(gil_acquire(), GILRT_ERR_CLOSED);
}

int main(void) {
  team_t team;
  team_start(&team, THREADS, body, NULL);
  AWAIT(atomic_load(&running) == THREADS);
  sleep_us(20000);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  team_join(&team);
  if (one_at_a_time()) CHECK_EQ(plain, atomic_load(&expected));
  return 0;
}
