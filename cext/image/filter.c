#include "filter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ppm.h"

/*
 * Fixed point. The weights of a blur sum to 2^16. Across, a value of 8 bits times the weights has 24 bits, of which 16
 * are kept in the ring (at most 255 * 2^8); down, those times the weights are below 2^32 even with the half that
 * rounds. So both sums fit 32 bits, and no order of adding changes them.
 */
#define WEIGHT_BITS 16
#define RING_SHIFT 8
#define ROW_SHIFT 24

static uint32_t taps(const filter_t *filter) { return 2 * filter->radius + 1; }

static uint16_t *ring_row(const filter_t *filter, uint32_t y) {
  return filter->ring + (size_t)(y % taps(filter)) * filter->values;
}

/* Row y + offset, or the nearest that exists: beyond its edge the picture goes on as its outermost row. */
static const uint16_t *ring_row_near(const filter_t *filter, uint32_t y, int64_t offset) {
  int64_t row = (int64_t)y + offset;
  if (row < 0) row = 0;
  if (row >= filter->height) row = (int64_t)filter->height - 1;
  return ring_row(filter, (uint32_t)row);
}

/* A Gaussian that ends at two standard deviations. What rounding takes from one weight it gives to the next, so that
   even the flattest kernel keeps its shape, and the middle one makes the sum exact. */
static void make_weights(filter_t *filter) {
  uint32_t radius = filter->radius, given = 0;
  double sigma = radius / 2.0, total = 1, sum = 0;
  for (uint32_t k = 1; k <= radius; k++) total += 2 * exp(-0.5 * (k / sigma) * (k / sigma));
  for (uint32_t k = radius; k >= 1; k--) {
    sum += exp(-0.5 * (k / sigma) * (k / sigma)) / total;
    uint32_t until = (uint32_t)(sum * (1 << WEIGHT_BITS) + 0.5);
    filter->weights[radius - k] = filter->weights[radius + k] = until - given;
    given = until;
  }
  filter->weights[radius] = (1u << WEIGHT_BITS) - 2 * given;
}

bool filter_new(filter_t *filter, filter_kind_t kind, uint32_t radius, uint32_t width, uint32_t height) {
  size_t bytes = (size_t)width * PPM_CHANNELS;
  bool blur = kind == FILTER_BLUR;
  *filter = (filter_t){.kind = kind, .radius = radius, .width = width, .height = height};
  filter->values = blur ? bytes : width; /* the edges are those of the brightness, one value a pixel */
  filter->row = calloc(bytes, 1);
  filter->ring = calloc(taps(filter), filter->values * sizeof *filter->ring);
  bool complete = filter->row && filter->ring;
  if (blur) {
    filter->padded = calloc(bytes + 2 * (size_t)radius * PPM_CHANNELS, 1);
    filter->sums = calloc(bytes, sizeof *filter->sums);
    filter->weights = calloc(taps(filter), sizeof *filter->weights);
    complete = complete && filter->padded && filter->sums && filter->weights;
  }
  if (!complete) filter_free(filter);
  else if (blur) make_weights(filter);
  return complete;
}

void filter_free(filter_t *filter) {
  free(filter->row);
  free(filter->padded);
  free(filter->ring);
  free(filter->sums);
  free(filter->weights);
}

static void blur_across(filter_t *filter, uint16_t *restrict out) {
  size_t margin = (size_t)filter->radius * PPM_CHANNELS;
  uint32_t *restrict sums = filter->sums;
  memcpy(filter->padded + margin, filter->row, filter->values);
  for (size_t i = 0; i < margin; i++) {
    filter->padded[i] = filter->row[i % PPM_CHANNELS];
    filter->padded[margin + filter->values + i] = filter->row[filter->values - PPM_CHANNELS + i % PPM_CHANNELS];
  }
  memset(sums, 0, filter->values * sizeof *sums);
  for (uint32_t k = 0; k < taps(filter); k++) {
    const uint8_t *restrict from = filter->padded + (size_t)k * PPM_CHANNELS;
    uint32_t weight = filter->weights[k];
    for (size_t i = 0; i < filter->values; i++) sums[i] += weight * from[i];
  }
  for (size_t i = 0; i < filter->values; i++)
    out[i] = (uint16_t)((sums[i] + (1u << (RING_SHIFT - 1))) >> RING_SHIFT);
}

static void blur_down(filter_t *filter, uint32_t y) {
  uint32_t *restrict sums = filter->sums;
  memset(sums, 0, filter->values * sizeof *sums);
  for (uint32_t k = 0; k < taps(filter); k++) {
    const uint16_t *restrict from = ring_row_near(filter, y, (int64_t)k - filter->radius);
    uint32_t weight = filter->weights[k];
    for (size_t i = 0; i < filter->values; i++) sums[i] += weight * from[i];
  }
  for (size_t i = 0; i < filter->values; i++)
    filter->row[i] = (uint8_t)((sums[i] + (1u << (ROW_SHIFT - 1))) >> ROW_SHIFT);
}

/* Brightness as the eye weighs the colours (ITU-R BT.601), in 256ths. */
static void brightness(const filter_t *filter, uint16_t *out) {
  for (uint32_t x = 0; x < filter->width; x++) {
    const uint8_t *pixel = filter->row + (size_t)x * PPM_CHANNELS;
    out[x] = (uint16_t)((77u * pixel[0] + 150u * pixel[1] + 29u * pixel[2] + 128u) >> 8);
  }
}

static void sobel(filter_t *filter, uint32_t y) {
  const uint16_t *above = ring_row_near(filter, y, -1), *here = ring_row_near(filter, y, 0),
                 *below = ring_row_near(filter, y, 1);
  for (uint32_t x = 0; x < filter->width; x++) {
    uint32_t left = x > 0 ? x - 1 : 0, right = x + 1 < filter->width ? x + 1 : x;
    int32_t across = above[right] + 2 * here[right] + below[right] - above[left] - 2 * here[left] - below[left];
    int32_t down = below[left] + 2 * below[x] + below[right] - above[left] - 2 * above[x] - above[right];
    double slope = sqrt((double)(across * across + down * down));
    memset(filter->row + (size_t)x * PPM_CHANNELS, slope < 255 ? (int)slope : 255, PPM_CHANNELS);
  }
}

void filter_take(filter_t *filter, uint32_t y) {
  if (filter->kind == FILTER_BLUR) blur_across(filter, ring_row(filter, y));
  else brightness(filter, ring_row(filter, y));
}

void filter_make(filter_t *filter, uint32_t y) {
  if (filter->kind == FILTER_BLUR) blur_down(filter, y);
  else sobel(filter, y);
}
