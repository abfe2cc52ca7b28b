/* A world that was stopped by a thread which then detached is closed: who waits for the end of the stop is refused. */
#include "check.h"
static gil_interp_t *a; static atomic_int at, answer = 99;
static void *waits(void *u) { (void)u;
  CHECK_STATUS(gil_interp_enter(a, NULL), GILRT_OK);
  atomic_store(&at, 1); int r = gil_acquire(); atomic_store(&answer, r); return NULL; }
int main(void) {
  gil_interp_config_t c = {.struct_size = sizeof c, .name = "a", .mode = GIL_MODE_FREE};
  CHECK_STATUS(gil_interp_new(&c, &a), GILRT_OK);
  CHECK_STATUS(gil_interp_enter(a, NULL), GILRT_OK);
  CHECK_STATUS(gil_stop_world(), GILRT_OK);
  pthread_t x; pthread_create(&x, NULL, waits, NULL);
  AWAIT(atomic_load(&at)); sleep_us(100000);
  gil_detach();
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
  CHECK_STATUS(gil_interp_close(a, FOREVER), GILRT_OK);
  CHECK_EQ(pthread_join(x, NULL), 0);
  CHECK_STATUS(atomic_load(&answer), GILRT_ERR_CLOSED);
  return 0;
}
