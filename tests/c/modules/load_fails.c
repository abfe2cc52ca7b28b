/* A module that cannot start; what did not load is not unloaded. */
#include <stdlib.h>

#include <gilrt.h>

static int load(void **state) {
  (void)state;
  return GILRT_ERR_NOMEM;
}

static void unload(void *state) {
  (void)state;
  abort();
}

static const gilrt_module_t module = {
    .struct_size = sizeof module, .abi = GILRT_ABI, .name = "load_fails", .load = load, .unload = unload};

const gilrt_module_t *gilrt_module_get(void) { return &module; }
