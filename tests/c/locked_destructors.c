/* OBJ_COUNT_LOCKED, two objects whose finalizers, on two threads, each drop a reference to the other. A runtime that keeps the
   count locked across the destructor deadlocks there (R14). This one does so in checking mode only (the argument "checked",
   under GILRT_CHECK), reports the circle, and drops one of the references later; both ways everybody comes through. */
#include "check.h"

static obj_type_t *type;
static obj_t *objects[2];
static _Atomic(obj_t *) published[2];
static atomic_uint finalized, reports;

static void keep_report(int level, const char *message, void *user) {
  (void)user;
  CHECK_EQ(level, 1);
  CHECK(strstr(message, "this wait could never end") != NULL);
  CHECK(strstr(message, " waits for the count of object 0x") != NULL);
  CHECK(strstr(message, " of type peer, which thread ") != NULL);
  atomic_fetch_add(&reports, 1);
}

static void finalize(obj_t *self) {
  unsigned me = self == objects[1];
  obj_incref(self);
  atomic_store(&published[me], self);
  obj_t *other = NULL;
  GIL_BEGIN_ALLOW_THREADS
  AWAIT((other = atomic_load(&published[1 - me])) != NULL);
  GIL_END_ALLOW_THREADS
  obj_decref(other);
  atomic_fetch_add(&finalized, 1);
}

static void drop(unsigned index, void *unused) {
  (void)unused;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_decref(objects[index]);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

int main(int argc, char **argv) {
  bool checked = argc > 1 && strcmp(argv[1], "checked") == 0;
  const gilrt_config_t runtime = {.struct_size = sizeof runtime, .count = OBJ_COUNT_LOCKED};
  CHECK_STATUS(gilrt_init(&runtime), GILRT_OK);
  gilrt_set_log(keep_report, NULL);
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "peer", .finalize = finalize};
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  for (unsigned round = 1; round <= 20; round++) {
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    for (int i = 0; i < 2; i++) {
      atomic_store(&published[i], NULL);
      CHECK_STATUS(obj_new(type, 0, &objects[i]), GILRT_OK);
    }
    CHECK_STATUS(gil_release(), GILRT_OK);
    team_run(2, drop, NULL);
    CHECK_EQ(atomic_load(&finalized), 2 * round);
    CHECK_EQ(atomic_load(&reports), checked ? round : 0);
    CHECK_EQ(obj_live_count(), 0);
  }
  gilrt_set_log(NULL, NULL);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
