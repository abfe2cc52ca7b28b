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

/* What is told of each mode: bytes of one that is open, bytes once a thread was in it, bytes by which memory grew while ten times
   as many were made one after the other, nanoseconds of one that is made when none can be used again, and of its end among as many. */
enum { SERIES = 10 };
enum { OPEN, WITH_THREAD, GROWTH, FIRST_NEW, FIRST_CLOSE, FIGURES };

static int open_many(const kernel_task_t *task, gil_interp_t **interps, uint64_t *figures) {
  uint64_t bytes = allocated(), start = now_ns();
  for (uint64_t i = 0; i < task->units; i++)
    if (new_interp(task, &interps[i])) return ENOMEM;
  figures[FIRST_NEW] = (now_ns() - start) / task->units;
  figures[OPEN] = (allocated() - bytes) / task->units;
  for (uint64_t i = 0; i < task->units; i++)
    if (enter_and_leave(interps[i])) return ENOMEM;
  figures[WITH_THREAD] = (allocated() - bytes) / task->units;
  return 0;
}

static int close_many(const kernel_task_t *task, gil_interp_t **interps, uint64_t *figures) {
  uint64_t start = now_ns();
  for (uint64_t i = 0; i < task->units; i++)
    if (close_interp(interps[i])) return ECANCELED;
  figures[FIRST_CLOSE] = (now_ns() - start) / task->units;
  return 0;
}

static int one_after_the_other(const kernel_task_t *task, uint64_t *figures) {
  gil_interp_t *interp;
  uint64_t bytes = allocated();
  for (uint64_t i = 0; i < SERIES * task->units; i++)
    if (new_interp(task, &interp) || enter_and_leave(interp) || close_interp(interp)) return ECANCELED;
  uint64_t now = allocated();
  figures[GROWTH] = now > bytes ? now - bytes : 0;
  return 0;
}

/* `units` of each mode, all open at once, since one that was closed is used again. The shares are the figures of those with a
   lock, then of those without. */
int kernel_interps_memory(const kernel_task_t *task, kernel_result_t *result) {
  const kernel_task_t modes[] = {{.units = task->units, .timed = 0}, {.units = task->units, .timed = 1}};
  gil_interp_t **interps[] = {calloc(task->units, sizeof **interps), calloc(task->units, sizeof **interps)};
  int error = interps[0] && interps[1] ? 0 : ENOMEM;
  for (int i = 0; i < 2 && !error; i++) error = open_many(&modes[i], interps[i], result->shares + i * FIGURES);
  for (int i = 0; i < 2 && !error; i++) error = close_many(&modes[i], interps[i], result->shares + i * FIGURES);
  for (int i = 0; i < 2 && !error; i++) error = one_after_the_other(&modes[i], result->shares + i * FIGURES);
  result->done = result->witness = 2 * task->units;
  free(interps[0]);
  free(interps[1]);
  return error;
}
#endif
