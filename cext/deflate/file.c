#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include "file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* The files of /proc have a size of 0 and something in them all the same. */
static bool tells_its_size(const file_t *file) {
  uint8_t byte;
  return file->size > 0 || pread(file->fd, &byte, 1, 0) <= 0;
}

int file_open(file_t *file, const char *path, failure_t *failure) {
  struct stat found;
  file->path = path;
  /* Non-blocking, so that a pipe is refused and not waited for. */
  file->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file->fd < 0) return failure_errno(failure, "open", path);
  int status = GILRT_OK;
  if (fstat(file->fd, &found) != 0) status = failure_errno(failure, "read", path);
  else if (!S_ISREG(found.st_mode))
    status = failure_set(failure, GILRT_ERR_INVALID, "%s is not a regular file: its blocks are read in any order", path);
  else file->size = (uint64_t)found.st_size;
  if (status == GILRT_OK && !tells_its_size(file))
    status = failure_set(failure, GILRT_ERR_INVALID, "%s does not tell its size: copy it first", path);
  if (status != GILRT_OK) file_close(file);
  return status;
}

/* Refuses what must not be overwritten before it is. */
static int empty(file_t *file, const file_t *source, failure_t *failure) {
  struct stat found, other;
  if (fstat(file->fd, &found) != 0 || fstat(source->fd, &other) != 0) return failure_errno(failure, "write", file->path);
  file->is_regular = S_ISREG(found.st_mode);
  if (!file->is_regular && !S_ISCHR(found.st_mode))
    return failure_set(failure, GILRT_ERR_INVALID, "%s is neither a file nor a device to write to", file->path);
  if (found.st_dev == other.st_dev && found.st_ino == other.st_ino)
    return failure_set(failure, GILRT_ERR_INVALID,
                       "%s is both the input and the output: name another file for the output", file->path);
  if (file->is_regular && ftruncate(file->fd, 0) != 0) return failure_errno(failure, "write", file->path);
  return GILRT_OK;
}

int file_create(file_t *file, const char *path, const file_t *source, failure_t *failure) {
  file->path = path;
  file->size = 0;
  file->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
  if (file->fd < 0) return failure_errno(failure, "create", path);
  int status = empty(file, source, failure);
  if (status != GILRT_OK) file_close(file);
  return status;
}

int file_read(const file_t *file, uint8_t *bytes, size_t length, uint64_t offset, failure_t *failure) {
  size_t done = 0;
  while (done < length) {
    ssize_t count = pread(file->fd, bytes + done, length - done, (off_t)(offset + done));
    if (count > 0) done += (size_t)count;
    else if (count == 0)
      return failure_set(failure, GILRT_ERR_INVALID, "%s ends after %llu bytes: was it shortened meanwhile?", file->path,
                         (unsigned long long)(offset + done));
    else if (errno != EINTR) return failure_errno(failure, "read", file->path);
  }
  return GILRT_OK;
}

int file_write(const file_t *file, const uint8_t *bytes, size_t length, failure_t *failure) {
  size_t done = 0;
  while (done < length) {
    ssize_t count = write(file->fd, bytes + done, length - done);
    if (count >= 0) done += (size_t)count;
    else if (errno != EINTR) return failure_errno(failure, "write", file->path);
  }
  return GILRT_OK;
}

int file_finish(file_t *file, failure_t *failure) {
  int answer = close(file->fd);
  file->fd = -1;
  return answer == 0 || errno == EINTR ? GILRT_OK : failure_errno(failure, "write", file->path);
}

void file_close(file_t *file) {
  close(file->fd);
  file->fd = -1;
}
