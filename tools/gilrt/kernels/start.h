/* How the runtime is to be, for a kernel that is the first in its process to use it. */
#ifndef START_H
#define START_H

#include <gilrt_inline.h>

static inline int start(gil_mode_t mode, obj_count_t count) {
  gilrt_config_t config = {.struct_size = sizeof config, .mode = mode, .count = count};
  return gilrt_init(&config);
}

#endif
