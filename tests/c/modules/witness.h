/* What a test program and the module `states` tell each other: the module finds it by an address in the environment, since its
   load has no arguments. */
#ifndef WITNESS_H
#define WITNESS_H

#include <stdatomic.h>
#include <stdbool.h>

#define WITNESS_VARIABLE "GILRT_TEST_WITNESS"

typedef struct witness {
  atomic_int loads, unloads, calls;
  atomic_int wrong;     /* code that ran detached, in another interpreter than its state's, or with another's state */
  atomic_int loading;   /* loads that have begun */
  atomic_int meet;      /* a load waits, detached, until so many have begun */
  atomic_bool hold;     /* as long, a load waits, detached, at its end, and so does the function `linger` */
  const char *files[2]; /* if there, the load of the one opens the other, or itself if there is but one */
  atomic_int deadlocks; /* what that was answered */
  atomic_int fails;     /* so many loads fail */
} witness_t;

#endif
