/* A module compiled for another version of the interface. Nothing of it may run. */
#include <stdlib.h>

#include <gilrt.h>

static int load(void **state) {
  (void)state;
  abort();
}

static const gilrt_module_t module = {
    .struct_size = sizeof module, .abi = GILRT_ABI + 1000, .name = "wrong_abi", .load = load};

const gilrt_module_t *gilrt_module_get(void) { return &module; }
