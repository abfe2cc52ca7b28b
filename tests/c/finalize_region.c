/* A thread that is inside a region always comes back to what it held: the end waits for it, and never strands it. */
#include "check.h"

static int away[2];
static atomic_int inside, came_back, let_go;

static void wait_for_a_byte(void) {
  char byte;
  ssize_t count;
  do count = read(away[0], &byte, 1);
  while (count < 0 && errno == EINTR);
  CHECK_EQ(count, 1);
}

static void *leave_and_come_back(void *unused) {
  (void)unused;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  GIL_BEGIN_ALLOW_THREADS
  atomic_store(&inside, 1);
  wait_for_a_byte();
  CHECK_STATUS(gil_acquire(), GILRT_ERR_CLOSED); /* something new, unlike the way back */
  CHECK(!gil_held());
  GIL_END_ALLOW_THREADS
  CHECK(gil_held());
  atomic_store(&came_back, 1);
  AWAIT(atomic_load(&let_go));
  CHECK_STATUS(gil_poll(), GILRT_ERR_CLOSED);
  GIL_BEGIN_ALLOW_THREADS /* and it may do so again */
  GIL_END_ALLOW_THREADS
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK(gil_held());
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
  CHECK_STATUS(gil_acquire(), GILRT_ERR_CLOSED);
  return NULL;
}

int main(void) {
  pthread_t thread;
  CHECK_EQ(pipe(away), 0);
  CHECK_EQ(pthread_create(&thread, NULL, leave_and_come_back, NULL), 0);
  AWAIT(atomic_load(&inside));
  CHECK_STATUS(gilrt_finalize(MILLISECONDS(30)), GILRT_ERR_BUSY);
  CHECK_EQ(write(away[1], "!", 1), 1);
  AWAIT(atomic_load(&came_back));
  CHECK_STATUS(gilrt_finalize(MILLISECONDS(30)), GILRT_ERR_BUSY);
  atomic_store(&let_go, 1);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  close(away[0]);
  close(away[1]);
  return 0;
}
