/* A thread that never attached counts a LOCKED object while another one that never attached forks: the child can count it. */
#include "check.h"
#include <sys/wait.h>
static obj_t *o;
static atomic_bool over;
static void *count(void *u) { (void)u; while (!atomic_load(&over)) { obj_incref(o); obj_decref(o); } return NULL; }
static void *make(void *u) {
  (void)u;
  gilrt_config_t c = {.struct_size = sizeof c, .count = OBJ_COUNT_LOCKED};
  CHECK_STATUS(gilrt_init(&c), GILRT_OK);
  obj_type_config_t shape = {.struct_size = sizeof shape, .name = "o", .payload_size = 8};
  obj_type_t *type;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_type_new(&shape, &type), GILRT_OK);
  CHECK_STATUS(obj_new(type, 0, &o), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}
int main(void) {
  pthread_t t, w[2];
  pthread_create(&t, NULL, make, NULL); pthread_join(t, NULL);
  for (int i = 0; i < 2; i++) pthread_create(&w[i], NULL, count, NULL);
  int stuck = 0;
  for (int i = 0; i < 300 && !stuck; i++) {
    pid_t p = fork();
    if (p == 0) { alarm(20); obj_incref(o); obj_decref(o); _exit(0); }
    int s; waitpid(p, &s, 0);
    if (WIFSIGNALED(s)) stuck++;
  }
  atomic_store(&over, true);
  for (int i = 0; i < 2; i++) pthread_join(w[i], NULL);
  CHECK_EQ(stuck, 0);
  return 0;
}
