/* A shared object that is no module: it does not export gilrt_module_get. */
#include <gilrt.h>

int something_else(void);

int something_else(void) { return GILRT_OK; }
