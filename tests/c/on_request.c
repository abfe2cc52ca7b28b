/* A host whose safepoints look at a word of its own, and call gil_poll only if on_request has set it: nothing that a thread is
   asked for is missed. Arguments: the mode, and whether this is about the main interpreter or another. */
#include "check.h"

#include <signal.h>

#define THREADS_MOST 256u

static int mode;
static gil_interp_t *interp;
static atomic_uint asked[THREADS_MOST], ever[THREADS_MOST]; /* by the thread's number; the second is never cleared */
static atomic_int ended, dawdles;
static int user;

static void on_request(uint64_t thread_id, uint32_t requests, void *argument) {
  CHECK(argument == &user);
  CHECK(!atomic_load(&ended));
  CHECK(thread_id > 0 && thread_id < THREADS_MOST);
  CHECK(requests != 0);
  CHECK_EQ(requests & ~(unsigned)(GIL_REQUEST_DROP | GIL_REQUEST_CALL | GIL_REQUEST_CLOSE | GIL_REQUEST_STOP), 0);
  atomic_fetch_or(&ever[thread_id], requests);
  atomic_fetch_or(&asked[thread_id], requests);
  if (atomic_load(&dawdles)) sleep_us(50); /* not so brief: the end comes meanwhile */
  CHECK(!atomic_load(&ended));
}

static unsigned told(unsigned request) { return atomic_load(&ever[gil_thread_id()]) & request; }

/* A safepoint. */
static int look(void) {
  if (atomic_load(&asked[gil_thread_id()]) == 0) return GILRT_OK;
  atomic_store(&asked[gil_thread_id()], 0);
  return gil_poll();
}

static void enter(void) {
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
}

static atomic_int stage, calls;

static int call(void *unused) {
  (void)unused;
  CHECK(gil_held());
  atomic_fetch_add(&calls, 1);
  return 0;
}

static void leave_a_call(int unused) {
  (void)unused;
  CHECK_STATUS(gil_call_soon(call, NULL), GILRT_OK);
}

static void computes(void) {
  enter();
  atomic_store(&stage, 1);
  while (atomic_load(&stage) < 2) CHECK_STATUS(look(), GILRT_OK);
  if (mode != GIL_MODE_FREE) CHECK(told(GIL_REQUEST_DROP));
  atomic_store(&stage, 3);
  while (atomic_load(&calls) < 2) CHECK_STATUS(look(), GILRT_OK);
  CHECK(told(GIL_REQUEST_CALL));
  atomic_store(&stage, 4);
  while (atomic_load(&stage) < 5) CHECK_STATUS(look(), GILRT_OK);
  if (mode == GIL_MODE_FREE) CHECK(told(GIL_REQUEST_STOP));
  /* A call that comes while nobody is attached is found by whoever attaches next. */
  CHECK_STATUS(gil_release(), GILRT_OK);
  atomic_fetch_and(&ever[gil_thread_id()], ~(unsigned)GIL_REQUEST_CALL);
  leave_a_call(0);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  while (atomic_load(&calls) < 3) CHECK_STATUS(look(), GILRT_OK);
  CHECK(told(GIL_REQUEST_CALL));
  atomic_store(&stage, 6);
  int status;
  while ((status = look()) == GILRT_OK) {
  }
  CHECK_STATUS(status, GILRT_ERR_CLOSED);
  CHECK(told(GIL_REQUEST_CLOSE));
  CHECK_STATUS(gil_release(), GILRT_OK);
}

static unsigned waiters(void) {
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  CHECK_STATUS(gilrt_stats_get(interp, &stats), GILRT_OK);
  return stats.waiters;
}

/* They come back from a region while the interpreter is closing, one after the other, and are told then. */
static atomic_int in_region, go_on, came_back;

static void is_away(void) {
  enter();
  GIL_BEGIN_ALLOW_THREADS
  atomic_fetch_add(&in_region, 1);
  AWAIT(atomic_load(&go_on));
  GIL_END_ALLOW_THREADS
  if (atomic_fetch_add(&came_back, 1) == 0 && mode != GIL_MODE_FREE) AWAIT(waiters() == 1);
  int status;
  while ((status = look()) == GILRT_OK) {
  }
  CHECK_STATUS(status, GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

static void asks(void) {
  AWAIT(atomic_load(&stage) == 1);
  enter(); /* the other one computes, and gives way */
  atomic_store(&stage, 2);
  while (atomic_load(&stage) < 3) CHECK_STATUS(gil_yield(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  leave_a_call(0);
  CHECK(signal(SIGUSR1, leave_a_call) != SIG_ERR);
  CHECK_EQ(raise(SIGUSR1), 0);
  AWAIT(atomic_load(&stage) == 4);
  CHECK_STATUS(gil_stop_world(), GILRT_OK);
  atomic_store(&stage, 5);
  CHECK_STATUS(gil_resume_world(), GILRT_OK);
  AWAIT(atomic_load(&stage) == 6);
  AWAIT(atomic_load(&in_region) == 2);
  int (*end)(gil_interp_t *, uint64_t) = gil_interp_close;
#define END(timeout) (interp == gil_interp_main() ? gilrt_finalize(timeout) : end(interp, timeout))
  CHECK_STATUS(END(MILLISECONDS(10)), GILRT_ERR_BUSY);
  atomic_store(&go_on, 1);
  CHECK_STATUS(END(FOREVER), GILRT_OK);
}

static void body(unsigned index, void *unused) {
  (void)unused;
  void (*const roles[])(void) = {computes, is_away, is_away, asks};
  roles[index]();
}

/* While a thread that is not attached leaves calls, the interpreter is closed, and then nothing is told any more. */
static atomic_int closed;

static void leave_calls(unsigned index, void *unused) {
  (void)unused;
  if (index == 0) {
    sleep_us(300);
    CHECK_STATUS(gil_interp_close(interp, FOREVER), GILRT_OK);
    atomic_store(&ended, 1);
    sleep_us(100);
    atomic_store(&closed, 1);
    return;
  }
  while (!atomic_load(&closed)) {
    if (gil_interp_enter(interp, NULL) != GILRT_OK) continue;
    while (!atomic_load(&closed)) {
      if (index == 1 && gil_acquire() == GILRT_OK) CHECK_STATUS(gil_release(), GILRT_OK);
      int status = gil_call_soon(call, NULL);
      if (status == GILRT_ERR_CLOSED) break;
      if (status != GILRT_OK) CHECK_STATUS(status, GILRT_ERR_LIMIT);
    }
  }
}

static gil_interp_t *new_interp(void) {
  const gil_interp_config_t config = {
      .struct_size = sizeof config, .mode = mode, .on_request = on_request, .user = &user};
  gil_interp_t *new;
  CHECK_STATUS(gil_interp_new(&config, &new), GILRT_OK);
  return new;
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 3);
  mode = atoi(argv[1]);
  bool is_main = strcmp(argv[2], "main") == 0;
  if (is_main) {
    const gilrt_config_t config = {.struct_size = sizeof config, .mode = mode, .on_request = on_request, .user = &user};
    CHECK_STATUS(gilrt_init(&config), GILRT_OK);
    interp = gil_interp_main();
  } else {
    interp = new_interp();
  }
  team_run(4, body, NULL);
  atomic_store(&ended, 1);
  CHECK_EQ(atomic_load(&calls), 3);
  if (is_main) return 0;
  atomic_store(&dawdles, 1);
  for (int i = 0; i < 50; i++) {
    atomic_store(&ended, 0);
    atomic_store(&closed, 0);
    interp = new_interp();
    team_run(3, leave_calls, NULL);
  }
  return 0;
}
