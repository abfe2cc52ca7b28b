/* Two threads close one interpreter at once; nobody makes another until both have answered. One is told OK, the other CLOSED. */
#include "check.h"
static int mode;
static gil_interp_t *a; static pthread_barrier_t b; static atomic_int oks;
static void *closer(void *u) { long i = (long)u;
  for (int n = 0; n < 1000; n++) {
    if (i == 0) { gil_interp_config_t c = {.struct_size = sizeof c, .name = "a", .mode = mode}; CHECK_STATUS(gil_interp_new(&c, &a), GILRT_OK); atomic_store(&oks, 0); }
    pthread_barrier_wait(&b);
    int r = gil_interp_close(a, FOREVER);
    if (r == GILRT_OK) atomic_fetch_add(&oks, 1); else CHECK_STATUS(r, GILRT_ERR_CLOSED);
    pthread_barrier_wait(&b);
    if (i == 0) CHECK_EQ(atomic_load(&oks), 1);
  }
  return NULL; }
int main(int argc, char **argv) {
  mode = argc > 1 ? atoi(argv[1]) : GIL_MODE_LOCKED;
  pthread_barrier_init(&b, NULL, 2);
  pthread_t x, y; pthread_create(&x, NULL, closer, (void *)0); pthread_create(&y, NULL, closer, (void *)1);
  pthread_join(x, NULL); pthread_join(y, NULL); return 0;
}
