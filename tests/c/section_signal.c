/* A thread waits for a section of two objects; a signal handler tries to acquire meanwhile, and is refused. The section has both
   locks all the same, and ends in peace. */
#include "check.h"
#include <signal.h>
static gil_interp_t *interp;
static obj_type_t *type;
static obj_t *a, *b;
static atomic_int handled, status_in_handler, inside;
static unsigned locks(obj_t *o) { return __atomic_load_n((unsigned char *)o + 14, __ATOMIC_RELAXED) & 3u; }
static void on_signal(int n) { (void)n; atomic_store(&status_in_handler, gil_acquire()); atomic_store(&handled, 1); }
static void enter(void) {
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
}
static void *wait_for_both(void *unused) {
  (void)unused;
  enter();
  OBJ_BEGIN_SECTION2(a, b)
  atomic_store(&inside, 1);
  CHECK_EQ(locks(a) & 1, 1);
  CHECK_EQ(locks(b) & 1, 1);
  OBJ_END_SECTION2
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}
int main(void) {
  gil_interp_config_t config = {.struct_size = sizeof config, .name = "free", .mode = GIL_MODE_FREE};
  CHECK_STATUS(gil_interp_new(&config, &interp), GILRT_OK);
  obj_type_config_t shape = {.struct_size = sizeof shape, .name = "o", .payload_size = 8};
  struct sigaction action = {.sa_handler = on_signal};
  CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
  enter();
  CHECK_STATUS(obj_type_new(&shape, &type), GILRT_OK);
  CHECK_STATUS(obj_new(type, 0, &a), GILRT_OK);
  CHECK_STATUS(obj_new(type, 0, &b), GILRT_OK);
  if (a > b) { obj_t *t = a; a = b; b = t; }
  pthread_t thread;
  obj_section_t frame;
  CHECK_STATUS(obj_section_begin(&frame, a), GILRT_OK);
  CHECK_EQ(pthread_create(&thread, NULL, wait_for_both, NULL), 0);
  AWAIT((locks(a) & 2) != 0);
  sleep_us(20000);
  pthread_kill(thread, SIGUSR1);
  AWAIT(atomic_load(&handled));
  CHECK_STATUS(atomic_load(&status_in_handler), GILRT_ERR_DEADLOCK);
  obj_section_end(&frame);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  return 0;
}
