#define _POSIX_C_SOURCE 200809L
#define _FILE_OFFSET_BITS 64

#include "ppm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gilrt.h>

/* A header is three numbers and perhaps a comment or two; what is longer is no picture. */
#define LONGEST_HEADER 4096
/* Far above any picture, and small enough that no size computed from a row overflows. */
#define LARGEST_SIDE (1u << 24)

int ppm_fail(ppm_error_t *error, int status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->message, sizeof error->message, format, arguments);
  va_end(arguments);
  return error->status = status;
}

static int fail_with_errno(ppm_error_t *error, const char *what, const char *path) {
  int number = errno;
  char reason[128];
  if (strerror_r(number, reason, sizeof reason) != 0) snprintf(reason, sizeof reason, "error %d", number);
  return ppm_fail(error, GILRT_ERR_INVALID, "cannot %s %s: %s", what, path, reason);
}

typedef struct header {
  uint8_t bytes[LONGEST_HEADER];
  size_t length, at;
} header_t;

static bool is_blank(uint8_t c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* Blanks and comments, in any order, stand before each number. */
static void skip_blanks(header_t *header) {
  bool comment = false;
  for (; header->at < header->length; header->at++) {
    uint8_t c = header->bytes[header->at];
    if (comment) comment = c != '\n';
    else if (c == '#') comment = true;
    else if (!is_blank(c)) return;
  }
}

static bool read_number(header_t *header, uint32_t *out) {
  uint32_t number = 0;
  skip_blanks(header);
  size_t start = header->at;
  for (; header->at < header->length; header->at++) {
    uint8_t c = header->bytes[header->at];
    if (c < '0' || c > '9') break;
    if (number > LARGEST_SIDE) return false;
    number = number * 10 + (uint32_t)(c - '0');
  }
  *out = number;
  return header->at > start;
}

static int parse_header(ppm_t *picture, header_t *header, ppm_error_t *error) {
  uint32_t most;
  if (header->length < 3 || memcmp(header->bytes, "P6", 2) != 0 ||
      !(is_blank(header->bytes[2]) || header->bytes[2] == '#'))
    return ppm_fail(error, GILRT_ERR_INVALID, "%s is no binary PPM picture: it must begin with P6", picture->path);
  header->at = 2;
  bool complete = read_number(header, &picture->width) && read_number(header, &picture->height) &&
                  read_number(header, &most) && header->at < header->length && is_blank(header->bytes[header->at]);
  if (!complete)
    return ppm_fail(error, GILRT_ERR_INVALID,
                    "%s has a broken header: after P6 come its width, height and largest value", picture->path);
  if (picture->width == 0 || picture->height == 0)
    return ppm_fail(error, GILRT_ERR_INVALID, "%s is empty: %u x %u pixels", picture->path,
                    (unsigned)picture->width, (unsigned)picture->height);
  if (picture->width > LARGEST_SIDE || picture->height > LARGEST_SIDE)
    return ppm_fail(error, GILRT_ERR_INVALID, "%s is too large: a side has at most %u pixels", picture->path,
                    LARGEST_SIDE);
  if (most != 255)
    return ppm_fail(error, GILRT_ERR_INVALID, "%s has the largest value %u: only 255 is supported", picture->path,
                    (unsigned)most);
  picture->pixels = (off_t)header->at + 1;
  return GILRT_OK;
}

static size_t row_bytes(const ppm_t *picture) { return (size_t)picture->width * PPM_CHANNELS; }

static off_t size_of_file(const ppm_t *picture) {
  return picture->pixels + (off_t)picture->height * (off_t)row_bytes(picture);
}

static int check_size(const ppm_t *picture, off_t size, ppm_error_t *error) {
  if (size >= size_of_file(picture)) return GILRT_OK;
  return ppm_fail(error, GILRT_ERR_INVALID, "%s is truncated: it has %lld bytes, %u x %u pixels need %lld",
                  picture->path, (long long)size, (unsigned)picture->width, (unsigned)picture->height,
                  (long long)size_of_file(picture));
}

/* Reads until `length` bytes are there or the file ends; the number of bytes, or -1 with errno. */
static ssize_t read_fully(int fd, uint8_t *bytes, size_t length, off_t offset) {
  size_t done = 0;
  while (done < length) {
    ssize_t count = pread(fd, bytes + done, length - done, offset + (off_t)done);
    if (count == 0) break;
    if (count > 0) done += (size_t)count;
    else if (errno != EINTR) return -1;
  }
  return (ssize_t)done;
}

static int write_fully(const ppm_t *picture, const uint8_t *bytes, size_t length, off_t offset, ppm_error_t *error) {
  size_t done = 0;
  while (done < length) {
    ssize_t count = pwrite(picture->fd, bytes + done, length - done, offset + (off_t)done);
    if (count >= 0) done += (size_t)count;
    else if (errno != EINTR) return fail_with_errno(error, "write", picture->path);
  }
  return GILRT_OK;
}

int ppm_open(ppm_t *picture, const char *path, ppm_error_t *error) {
  struct stat file;
  header_t header = {.at = 0};
  picture->path = path;
  picture->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (picture->fd < 0) return fail_with_errno(error, "open", path);
  int status = GILRT_OK;
  ssize_t length = 0;
  if (fstat(picture->fd, &file) != 0) status = fail_with_errno(error, "read", path);
  else if (!S_ISREG(file.st_mode))
    status =
        ppm_fail(error, GILRT_ERR_INVALID, "%s is not a regular file: a picture's rows are read in any order", path);
  else if ((length = read_fully(picture->fd, header.bytes, sizeof header.bytes, 0)) < 0)
    status = fail_with_errno(error, "read", path);
  else {
    header.length = (size_t)length;
    status = parse_header(picture, &header, error);
    if (status == GILRT_OK) status = check_size(picture, file.st_size, error);
  }
  if (status != GILRT_OK) ppm_close(picture);
  return status;
}

/* Written in place of what the file held before; only a size that differs is changed, so rows written stay. */
static int write_header(ppm_t *picture, const ppm_t *like, ppm_error_t *error) {
  struct stat file, source;
  if (fstat(picture->fd, &file) != 0 || fstat(like->fd, &source) != 0)
    return fail_with_errno(error, "write", picture->path);
  if (!S_ISREG(file.st_mode))
    return ppm_fail(error, GILRT_ERR_INVALID, "%s is not a regular file: a picture's rows are written in any order",
                    picture->path);
  if (file.st_dev == source.st_dev && file.st_ino == source.st_ino)
    return ppm_fail(error, GILRT_ERR_INVALID, "%s is both the input and the output: name another file for the output",
                    picture->path);
  char header[64];
  int length = snprintf(header, sizeof header, "P6\n%u %u\n255\n", (unsigned)like->width, (unsigned)like->height);
  picture->width = like->width;
  picture->height = like->height;
  picture->pixels = length;
  if (ftruncate(picture->fd, size_of_file(picture)) != 0) return fail_with_errno(error, "write", picture->path);
  return write_fully(picture, (const uint8_t *)header, (size_t)length, 0, error);
}

int ppm_create(ppm_t *picture, const char *path, const ppm_t *like, ppm_error_t *error) {
  picture->path = path;
  picture->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
  if (picture->fd < 0) return fail_with_errno(error, "create", path);
  int status = write_header(picture, like, error);
  if (status != GILRT_OK) ppm_close(picture);
  return status;
}

int ppm_read_row(const ppm_t *picture, uint32_t y, uint8_t *row, ppm_error_t *error) {
  off_t offset = picture->pixels + (off_t)y * (off_t)row_bytes(picture);
  ssize_t length = read_fully(picture->fd, row, row_bytes(picture), offset);
  if (length < 0) return fail_with_errno(error, "read", picture->path);
  /* It was long enough when it was opened: somebody has shortened it since. */
  if ((size_t)length < row_bytes(picture)) return check_size(picture, offset + (off_t)length, error);
  return GILRT_OK;
}

int ppm_write_row(const ppm_t *picture, uint32_t y, const uint8_t *row, ppm_error_t *error) {
  off_t offset = picture->pixels + (off_t)y * (off_t)row_bytes(picture);
  return write_fully(picture, row, row_bytes(picture), offset, error);
}

void ppm_close(ppm_t *picture) {
  close(picture->fd);
  picture->fd = -1;
}
