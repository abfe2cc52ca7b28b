/* A fork while the forking thread itself is in on_request, or was interrupted there by a signal: the child can still end the interpreter.
   The argument is the mode. */
#include "child.h"

#include <signal.h>

static atomic_int forks;

static void on_request(uint64_t thread_id, uint32_t requests, void *user) {
  (void)thread_id, (void)requests, (void)user;
  if (atomic_exchange(&forks, 0) == 1) CHECK_EQ(raise(SIGUSR1), 0);
}

static pid_t child = -1;

static void fork_now(int unused) {
  (void)unused;
  child = fork();
  CHECK(child >= 0);
}

static int call(void *unused) {
  (void)unused;
  return 0;
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 2);
  CHECK(signal(SIGUSR1, fork_now) != SIG_ERR);
  const gil_interp_config_t config = {.struct_size = sizeof config, .mode = atoi(argv[1]), .on_request = on_request};
  gil_interp_t *interp;
  CHECK_STATUS(gil_interp_new(&config, &interp), GILRT_OK);
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  atomic_store(&forks, 1);
  CHECK_STATUS(gil_call_soon(call, NULL), GILRT_OK);
  CHECK(child >= 0); /* it was told, and forked there */
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_interp_close(interp, FOREVER), GILRT_OK);
  if (child == 0) _exit(0); /* the exit handlers are the parent's business */
  int status;
  while (waitpid(child, &status, 0) < 0) CHECK_EQ(errno, EINTR);
  CHECK(WIFEXITED(status));
  CHECK_EQ(WEXITSTATUS(status), 0);
  return 0;
}
