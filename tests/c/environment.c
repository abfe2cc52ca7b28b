/* What the environment makes of the lock, as far as one can see: environment POLICY INTERVAL prints nothing and ends well if
   they hold. The thread that ends while it holds makes the library log a warning. */
#include "check.h"

static atomic_bool held, asked_enough;

static gilrt_stats_t stats(void) {
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  CHECK_STATUS(gilrt_stats_get(NULL, &stats), GILRT_OK);
  return stats;
}

static void *hold_and_poll(void *unused) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  atomic_store(&held, true);
  while (!atomic_load(&asked_enough)) CHECK_STATUS(gil_poll(), GILRT_OK);
  return unused; /* while it holds */
}

/* Under TICKS nobody is ever asked to drop the lock, under the others a holder that does not let go soon is. */
static void the_policy_is(bool ticks) {
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, NULL, hold_and_poll, NULL), 0);
  AWAIT(atomic_load(&held));
  for (unsigned i = 0; i < 3; i++) {
    int status = gil_acquire_for(MILLISECONDS(20));
    if (status == GILRT_OK) CHECK_STATUS(gil_release(), GILRT_OK);
    else CHECK_STATUS(status, GILRT_ERR_TIMEOUT);
  }
  CHECK_EQ(stats().drop_requests > 0, !ticks);
  atomic_store(&asked_enough, true);
  CHECK_EQ(pthread_join(thread, NULL), 0);
}

int main(int argc, char **argv) {
  const gilrt_config_t config = {.struct_size = sizeof config, .policy = GIL_POLICY_INTERVAL, .switch_interval_ns = 2000000};
  CHECK_EQ(argc, 3);
  CHECK_STATUS(gilrt_init(&config), GILRT_OK);
  CHECK_EQ(gil_switch_interval(), strtoll(argv[2], NULL, 10));
  the_policy_is(strcmp(argv[1], "ticks") == 0);
  CHECK_STATUS(gil_acquire(), GILRT_OK); /* let go by the thread that ended with it */
  CHECK_STATUS(gil_release(), GILRT_OK);
  return 0;
}
