/* A detached thread drops last references, of objects whose destructors wait; a signal handler acquires meanwhile: it has the
   lock or is refused, and nobody waits for ever (L17). argv[1]: 0 locked, 1 free. */
#include "check.h"
#include <signal.h>
#define N 100000
static gil_interp_t *interp;
static obj_type_t *type;
static obj_t *objects[N];
static atomic_uint handled, refused, progress;
static atomic_bool over, ready, go;
static void on_signal(int n) {
  (void)n;
  int s = gil_acquire();
  if (s == GILRT_OK) gil_release(); else atomic_fetch_add(&refused, 1);
  atomic_fetch_add(&handled, 1);
}
static void finalize(obj_t *o) { (void)o; }
static void *drop(void *u) {
  (void)u;
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  atomic_store(&ready, true);
  while (!atomic_load(&go)) ;
  for (unsigned i = 0; i < N; i++) { obj_decref(objects[i]); atomic_store(&progress, i + 1); }
  atomic_store(&over, true);
  return NULL;
}
int main(int argc, char **argv) {
  gil_interp_config_t config = {.struct_size = sizeof config, .mode = argc > 1 && argv[1][0] == '1' ? GIL_MODE_FREE : GIL_MODE_LOCKED, .count = OBJ_COUNT_ATOMIC};
  CHECK_STATUS(gil_interp_new(&config, &interp), GILRT_OK);
  obj_type_config_t shape = {.struct_size = sizeof shape, .name = "o", .payload_size = 8, .finalize = finalize};
  struct sigaction action = {.sa_handler = on_signal};
  CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_type_new(&shape, &type), GILRT_OK);
  for (int i = 0; i < N; i++) CHECK_STATUS(obj_new(type, 0, &objects[i]), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  pthread_t t;
  CHECK_EQ(pthread_create(&t, NULL, drop, NULL), 0);
  AWAIT(atomic_load(&ready));
  atomic_store(&go, true);
  unsigned last = 0, still = 0;
  while (!atomic_load(&over)) {
    pthread_kill(t, SIGUSR1);
    sleep_us(30);
    unsigned now = atomic_load(&progress) ;
    still = now == last ? still + 1 : 0;
    last = now;
    if (still > 30000) check_fail(__FILE__, __LINE__, "stuck at %u, %u handled, %u refused", now, atomic_load(&handled), atomic_load(&refused));
  }
  pthread_join(t, NULL);
  return 0;
}
