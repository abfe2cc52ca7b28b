/* An object outlives the module that it came from: the finalizer, which is the module's code, still runs. The argument
   is the path of the module `keeper`. */
#include "check.h"

static obj_t *kept;

static void keep(const char *name, int64_t value, void *user) {
  (void)user;
  if (strcmp(name, "object") == 0) kept = (obj_t *)(intptr_t)value;
}

int main(int argc, char **argv) {
  gilrt_library_t *library = NULL;
  atomic_int finalized = 0;
  char where[32];
  CHECK_EQ(argc, 2);
  snprintf(where, sizeof where, "%p", (void *)&finalized);
  char *arguments[] = {where, NULL};
  gilrt_call_t call = {
      .struct_size = sizeof call, .thread_count = 1, .argc = 1, .argv = arguments, .report = keep};
  CHECK_STATUS(gilrt_module_open(argv[1], &library), GILRT_OK);
  CHECK_STATUS(gilrt_module_call(library, "make", &call), GILRT_OK);
  CHECK(kept);
  gilrt_module_close(library);
  CHECK_EQ(atomic_load(&finalized), 0);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_EQ(obj_live_count(), 1);
  obj_decref(kept);
  CHECK_EQ(atomic_load(&finalized), 1);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
