/* A module that has nothing to say about itself. */
#include <gilrt.h>

const gilrt_module_t *gilrt_module_get(void) { return NULL; }
