/* For programs that open the module `states`, the path of which is their first argument. */
#ifndef HOSTED_H
#define HOSTED_H

#include "check.h"
#include "modules/witness.h"

static witness_t witness;

static inline void witness_begin(void) {
  char where[32];
  snprintf(where, sizeof where, "%p", (void *)&witness);
  CHECK_EQ(setenv(WITNESS_VARIABLE, where, 1), 0);
}

/* Nothing ran where it must not; so many states have been made and ended. */
static inline void witness_end(int loads) {
  CHECK_EQ(atomic_load(&witness.wrong), 0);
  CHECK_EQ(atomic_load(&witness.loads), loads);
  CHECK_EQ(atomic_load(&witness.unloads), loads);
}

static inline gilrt_library_t *open_module(const char *path) {
  gilrt_library_t *library = NULL;
  int status = gilrt_module_open(path, &library);
  if (status != GILRT_OK) check_fail(__FILE__, __LINE__, "%s: %s", gilrt_status_name(status), gilrt_error_text());
  return library;
}

static inline int call_module(gilrt_library_t *library, const char *function) {
  gilrt_call_t call = {.struct_size = sizeof call};
  return gilrt_module_call(library, function, &call);
}

static inline gil_interp_t *new_interp(const char *name, int mode) {
  const gil_interp_config_t config = {.struct_size = sizeof config, .name = name, .mode = mode};
  gil_interp_t *interp = NULL;
  CHECK_STATUS(gil_interp_new(&config, &interp), GILRT_OK);
  return interp;
}

#endif
