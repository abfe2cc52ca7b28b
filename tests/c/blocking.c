/* Around a blocking call the lock is free for others. The threads here wait for one another's bytes in pipes: if a
   region kept the lock, nobody could ever send them. */
#include "check.h"

#define THREADS 8u
#define LAPS 300u

typedef struct ring {
  int pipes[THREADS][2];
  uint64_t passed; /* guarded by the lock */
} ring_t;

static unsigned char receive(int fd) {
  unsigned char byte = 0;
  ssize_t count;
  do count = read(fd, &byte, 1);
  while (count < 0 && errno == EINTR);
  CHECK_EQ(count, 1);
  return byte;
}

static void send_byte(int fd, unsigned char byte) { CHECK_EQ(write(fd, &byte, 1), 1); }

/* Reads with the lock let go, by either way of letting it go; the depth afterwards is what it was. */
static unsigned char receive_without_lock(int fd, bool region) {
  unsigned char byte;
  if (region) {
    GIL_BEGIN_ALLOW_THREADS
    CHECK(!gil_held());
    byte = receive(fd);
    GIL_END_ALLOW_THREADS
  } else {
    uint32_t depth = gil_detach();
    CHECK(!gil_held());
    byte = receive(fd);
    CHECK_STATUS(gil_attach(depth), GILRT_OK);
  }
  CHECK(gil_held());
  return byte;
}

static void pass_on(unsigned index, void *argument) {
  ring_t *ring = argument;
  unsigned depth = index % 3 + 1;
  for (unsigned i = 0; i < depth; i++) CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (unsigned lap = 0; lap < LAPS; lap++) {
    unsigned char byte = receive_without_lock(ring->pipes[index][0], lap % 2 == 0);
    CHECK_EQ(byte, (lap * THREADS + index) % 256);
    ring->passed++;
    send_byte(ring->pipes[(index + 1) % THREADS][1], (unsigned char)(byte + 1));
  }
  for (unsigned i = 0; i < depth; i++) {
    CHECK(gil_held());
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
  CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
}

int main(void) {
  ring_t ring = {.passed = 0};
  for (unsigned i = 0; i < THREADS; i++) CHECK_EQ(pipe(ring.pipes[i]), 0);
  send_byte(ring.pipes[0][1], 0);
  team_run(THREADS, pass_on, &ring);
  CHECK_EQ(ring.passed, THREADS * LAPS);
  for (unsigned i = 0; i < THREADS; i++) {
    close(ring.pipes[i][0]);
    close(ring.pipes[i][1]);
  }
  return 0;
}
