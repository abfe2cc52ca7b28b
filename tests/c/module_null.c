/* What a host may get wrong about modules is answered. The argument is the path of a good module. */
#include "check.h"

int main(int argc, char **argv) {
  gilrt_library_t *library = NULL, *untouched = NULL;
  gilrt_call_t call = {.struct_size = sizeof call, .thread_count = 1};
  CHECK_EQ(argc, 2);
  CHECK(gilrt_error_text());
  CHECK_STATUS(gilrt_module_open(NULL, &untouched), GILRT_ERR_INVALID);
  CHECK_STATUS(gilrt_module_open(argv[1], NULL), GILRT_ERR_INVALID);
  CHECK_STATUS(gilrt_module_open("", &untouched), GILRT_ERR_MODULE);
  CHECK(gilrt_error_text()[0]);
  CHECK(!untouched);
  CHECK(gilrt_module_describe(NULL) == NULL);
  gilrt_module_close(NULL);

  CHECK_STATUS(gilrt_module_open(argv[1], &library), GILRT_OK);
  CHECK_STATUS(gilrt_module_call(NULL, "greet", &call), GILRT_ERR_INVALID);
  CHECK_STATUS(gilrt_module_call(library, NULL, &call), GILRT_ERR_INVALID);
  CHECK_STATUS(gilrt_module_call(library, "greet", NULL), GILRT_ERR_INVALID);
  gilrt_call_t small = {.struct_size = 1};
  CHECK_STATUS(gilrt_module_call(library, "greet", &small), GILRT_ERR_INVALID);
  CHECK_STATUS(gilrt_module_call(library, "greet", &call), GILRT_OK);

  /* A host may hold the lock already, at any depth, and still holds it afterwards. */
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gilrt_module_call(library, "greet", &call), GILRT_OK);
  CHECK(gil_held());
  gilrt_module_close(library);
  CHECK(gil_held());
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  CHECK_STATUS(gilrt_module_open(argv[1], &untouched), GILRT_ERR_CLOSED);
  CHECK(!untouched);
  return 0;
}
