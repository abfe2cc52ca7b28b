/* An interpreter is closed while threads change its mode, stop it, try to get in and come back: all are let go, and the close
 * ends. With an argument it shares its lock. */
#include "check.h"
#include <sched.h>

#define OK(call) CHECK_STATUS(call, GILRT_OK)

static gil_interp_t *interp;
static atomic_bool closed;
static bool shared;

static void *change(void *argument) {
  unsigned seed = (unsigned)(size_t)argument;
  for (;;) {
    int r = gil_interp_set_mode(interp, rand_r(&seed) % 2 ? GIL_MODE_LOCKED : GIL_MODE_FREE);
    if (r == GILRT_ERR_CLOSED) return NULL;
    if (r != GILRT_OK) CHECK_EQ(r, GILRT_ERR_BUSY);
  }
}

static void *inner_change(void *argument) {
  unsigned seed = (unsigned)(size_t)argument;
  if (gil_interp_enter(interp, NULL) != GILRT_OK) return NULL;
  for (;;) {
    int r = gil_acquire();
    if (r == GILRT_ERR_CLOSED) return NULL;
    OK(r);
    CHECK(!closed);
    for (int i = 0; i < 3; i++) {
      r = gil_interp_set_mode(interp, rand_r(&seed) % 2 ? GIL_MODE_LOCKED : GIL_MODE_FREE);
      CHECK(gil_held());
      CHECK(r == GILRT_OK || (shared && r == GILRT_ERR_BUSY));
      r = gil_poll();
      if (r == GILRT_ERR_CLOSED) break;
      GIL_BEGIN_ALLOW_THREADS
      if (rand_r(&seed) % 8 == 0) sleep_us(100);
      GIL_END_ALLOW_THREADS
      CHECK(gil_held());
      CHECK(!closed);
    }
    OK(gil_release());
  }
}

static void *hurry(void *argument) {
  unsigned seed = (unsigned)(size_t)argument;
  if (gil_interp_enter(interp, NULL) != GILRT_OK) return NULL;
  for (;;) {
    int r = rand_r(&seed) % 2 ? gil_try_acquire() : gil_acquire_for(rand_r(&seed) % 200000);
    if (r == GILRT_ERR_CLOSED) return NULL;
    if (r == GILRT_ERR_TIMEOUT) {
      sched_yield();
      continue;
    }
    OK(r);
    CHECK(!closed);
    if (rand_r(&seed) % 16 == 0) {
      OK(gil_stop_world());
      if (rand_r(&seed) % 2) gil_poll();
      OK(gil_resume_world());
    }
    CHECK(!closed);
    OK(gil_release());
  }
}

int main(int argc, char **argv) {
  (void)argv;
  OK(gilrt_init(NULL));
  shared = argc > 1;
  unsigned seed = 5;
  uint64_t end = now_ns() + MILLISECONDS(1500);
  long n = 0;
  while (now_ns() < end) {
    int mode = shared ? GIL_MODE_SHARED : n % 2 ? GIL_MODE_FREE : GIL_MODE_LOCKED;
    gil_interp_config_t config = {.struct_size = sizeof config, .mode = mode};
    closed = false;
    OK(gil_interp_new(&config, &interp));
    pthread_t t[5];
    void *(*work[5])(void *) = {change, inner_change, inner_change, hurry, hurry};
    for (int i = 0; i < 5; i++) CHECK(pthread_create(&t[i], NULL, work[i], (void *)(size_t)(n * 7 + i)) == 0);
    sleep_us(rand_r(&seed) % 3000);
    if (n % 2) OK(gil_acquire());
    OK(gil_interp_close(interp, FOREVER));
    closed = true;
    if (n % 2) OK(gil_release());
    for (int i = 0; i < 5; i++) pthread_join(t[i], NULL);
    n++;
  }
  CHECK(n > 0);
  OK(gilrt_finalize(FOREVER));
  return 0;
}
