/*
 * What went wrong, as a status and a sentence: for code that runs detached, where `call->say` must not be called, and is told
 * by whoever is attached again. Include it with _POSIX_C_SOURCE defined.
 */
#ifndef FAILURE_H
#define FAILURE_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <gilrt.h>

typedef struct failure {
  int status;
  char message[400];
} failure_t;

/* Fills `failure` and returns its status. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static inline int failure_set(failure_t *failure, int status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(failure->message, sizeof failure->message, format, arguments);
  va_end(arguments);
  return failure->status = status;
}

/* "cannot <what> <which>: <why>", by errno. */
static inline int failure_errno(failure_t *failure, const char *what, const char *which) {
  int number = errno;
  char reason[128];
  if (strerror_r(number, reason, sizeof reason) != 0) snprintf(reason, sizeof reason, "error %d", number);
  return failure_set(failure, GILRT_ERR_INVALID, "cannot %s %s: %s", what, which, reason);
}

#endif
