/*
 * What the tool and its kernels agree on. A kernel is one measurement, written in C so that the inline functions of
 * gilrt_inline.h are inlined as in a host, and calls go into libgilrt.so as a host's do. Its name begins with `kernel_`,
 * and all have the same signature; the tool looks them up by name. src/kernels.rs has the same structures.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <stddef.h>
#include <stdint.h>

#define KERNEL_MOST_THREADS 64
#define KERNEL_VALUES 8

typedef struct kernel_task {
  uint64_t units;       /* how much work there is, where that is fixed */
  uint64_t duration_ns; /* how long to work, where that is fixed */
  uint32_t threads;     /* how many CPU-bound or competing threads, KERNEL_MOST_THREADS at the most */
  uint32_t timed;       /* not 0: each acquisition is timed, which slows it down */
  uint64_t *waits;      /* room for the nanoseconds of each wait */
  size_t capacity;      /* of `waits` */
  char **arguments;     /* paths, for a kernel that says which */
} kernel_task_t;

typedef struct kernel_result {
  uint64_t done;    /* what the threads did, each counting for itself */
  uint64_t witness; /* the same counted by all in one plain word under the lock: equal, if the lock excludes */
  uint64_t elapsed_ns;
  uint64_t waits;           /* how many of `waits` are filled in */
  uint64_t longest_wait_ns; /* of all threads, if timed */
  uint64_t lost_ns;         /* during which nobody ran although somebody could */
  uint64_t shares[KERNEL_MOST_THREADS]; /* of `done`, by thread */
  uint64_t values[KERNEL_VALUES];       /* what else there is to tell; the kernel says what */
} kernel_result_t;

/* 0, or an errno. The result is zeroed by the caller. */
typedef int kernel_t(const kernel_task_t *task, kernel_result_t *result);

#endif
