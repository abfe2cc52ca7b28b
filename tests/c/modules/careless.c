/* A module whose functions return with another number of acquires than of releases. */
#include <gilrt.h>

static int keep(gilrt_call_t *call) {
  (void)call;
  return gil_acquire();
}

static int drop(gilrt_call_t *call) {
  (void)call;
  return gil_release();
}

static const gilrt_function_t functions[] = {
    {"keep", "acquires once too often", keep},
    {"drop", "releases once too often", drop},
};

static const gilrt_module_t module = {.struct_size = sizeof module,
                                      .abi = GILRT_ABI,
                                      .name = "careless",
                                      .functions = functions,
                                      .function_count = 2};

const gilrt_module_t *gilrt_module_get(void) { return &module; }
