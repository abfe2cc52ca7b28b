/* Must this thread leave? GILRT_ERR_CLOSED says so to everybody: before a wait, during it, and after it. Arguments: the mode, and
   whether this is about the main interpreter or another. */
#include "check.h"

static int mode;
static gil_interp_t *interp;
static atomic_int held, away, let_go, come_back, refused, back;

static int end(uint64_t timeout) {
  return interp == gil_interp_main() ? gilrt_finalize(timeout) : gil_interp_close(interp, timeout);
}

static void enter(void) { CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK); }

static int acquire_soon(void) { return gil_acquire_for(MILLISECONDS(100000)); }
static int attach(void) { return gil_attach(3); }
static int acquire_and_stop(void) { return gil_stop_world(); }

static int (*const ways[])(void) = {gil_acquire, acquire_soon, attach, acquire_and_stop, gil_try_acquire};

/* The last does not wait. */
#define WAITS 4u
#define WAYS 5u

/* With a lock: held. Without one: the world is stopped. */
static void holder(void) {
  enter();
  CHECK_STATUS(gil_stop_world(), GILRT_OK);
  atomic_store(&held, 1);
  AWAIT(atomic_load(&let_go));
  CHECK_STATUS(gil_poll(), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_poll(), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_resume_world(), GILRT_OK);
  CHECK_STATUS(gil_poll(), GILRT_ERR_NOT_ATTACHED);
}

static void late(void) {
  for (unsigned i = 0; i < WAYS; i++) {
    CHECK_STATUS(ways[i](), GILRT_ERR_CLOSED);
    CHECK(!gil_held());
  }
}

/* It waits when the end begins. */
static void waiter(unsigned way) {
  enter();
  AWAIT(atomic_load(&held));
  CHECK_STATUS(ways[way](), GILRT_ERR_CLOSED);
  CHECK(!gil_held());
  atomic_fetch_add(&refused, 1);
  late();
}

/* It has left for a region when the end begins, comes back all the same, and is told at the next safepoint; one of the two has to
   wait for the other. */
static void wanderer(void) {
  enter();
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  GIL_BEGIN_ALLOW_THREADS
  atomic_fetch_add(&away, 1);
  AWAIT(atomic_load(&come_back));
  late();
  GIL_END_ALLOW_THREADS
  CHECK(gil_held());
  CHECK_STATUS(gil_poll(), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_acquire(), GILRT_OK); /* nested: it has the lock already */
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_yield(), GILRT_OK);
  atomic_fetch_add(&back, 1);
  CHECK_STATUS(gil_poll(), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_release(), GILRT_OK);
  late();
}

/* It polls when the end begins, and waits inside of gil_poll for its turn. */
static void poller(void) {
  int status = gil_interp_enter(interp, NULL);
  if (status != GILRT_OK) { /* it came so late that there is nothing to enter */
    CHECK_STATUS(status, GILRT_ERR_CLOSED);
    return;
  }
  status = gil_acquire();
  while (status == GILRT_OK) status = gil_poll();
  CHECK_STATUS(status, GILRT_ERR_CLOSED);
  if (gil_held()) CHECK_STATUS(gil_release(), GILRT_OK);
  late();
}

static void body(unsigned index, void *unused) {
  (void)unused;
  if (index == 0) holder();
  else waiter(index - 1);
}

static void wander(unsigned index, void *unused) {
  (void)index, (void)unused;
  wanderer();
}

static unsigned waiters(void) {
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  CHECK_STATUS(gilrt_stats_get(interp, &stats), GILRT_OK);
  return stats.waiters;
}

static void polls(unsigned index, void *unused) {
  (void)index, (void)unused;
  poller();
}

static gil_interp_t *new_interp(void) {
  const gil_interp_config_t config = {.struct_size = sizeof config, .mode = mode};
  gil_interp_t *new;
  CHECK_STATUS(gil_interp_new(&config, &new), GILRT_OK);
  return new;
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 3);
  mode = atoi(argv[1]);
  const gilrt_config_t config = {.struct_size = sizeof config, .mode = mode == GIL_MODE_FREE ? mode : GIL_MODE_LOCKED};
  CHECK_STATUS(gilrt_init(&config), GILRT_OK);
  team_t team;
  for (int i = 0; i < 20; i++) {
    interp = new_interp();
    team_start(&team, 4, polls, NULL);
    sleep_us(200 * i);
    CHECK_STATUS(end(FOREVER), GILRT_OK);
    team_join(&team);
  }
  interp = strcmp(argv[2], "main") ? new_interp() : gil_interp_main();
  atomic_store(&held, 0);
  /* First those who leave for a region, then the one who holds, so that they can leave. */
  team_t wanderers;
  team_start(&wanderers, 2, wander, NULL);
  AWAIT(atomic_load(&away) == 2);
  team_start(&team, 1 + WAITS, body, NULL);
  AWAIT(atomic_load(&held));
  if (mode != GIL_MODE_FREE) AWAIT(waiters() == WAITS);
  else sleep_us(20000); /* until they wait for the world to go on; right if they do not yet, too */
  CHECK_STATUS(end(MILLISECONDS(10)), GILRT_ERR_BUSY);
  AWAIT(atomic_load(&refused) == WAITS);
  atomic_store(&come_back, 1);
  atomic_store(&let_go, 1);
  CHECK_STATUS(end(FOREVER), GILRT_OK);
  CHECK_EQ(atomic_load(&back), 2);
  team_join(&team);
  team_join(&wanderers);
  return 0;
}
