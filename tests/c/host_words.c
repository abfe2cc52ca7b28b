/* What a host with thread states and safepoints of its own keeps and looks at. */
#include "check.h"

static int mine, others;

static int note(void *user) {
  ++*(int *)user;
  return 0;
}

static bool is_asked(void) { return __atomic_load_n(gil_poll_word(), __ATOMIC_RELAXED) != 0; }

static void *another(void *unused) {
  CHECK(is_asked()); /* not known yet: gil_poll has something to say */
  CHECK(gil_thread_user() == NULL);
  CHECK_STATUS(gil_thread_set_user(&others), GILRT_OK);
  CHECK(gil_thread_user() == &others);
  CHECK(!is_asked());
  return unused;
}

int main(void) {
  CHECK(gil_thread_user() == NULL);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_thread_set_user(&mine), GILRT_OK);
  CHECK(!is_asked());
  CHECK_STATUS(gil_call_soon(note, &mine), GILRT_OK);
  CHECK(is_asked());
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_EQ(mine, 1);
  CHECK(!is_asked());
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, NULL, another, NULL), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  CHECK(gil_thread_user() == &mine);
  /* Each interpreter has a state of its own for the thread. */
  gil_interp_t *interp;
  gil_interp_config_t config = {.struct_size = sizeof config};
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_interp_new(&config, &interp), GILRT_OK);
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
  CHECK(gil_thread_user() == NULL);
  CHECK_STATUS(gil_thread_set_user(&others), GILRT_OK);
  CHECK_STATUS(gil_interp_close(interp, FOREVER), GILRT_OK);
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
  CHECK(gil_thread_user() == &mine);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
