/* SQLite without locks is safe under one lock only: the module legacy, whose path is the argument, serves one interpreter at a
   time, and any of them in turn. */
#include "check.h"

static int insert(gilrt_library_t *library) {
  char entries[] = "10";
  char *arguments[] = {entries, NULL};
  gilrt_call_t call = {.struct_size = sizeof call, .thread_count = 1, .argc = 1, .argv = arguments};
  return gilrt_module_call(library, "insert", &call);
}

int main(int argc, char **argv) {
  const gil_interp_config_t config = {.struct_size = sizeof config, .name = "other"};
  gil_interp_t *other;
  gilrt_library_t *first, *second;
  CHECK_EQ(argc, 2);
  CHECK_STATUS(gil_interp_new(&config, &other), GILRT_OK);

  CHECK_STATUS(gilrt_module_open(argv[1], &first), GILRT_OK);
  CHECK_STATUS(insert(first), GILRT_OK);
  CHECK_STATUS(gil_interp_enter(other, NULL), GILRT_OK);
  CHECK_STATUS(insert(first), GILRT_ERR_MODULE); /* it is not loaded here, and cannot be */
  CHECK(strstr(gilrt_error_text(), "legacy: its load failed"));
  CHECK_STATUS(gilrt_module_open(argv[1], &second), GILRT_ERR_MODULE);
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);

  /* Twice in one interpreter is under one lock. */
  CHECK_STATUS(gilrt_module_open(argv[1], &second), GILRT_OK);
  CHECK_STATUS(insert(second), GILRT_OK);
  gilrt_module_close(first);
  CHECK_STATUS(insert(second), GILRT_OK);
  gilrt_module_close(second);

  CHECK_STATUS(gil_interp_enter(other, NULL), GILRT_OK);
  CHECK_STATUS(gilrt_module_open(argv[1], &first), GILRT_OK);
  CHECK_STATUS(insert(first), GILRT_OK);
  gilrt_module_close(first);
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
  CHECK_STATUS(gil_interp_close(other, FOREVER), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
