/* The end does not hang: waiters are turned away, late arrivals too, and a holder that stays is reported as such
   (L22). */
#include "check.h"

#define WAITERS 6u

typedef struct shared {
  atomic_int held, let_go;
  atomic_uint turned_away;
} shared_t;

static void expect_closed(void) {
  CHECK_STATUS(gil_acquire(), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_try_acquire(), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_acquire_for(0), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_acquire_for(FOREVER), GILRT_ERR_CLOSED);
  CHECK(!gil_held());
  CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
}

/* Thread 0 stays inside past the deadline; the others wait for it in all the ways there are. */
static void body(unsigned index, void *argument) {
  shared_t *shared = argument;
  if (index == 0) {
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    atomic_store(&shared->held, 1);
    AWAIT(atomic_load(&shared->let_go));
    CHECK(gil_held());
    CHECK_STATUS(gil_poll(), GILRT_ERR_CLOSED); /* it is told, and still holds */
    CHECK_STATUS(gil_acquire(), GILRT_OK);      /* a nested acquire takes nothing from anybody */
    CHECK_STATUS(gil_release(), GILRT_OK);
    CHECK(gil_held());
    CHECK_STATUS(gil_release(), GILRT_OK);
  } else {
    AWAIT(atomic_load(&shared->held));
    CHECK_STATUS(index % 2 ? gil_acquire() : gil_acquire_for(FOREVER), GILRT_ERR_CLOSED);
    atomic_fetch_add(&shared->turned_away, 1);
  }
  expect_closed();
}

static void late(unsigned index, void *argument) {
  (void)index, (void)argument;
  expect_closed();
}

int main(void) {
  shared_t shared = {.held = 0};
  team_t team;
  team_start(&team, WAITERS + 1, body, &shared);
  AWAIT(waiting_threads() == WAITERS);
  uint64_t start = now_ns();
  CHECK_STATUS(gilrt_finalize(MILLISECONDS(50)), GILRT_ERR_BUSY);
  CHECK(now_ns() - start >= MILLISECONDS(50));
  AWAIT(atomic_load(&shared.turned_away) == WAITERS);
  team_run(4, late, NULL);
  CHECK_STATUS(gilrt_finalize(0), GILRT_ERR_BUSY); /* the holder is still there, and a poll is not a wait */
  atomic_store(&shared.let_go, 1);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  team_join(&team);
  team_run(4, late, NULL);
  expect_closed();
  return 0;
}
