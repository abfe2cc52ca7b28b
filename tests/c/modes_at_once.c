/* Several threads change the mode at once, each to its own, and stop the world in between: the last one wins, who is attached stays
 * so, and where there is a lock one thread at a time is inside. */
#include "check.h"

#define OK(call) CHECK_STATUS(call, GILRT_OK)

enum { THREADS = 4 };

static atomic_bool over;
static atomic_int inside, stopped;
static _Atomic long changes[THREADS];

static void witness(void) {
  int mode = gil_interp_mode(gil_interp_main());
  int others = atomic_fetch_add(&inside, 1);
  CHECK(gil_held());
  CHECK(stopped == 0);
  CHECK(mode == GIL_MODE_FREE || others == 0);
  CHECK(gil_interp_mode(gil_interp_main()) == mode);
  atomic_fetch_sub(&inside, 1);
}

static void stop(void) {
  OK(gil_stop_world());
  CHECK(atomic_fetch_add(&stopped, 1) == 0);
  CHECK(inside == 0);
  atomic_fetch_sub(&stopped, 1);
  OK(gil_resume_world());
}

static void *change(void *argument) {
  size_t me = (size_t)argument;
  unsigned seed = (unsigned)me + 1;
  while (!over) {
    bool attached = rand_r(&seed) % 2;
    if (attached) OK(gil_acquire());
    OK(gil_interp_set_mode(gil_interp_main(), me % 2 ? GIL_MODE_LOCKED : GIL_MODE_FREE));
    CHECK(gil_held() == attached);
    if (!attached) OK(gil_acquire());
    witness();
    if (rand_r(&seed) % 4 == 0) stop();
    if (rand_r(&seed) % 4 == 0) gil_poll();
    OK(gil_release());
    changes[me]++;
  }
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t t[THREADS];
  OK(gilrt_init(NULL));
  for (size_t i = 0; i < THREADS; i++) CHECK(pthread_create(&t[i], NULL, change, (void *)i) == 0);
  sleep_us(argc > 1 ? atoi(argv[1]) * 1000 : 1000000);
  over = true;
  for (size_t i = 0; i < THREADS; i++) CHECK(pthread_join(t[i], NULL) == 0);
  for (size_t i = 0; i < THREADS; i++) CHECK(changes[i] > 0);
  OK(gilrt_finalize(FOREVER));
  return 0;
}
