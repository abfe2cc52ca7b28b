/* A module whose description is too short to be one. */
#include <stdlib.h>

#include <gilrt.h>

static int load(void **state) {
  (void)state;
  abort();
}

static const gilrt_module_t module = {.struct_size = 8, .abi = GILRT_ABI, .name = "cut_short", .load = load};

const gilrt_module_t *gilrt_module_get(void) { return &module; }
