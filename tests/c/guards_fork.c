/* In a forked child the guards of threads that do not exist hold nothing off, and those of the forking thread do: also where the
   library knows neither thread, or knows the forking one by another number than when it made its guard. The argument
   is the mode. */
#include "child.h"

static gil_interp_t *interp;

static gil_guard_t *new_guard(void) {
  gil_guard_t *guard;
  CHECK_STATUS(gil_guard_new(interp, &guard), GILRT_OK);
  return guard;
}

static void *make_guard(void *slot) {
  CHECK_EQ(gil_thread_id(), 0);
  *(gil_guard_t **)slot = new_guard();
  return NULL;
}

static void nothing_holds_it_off(void *unused) {
  (void)unused;
  CHECK_STATUS(gil_interp_close(interp, MILLISECONDS(100)), GILRT_OK);
}

static void mine_holds_it_off(void *mine) {
  CHECK_STATUS(gil_interp_close(interp, 0), GILRT_ERR_BUSY);
  gil_guard_free(mine);
  CHECK_STATUS(gil_interp_close(interp, 0), GILRT_OK);
}

/* By a thread that the library does not know, while there is a guard of another one. */
static void *fork_unknown(void *unused) {
  (void)unused;
  CHECK_EQ(gil_thread_id(), 0);
  in_child(nothing_holds_it_off, NULL);
  gil_guard_t *mine = new_guard();
  in_child(mine_holds_it_off, mine);
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
  CHECK(gil_thread_id() != 0);
  in_child(mine_holds_it_off, mine);
  gil_guard_free(mine);
  return NULL;
}

static void in_a_thread(void *(*body)(void *), void *argument) {
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, NULL, body, argument), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 2);
  const gil_interp_config_t config = {.struct_size = sizeof config, .name = "guarded", .mode = atoi(argv[1])};
  CHECK_STATUS(gil_interp_new(&config, &interp), GILRT_OK);
  gil_guard_t *others;
  in_a_thread(make_guard, &others);
  in_a_thread(fork_unknown, NULL);
  gil_guard_free(others);
  CHECK_STATUS(gil_interp_close(interp, 0), GILRT_OK);
  return 0;
}
