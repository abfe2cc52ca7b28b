/* Forks from a thread without the lock, while another makes, drops and collects: the child finds lists that are whole, and
   what the other was doing is over (L15). */
#include "graph.h"

#include <sys/wait.h>

#define FORKS 150u

static obj_type_t *type;
static atomic_bool over;
static obj_t *kept;
static atomic_uint steps;

/* A finalizer that lets the lock go: a collection is under way, and its thread somewhere else. */
static void dawdle(obj_t *self) {
  (void)self;
  atomic_fetch_add(&steps, 1);
  GIL_BEGIN_ALLOW_THREADS
  sleep_us(20);
  GIL_END_ALLOW_THREADS
}

static void *keep_collecting(void *argument) {
  obj_type_t *slow = argument;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (unsigned i = 0; !atomic_load(&over); i++) {
    obj_t *ring = ring_new(i % 4 ? type : slow, 1 + i % 30);
    obj_decref(node_new(type));
    node_link(ring, 1, ring_new(type, 100));
    obj_decref(ring);
    CHECK(obj_collect() >= 0);
    atomic_fetch_add(&steps, 1);
    CHECK_STATUS(gil_poll(), GILRT_OK);
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

static void child(void) {
  alarm(60);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK(obj_collect() >= 0); /* not BUSY: who ran the last one does not exist here */
  int64_t before = obj_live_count();
  obj_decref(ring_new(type, 500));
  CHECK(obj_collect() >= 500);
  CHECK(obj_live_count() <= before);
  CHECK_EQ(OBJ_PAYLOAD(nth(kept, 70), node_t)->number, 70);
  obj_decref(kept);
  CHECK(obj_collect() >= 100);
  CHECK_STATUS(gil_release(), GILRT_OK);
  _exit(0);
}

int main(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  type = node_type("node", NULL, node_clear);
  obj_type_t *slow = node_type("slow node", dawdle, node_clear);
  kept = ring_new(type, 100);
  CHECK_STATUS(gil_release(), GILRT_OK);
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, NULL, keep_collecting, slow), 0);
  for (unsigned i = 0; i < FORKS; i++) {
    unsigned seen = atomic_load(&steps);
    AWAIT(atomic_load(&steps) != seen);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) child();
    int status;
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  atomic_store(&over, true);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_decref(kept);
  CHECK(obj_collect() >= 100);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
