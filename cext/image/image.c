/*
 * Picture filters that work on horizontal parts, one a thread.
 *
 * The threads share two files and no memory: each reads the rows of its part and those around it, and writes its own
 * rows. A row is computed in the same way whoever does it, so the picture is the same to the byte however many threads
 * made it. A caller that sets GILRT_CALL_RELEASE lets the parts be computed at the same time; without it the lock is
 * held while computing, and the threads take turns at the safepoint after each row.
 */
#include "sample.h"

#include "filter.h"
#include "ppm.h"

#define DEFAULT_RADIUS 8u
#define LARGEST_RADIUS 500u

typedef struct part {
  uint32_t first, end; /* rows; empty for some threads if there are more threads than rows */
} part_t;

static part_t part_of(const gilrt_call_t *call, uint32_t height) {
  uint64_t rows = height;
  return (part_t){.first = (uint32_t)(rows * call->thread_index / call->thread_count),
                  .end = (uint32_t)(rows * (call->thread_index + UINT64_C(1)) / call->thread_count)};
}

/* Filters the rows of a part. `release` says whether the caller has let go of the lock. */
static int filter_part(const gilrt_call_t *call, filter_t *filter, const ppm_t *in, const ppm_t *out, bool release,
                       ppm_error_t *error) {
  part_t part = part_of(call, in->height);
  uint32_t next = part.first > filter->radius ? part.first - filter->radius : 0; /* the next row to be read */
  for (uint32_t y = part.first; y < part.end; y++) {
    for (; next < in->height && next <= y + filter->radius; next++) {
      int status = ppm_read_row(in, next, filter->row, error);
      if (status != GILRT_OK) return status;
      filter_take(filter, next);
    }
    filter_make(filter, y);
    int status = ppm_write_row(out, y, filter->row, error);
    if (status != GILRT_OK) return status;
    sample_progress(call, y + UINT64_C(1) - part.first, part.end - part.first);
    status = release ? GILRT_OK : gil_poll();
    if (status != GILRT_OK)
      return ppm_fail(error, status, "stopped after row %u: %s", (unsigned)y, gilrt_strerror(status));
  }
  return GILRT_OK;
}

static int filter_files(const gilrt_call_t *call, filter_kind_t kind, uint32_t radius, bool release,
                        ppm_error_t *error) {
  ppm_t in, out;
  filter_t filter;
  int status = ppm_open(&in, call->argv[0], error);
  if (status != GILRT_OK) return status;
  status = ppm_create(&out, call->argv[1], &in, error);
  if (status == GILRT_OK) {
    if (filter_new(&filter, kind, radius, in.width, in.height)) {
      status = filter_part(call, &filter, &in, &out, release, error);
      filter_free(&filter);
    } else {
      status = ppm_fail(error, GILRT_ERR_NOMEM, "not enough memory for %u rows of %u pixels",
                        (unsigned)(2 * radius + 1), (unsigned)in.width);
    }
    ppm_close(&out);
  }
  ppm_close(&in);
  return status;
}

static int run_filter(gilrt_call_t *call, filter_kind_t kind, uint32_t radius) {
  ppm_error_t error;
  int status;
  if (call->flags & GILRT_CALL_RELEASE) {
    GIL_BEGIN_ALLOW_THREADS
    status = filter_files(call, kind, radius, true, &error);
    GIL_END_ALLOW_THREADS
  } else {
    status = filter_files(call, kind, radius, false, &error);
  }
  return status == GILRT_OK ? GILRT_OK : sample_fail(call, status, "%s", error.message);
}

static int run_blur(gilrt_call_t *call) {
  uint64_t radius = DEFAULT_RADIUS;
  int status = sample_check_share(call);
  if (status != GILRT_OK) return status;
  if (call->argc < 2 || call->argc > 3)
    return sample_fail(call, GILRT_ERR_INVALID, "blur needs a picture to read and one to write, and may have a radius");
  status = sample_number(call, 2, "the radius", LARGEST_RADIUS, &radius);
  return status == GILRT_OK ? run_filter(call, FILTER_BLUR, (uint32_t)radius) : status;
}

static int run_sobel(gilrt_call_t *call) {
  int status = sample_check_share(call);
  if (status != GILRT_OK) return status;
  if (call->argc != 2)
    return sample_fail(call, GILRT_ERR_INVALID, "sobel needs a picture to read and one to write");
  return run_filter(call, FILTER_SOBEL, 1);
}

static const gilrt_function_t functions[] = {
    {"blur", "IN OUT [RADIUS]: Gaussian blur of a binary PPM picture, radius 1 to 500 (8)", run_blur},
    {"sobel", "IN OUT: the edges of a binary PPM picture", run_sobel},
};

static const gilrt_module_t module = {
    .struct_size = sizeof module,
    .abi = GILRT_ABI,
    .name = "image",
    .flags = GILRT_MODULE_FREE_THREADED,
    .functions = functions,
    .function_count = sizeof functions / sizeof functions[0],
};

const gilrt_module_t *gilrt_module_get(void) { return &module; }
