/* A release waits for nobody: whoever asked for the lock may be stopped at that very moment, and still the thread that lets
   go comes to its blocking call (L3, L4). */
#include "check.h"

#include <signal.h>

static atomic_bool stopped, may_run, has_had_it;

static void stand_still(int number) {
  int before = errno;
  (void)number;
  atomic_store(&stopped, true);
  AWAIT(atomic_load(&may_run));
  errno = before;
}

static void *ask(void *unused) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  atomic_store(&has_had_it, true);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return unused;
}

static uint64_t drop_requests(void) {
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  CHECK_STATUS(gilrt_stats_get(NULL, &stats), GILRT_OK);
  return stats.drop_requests;
}

static uint32_t release(void) {
  CHECK_STATUS(gil_release(), GILRT_OK);
  return 0;
}

static void acquire_again(uint32_t unused) {
  (void)unused;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
}

static void attach_again(uint32_t depth) { CHECK_STATUS(gil_attach(depth), GILRT_OK); }

/* The request is there, the asker cannot move a finger; then comes what stands for the blocking call. */
static void let_go_of_a_stopped_asker(uint32_t (*let_go)(void), void (*come_back)(uint32_t saved)) {
  pthread_t asker;
  atomic_store(&stopped, false);
  atomic_store(&may_run, false);
  atomic_store(&has_had_it, false);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  uint64_t before = drop_requests();
  CHECK_EQ(pthread_create(&asker, NULL, ask, NULL), 0);
  AWAIT(drop_requests() > before);
  CHECK_EQ(pthread_kill(asker, SIGUSR1), 0);
  AWAIT(atomic_load(&stopped));
  uint32_t saved = let_go();
  CHECK(!gil_held());
  CHECK(!atomic_load(&has_had_it));
  atomic_store(&may_run, true);
  come_back(saved);
  CHECK(atomic_load(&has_had_it)); /* the drop that was asked for handed over */
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_EQ(pthread_join(asker, NULL), 0);
}

int main(void) {
  const struct sigaction action = {.sa_handler = stand_still};
  CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
  CHECK_STATUS(gil_set_switch_interval(MILLISECONDS(1)), GILRT_OK);
  for (unsigned i = 0; i < 5; i++) {
    let_go_of_a_stopped_asker(gil_region_begin, gil_region_end);
    let_go_of_a_stopped_asker(gil_detach, attach_again);
    let_go_of_a_stopped_asker(release, acquire_again);
  }
  return 0;
}
