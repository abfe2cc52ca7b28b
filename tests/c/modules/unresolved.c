/* A module that needs a function which nobody has. */
#include <gilrt.h>

int function_that_nobody_has(void);

static int load(void **state) {
  (void)state;
  return function_that_nobody_has();
}

static const gilrt_module_t module = {
    .struct_size = sizeof module, .abi = GILRT_ABI, .name = "unresolved", .load = load};

const gilrt_module_t *gilrt_module_get(void) { return &module; }
