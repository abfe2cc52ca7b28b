#define _POSIX_C_SOURCE 200809L

#include "member.h"

#include <stdlib.h>

#include <zlib.h>

/* Between two steps there may be a safepoint: 16 KiB are compressed in a fraction of a millisecond, or a few at the worst. */
#define STEP_SIZE ((size_t)16 * 1024)
#define WITH_GZIP_HEADER 16
/* The header's extra field: two letters, the length of what follows, and the member's size; all little-endian. */
#define SIZE_AT 16u
static const uint8_t mark[] = {'g', 'i', 4, 0};

static int fail(failure_t *failure, z_stream *stream, int answer) {
  if (answer == Z_MEM_ERROR) return failure_set(failure, GILRT_ERR_NOMEM, "not enough memory for zlib");
  return failure_set(failure, GILRT_ERR_MODULE, "zlib gave up: %s", stream->msg ? stream->msg : zError(answer));
}

static int pause_or_fail(member_pause_fn pause, failure_t *failure) {
  int status = pause();
  if (status == GILRT_OK) return GILRT_OK;
  return failure_set(failure, status, "stopped in the middle: %s", gilrt_strerror(status));
}

/* Feeds the input in steps. `*answer` is zlib's last one. */
static int in_steps(z_stream *stream, const uint8_t *bytes, size_t length, int (*turn)(z_stream *stream, int flush),
                    member_pause_fn pause, int *answer, failure_t *failure) {
  size_t given = 0;
  /* zlib does not write to its input, but takes a pointer to what may be written. */
  stream->next_in = (z_const Bytef *)(uintptr_t)bytes;
  do {
    size_t step = length - given < STEP_SIZE ? length - given : STEP_SIZE;
    given += step;
    stream->avail_in += (uInt)step;
    *answer = turn(stream, given == length ? Z_FINISH : Z_NO_FLUSH);
    int status = pause_or_fail(pause, failure);
    if (status != GILRT_OK) return status;
  } while (*answer == Z_OK && given < length);
  return GILRT_OK;
}

int member_make(const uint8_t *bytes, size_t length, int level, member_pause_fn pause, uint8_t **member, size_t *size,
                failure_t *failure) {
  z_stream stream = {.zalloc = Z_NULL};
  uint8_t extra[sizeof mark + 4] = {0};
  for (size_t i = 0; i < sizeof mark; i++) extra[i] = mark[i];
  gz_header header = {.os = 255, .extra = extra, .extra_len = sizeof extra}; /* 255: of no system in particular */
  int answer = deflateInit2(&stream, level, Z_DEFLATED, MAX_WBITS + WITH_GZIP_HEADER, 8, Z_DEFAULT_STRATEGY);
  if (answer != Z_OK) return fail(failure, &stream, answer);
  deflateSetHeader(&stream, &header);
  uLong bound = deflateBound(&stream, (uLong)length); /* the header included, since it is set */
  uint8_t *out = malloc(bound);
  int status = GILRT_OK;
  if (!out) status = fail(failure, &stream, Z_MEM_ERROR);
  stream.next_out = out;
  stream.avail_out = (uInt)bound;
  if (status == GILRT_OK) status = in_steps(&stream, bytes, length, deflate, pause, &answer, failure);
  if (status == GILRT_OK && answer != Z_STREAM_END) status = fail(failure, &stream, answer);
  size_t made = stream.total_out;
  deflateEnd(&stream);
  if (status != GILRT_OK) {
    free(out);
    return status;
  }
  for (unsigned i = 0; i < 4; i++) out[SIZE_AT + i] = (uint8_t)(made >> 8 * i);
  *member = out;
  *size = made;
  return GILRT_OK;
}

size_t member_size(const uint8_t *head) {
  const uint8_t begins[] = {0x1f, 0x8b, Z_DEFLATED, 4}; /* gzip's magic number, and the flag for an extra field */
  const uint8_t field[] = {sizeof mark + 4, 0};
  size_t size = 0;
  if (memcmp(head, begins, sizeof begins) != 0 || memcmp(head + 10, field, sizeof field) != 0 ||
      memcmp(head + 12, mark, sizeof mark) != 0)
    return 0;
  for (unsigned i = 0; i < 4; i++) size |= (size_t)head[SIZE_AT + i] << 8 * i;
  return size > MEMBER_HEAD ? size : 0;
}

int member_open(const uint8_t *member, size_t size, uint8_t *block, size_t *length, member_pause_fn pause, const char *path,
                failure_t *failure) {
  z_stream stream = {.zalloc = Z_NULL, .next_out = block, .avail_out = (uInt)BLOCK_SIZE};
  int answer = inflateInit2(&stream, MAX_WBITS + WITH_GZIP_HEADER);
  if (answer != Z_OK) return fail(failure, &stream, answer);
  int status = in_steps(&stream, member, size, inflate, pause, &answer, failure);
  if (status == GILRT_OK && answer == Z_MEM_ERROR) status = fail(failure, &stream, answer);
  /* The last byte of the member is the last of the stream, with a checksum that is right. */
  else if (status == GILRT_OK && (answer != Z_STREAM_END || stream.total_in != size))
    status = failure_set(failure, GILRT_ERR_INVALID, "%s is damaged: %s", path,
                         stream.msg ? stream.msg : "a member does not end where it says");
  *length = stream.total_out;
  inflateEnd(&stream);
  return status;
}
