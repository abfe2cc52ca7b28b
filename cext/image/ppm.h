/* Binary PPM pictures (P6, 8 bits a channel), read and written row by row, so that threads can share one file. */
#ifndef IMAGE_PPM_H
#define IMAGE_PPM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PPM_CHANNELS 3u

typedef struct ppm {
  const char *path; /* the caller's, for messages */
  int fd;
  uint32_t width, height;
  off_t pixels; /* where they begin in the file */
} ppm_t;

/* What went wrong, as a status and a sentence for the user. */
typedef struct ppm_error {
  int status;
  char message[400];
} ppm_error_t;

/* Opens and checks a picture. On failure `error` is filled in and nothing stays open. */
int ppm_open(ppm_t *picture, const char *path, ppm_error_t *error);

/* Opens or creates `path` for a picture as large as `like`. All threads do so, and it makes no difference in what
   order: the file gets its final size, never loses rows that are written already, and has the same header from each. */
int ppm_create(ppm_t *picture, const char *path, const ppm_t *like, ppm_error_t *error);

/* `row` has width * PPM_CHANNELS bytes. */
int ppm_read_row(const ppm_t *picture, uint32_t y, uint8_t *row, ppm_error_t *error);
int ppm_write_row(const ppm_t *picture, uint32_t y, const uint8_t *row, ppm_error_t *error);

void ppm_close(ppm_t *picture);

/* Fills `error` and returns its status. */
#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
int ppm_fail(ppm_error_t *error, int status, const char *format, ...);

#endif
