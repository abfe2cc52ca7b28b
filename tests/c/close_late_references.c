/* What is handed over while an interpreter closes, after its last acquire, dies all the same. */
#include "check.h"
static gil_interp_t *a; static obj_type_t *fin, *plain; static obj_t *x; static atomic_int stage;
static void finalize(obj_t *o) { (void)o; atomic_store(&stage, 1); AWAIT(atomic_load(&stage) == 2); }
static void *other(void *u) { (void)u; AWAIT(atomic_load(&stage) == 1); obj_decref(x); atomic_store(&stage, 2); return NULL; }
int main(void) {
  gil_interp_config_t c = {.struct_size = sizeof c, .name = "a"};
  pthread_t t; pthread_create(&t, NULL, other, NULL);
  CHECK_STATUS(gil_interp_new(&c, &a), GILRT_OK);
  CHECK_STATUS(gil_interp_enter(a, NULL), GILRT_OK); CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_collect_enable(false);
  obj_type_config_t s = {.struct_size = sizeof s, .name = "fin", .payload_size = 8, .finalize = finalize}, p = {.struct_size = sizeof p, .name = "plain", .payload_size = 8};
  CHECK_STATUS(obj_type_new(&s, &fin), GILRT_OK); CHECK_STATUS(obj_type_new(&p, &plain), GILRT_OK);
  obj_t *f, *k; CHECK_STATUS(obj_new(fin, 0, &f), GILRT_OK); CHECK_STATUS(obj_new(plain, 0, &x), GILRT_OK); CHECK_STATUS(obj_new(plain, 0, &k), GILRT_OK);
  /* k keeps the type alive, so that its count can be asked for */
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
  obj_incref(f); obj_decref(f); obj_decref(f); /* detached: pends */
  CHECK_STATUS(gil_interp_close(a, FOREVER), GILRT_OK); pthread_join(t, NULL);
  CHECK_EQ(obj_type_live_count(plain), 1);
  return 0;
}
