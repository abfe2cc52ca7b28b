/* A thread that computes for ever, but polls, lets every waiter in; so does one that yields. */
#include "check.h"

typedef struct shared {
  int (*give_way)(void);
  atomic_uint served;
  unsigned waiters;
} shared_t;

static void body(unsigned index, void *argument) {
  shared_t *shared = argument;
  if (index == 0) {
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    while (atomic_load(&shared->served) < shared->waiters) {
      CHECK_STATUS(shared->give_way(), GILRT_OK);
      CHECK(gil_held());
    }
    CHECK_STATUS(gil_release(), GILRT_OK);
    return;
  }
  for (int i = 0; i < 10; i++) {
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
  atomic_fetch_add(&shared->served, 1);
}

int main(void) {
  int (*const ways[])(void) = {gil_poll, gil_yield};
  for (unsigned i = 0; i < 2; i++) {
    shared_t shared = {.give_way = ways[i], .waiters = 6};
    team_run(shared.waiters + 1, body, &shared);
  }
  /* With a short interval many more of the switches are forced ones. */
  CHECK_STATUS(gil_set_switch_interval(MILLISECONDS(1)), GILRT_OK);
  CHECK_EQ(gil_switch_interval(), MILLISECONDS(1));
  shared_t shared = {.give_way = gil_poll, .waiters = 30};
  team_run(shared.waiters + 1, body, &shared);
  return 0;
}
