/* The module `states`, as one that needs a GIL. */
#define NEEDS_GIL
#include "states.c"
