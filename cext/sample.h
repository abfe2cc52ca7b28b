/* What the sample extensions share: how to answer the caller of a function. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <gilrt.h>

/* Tells the caller why a function fails, and is the status to return: `return sample_fail(call, status, "…")`. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static inline int sample_fail(const gilrt_call_t *call, int status, const char *format, ...) {
  if (call->say) {
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    call->say(message, call->user);
  }
  return status;
}

static inline void sample_report(const gilrt_call_t *call, const char *name, int64_t value) {
  if (call->report) call->report(name, value, call->user);
}

static inline void sample_progress(const gilrt_call_t *call, uint64_t done, uint64_t total) {
  if (call->progress) call->progress(done, total, call->user);
}

/* Every function works on its share of a run, so a share must make sense before anything is touched. */
static inline int sample_check_share(const gilrt_call_t *call) {
  if (call->thread_index < call->thread_count) return GILRT_OK;
  return sample_fail(call, GILRT_ERR_INVALID, "thread %u of %u: the index must be below the count",
                     (unsigned)call->thread_index, (unsigned)call->thread_count);
}

/* Reads argument `index`, a whole number from 1 to `most`; `*value` stays as it is where the argument is missing. */
static inline int sample_number(const gilrt_call_t *call, int index, const char *name, uint64_t most,
                                uint64_t *value) {
  if (index >= call->argc) return GILRT_OK;
  const char *text = call->argv[index];
  char *end;
  errno = 0;
  unsigned long long number = strtoull(text, &end, 10);
  /* strtoull takes a sign and leading blanks; a count has neither. */
  if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || number < 1 || number > most)
    return sample_fail(call, GILRT_ERR_INVALID, "%s must be a whole number from 1 to %llu, not \"%.64s\"", name,
                       (unsigned long long)most, text);
  *value = number;
  return GILRT_OK;
}

/* How many calls of the run have the state of this one. */
static inline uint32_t sample_sharers(const gilrt_call_t *call) {
  return call->flags & GILRT_CALL_ALONE ? 1 : call->thread_count;
}

/* The calls of one run, one a thread, end in any order; of those that share the state, who ends last speaks for the run.
   Guarded by the lock. */
typedef struct sample_run {
  uint32_t finished;
} sample_run_t;

static inline bool sample_run_is_over(sample_run_t *run, const gilrt_call_t *call) {
  if (++run->finished < sample_sharers(call)) return false;
  run->finished = 0;
  return true;
}

#endif
