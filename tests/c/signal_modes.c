/* Signal handlers acquire and release while their threads change the mode, stop the world and are stopped: a handler is let in or
 * refused, and leaves its thread as it was. */
#include "check.h"
#include <signal.h>

#define OK(call) CHECK_STATUS(call, GILRT_OK)

enum { THREADS = 4 };

static atomic_bool over;
static atomic_int inside;
static _Atomic long let_in;

static void handler(int number) {
  (void)number;
  int before = errno;
  int acquired = gil_acquire();
  if (acquired != GILRT_OK && acquired != GILRT_ERR_DEADLOCK) abort();
  if (acquired == GILRT_OK) {
    let_in++;
    if (!gil_held() || gil_release() != GILRT_OK) abort();
  }
  errno = before;
}

static void *work(void *argument) {
  unsigned seed = (unsigned)(size_t)argument + 1;
  gil_interp_t *interp = gil_interp_main();
  while (!over) {
    bool attached = rand_r(&seed) % 2;
    if (attached) OK(gil_acquire());
    if ((size_t)argument < 2) OK(gil_interp_set_mode(interp, rand_r(&seed) % 2 ? GIL_MODE_LOCKED : GIL_MODE_FREE));
    if (!attached) OK(gil_acquire());
    int mode = gil_interp_mode(interp);
    int others = atomic_fetch_add(&inside, 1);
    CHECK(mode == GIL_MODE_FREE || others == 0);
    CHECK(gil_held());
    atomic_fetch_sub(&inside, 1);
    if (rand_r(&seed) % 16 == 0) {
      OK(gil_stop_world());
      CHECK(inside == 0);
      OK(gil_resume_world());
    }
    gil_poll();
    OK(gil_release());
  }
  return NULL;
}

int main(void) {
  pthread_t t[THREADS];
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  OK(gilrt_init(NULL));
  CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
  for (size_t i = 0; i < THREADS; i++) CHECK(pthread_create(&t[i], NULL, work, (void *)i) == 0);
  for (uint64_t end = now_ns() + MILLISECONDS(1500); now_ns() < end; sleep_us(30))
    for (int i = 0; i < THREADS; i++) CHECK(pthread_kill(t[i], SIGUSR1) == 0);
  over = true;
  for (int i = 0; i < THREADS; i++) CHECK(pthread_join(t[i], NULL) == 0);
  CHECK(let_in > 0);
  OK(gilrt_finalize(FOREVER));
  return 0;
}
