/* Files, with sentences for what goes wrong. */
#ifndef DEFLATE_FILE_H
#define DEFLATE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"

typedef struct file {
  const char *path; /* the caller's, for messages */
  int fd;
  uint64_t size; /* when it was opened */
  bool is_regular;
} file_t;

/* Opens a regular file, whose blocks are read in any order. On failure nothing stays open. */
int file_open(file_t *file, const char *path, failure_t *failure);

/* Opens or creates a file that is written from beginning to end, and empties it. It must not be `source`. */
int file_create(file_t *file, const char *path, const file_t *source, failure_t *failure);

/* Reads exactly so many bytes. */
int file_read(const file_t *file, uint8_t *bytes, size_t length, uint64_t offset, failure_t *failure);

int file_write(const file_t *file, const uint8_t *bytes, size_t length, failure_t *failure);

/* Closes a file that was written to, which may tell only now that it could not be. */
int file_finish(file_t *file, failure_t *failure);

void file_close(file_t *file);

#endif
