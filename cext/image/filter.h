/* Filters that make a row of a picture from the rows around it, with memory for those rows only. */
#ifndef IMAGE_FILTER_H
#define IMAGE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum filter_kind { FILTER_BLUR, FILTER_SOBEL } filter_kind_t;

typedef struct filter {
  filter_kind_t kind;
  uint32_t radius, width, height;
  size_t values;     /* in a prepared row */
  uint8_t *row;      /* the row just read or just made, as in the file */
  uint8_t *padded;   /* blur: that row with its ends repeated, so that the inner loop needs no bounds */
  uint16_t *ring;    /* the last 2 * radius + 1 rows that were taken, prepared; row y is at y modulo their number */
  uint32_t *sums;    /* blur: one accumulator a value */
  uint32_t *weights; /* blur: 2 * radius + 1 of them, 65,536 together */
} filter_t;

/* False if there is not enough memory. */
bool filter_new(filter_t *filter, filter_kind_t kind, uint32_t radius, uint32_t width, uint32_t height);
void filter_free(filter_t *filter);

/* Takes row `y`, which is in `filter->row`. Rows are taken from top to bottom. */
void filter_take(filter_t *filter, uint32_t y);

/* Makes row `y` into `filter->row`; the rows from y - radius to y + radius, as far as they exist, have been taken. */
void filter_make(filter_t *filter, uint32_t y);

#endif
