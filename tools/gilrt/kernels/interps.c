/* Interpreters: how long one takes to be made and closed, and how much memory, many at once and many one after the other. */
#include <errno.h>
#include <gilrt.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>

#include "times.h"

kernel_t kernel_interps, kernel_interps_entered;

/* `timed` asks for interpreters without a lock. */
static int new_interp(const kernel_task_t *task, gil_interp_t **out) {
  const gil_interp_config_t config = {
      .struct_size = sizeof config, .name = "bench", .mode = task->timed ? GIL_MODE_FREE : GIL_MODE_LOCKED};
  return gil_interp_new(&config, out);
}

static int close_interp(gil_interp_t *interp) { return gil_interp_close(interp, UINT64_MAX); }

static int enter_and_leave(gil_interp_t *interp) {
  int status = gil_interp_enter(interp, NULL);
  if (status == GILRT_OK) status = gil_acquire();
  if (status == GILRT_OK) status = gil_release();
  return status == GILRT_OK ? gil_interp_enter(gil_interp_main(), NULL) : status;
}

int kernel_interps(const kernel_task_t *task, kernel_result_t *result) {
  gil_interp_t *interp;
  TIMES(task, result, if (new_interp(task, &interp) || close_interp(interp)) return ECANCELED);
  return 0;
}

int kernel_interps_entered(const kernel_task_t *task, kernel_result_t *result) {
  gil_interp_t *interp;
  TIMES(task, result,
        if (new_interp(task, &interp) || enter_and_leave(interp) || close_interp(interp)) return ECANCELED);
  return 0;
}

/* Where the C library tells how much it has given out, there is a third kernel. */
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
kernel_t kernel_interps_memory;

static uint64_t allocated(void) {
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

/* Makes `units` of them, which stay open, in an array: the bytes that each takes, open and after a thread was in it, are the
   first two shares. Then as many one after the other, by when memory must not grow: the bytes by which it did are the third. */
int kernel_interps_memory(const kernel_task_t *task, kernel_result_t *result) {
  uint64_t count = task->units;
  gil_interp_t **interps = calloc(count, sizeof *interps), *interp;
  if (!interps) return ENOMEM;
  uint64_t start = allocated();
  for (uint64_t i = 0; i < count; i++)
    if (new_interp(task, &interps[i])) return ENOMEM;
  result->shares[0] = (allocated() - start) / count;
  for (uint64_t i = 0; i < count; i++)
    if (enter_and_leave(interps[i])) return ENOMEM;
  result->shares[1] = (allocated() - start) / count;
  for (uint64_t i = 0; i < count; i++) result->witness += close_interp(interps[i]) == GILRT_OK;
  uint64_t before = allocated();
  for (uint64_t i = 0; i < count; i++)
    if (new_interp(task, &interp) || enter_and_leave(interp) || close_interp(interp)) return ECANCELED;
  uint64_t after = allocated();
  result->shares[2] = after > before ? after - before : 0;
  result->done = count;
  free(interps);
  return 0;
}
#endif
