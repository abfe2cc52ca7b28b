/* Handlers of other libraries that use the lock while the process forks, whether they were registered before this library
   was loaded or after: those after it can do everything, those before it are refused at the worst, and nothing hangs or is
   lost (L15). fork_handlers LIBRARY: it is opened by path, so that there is a before. */
#include "check.h"

#include <dlfcn.h>
#include <sys/types.h>
#include <sys/wait.h>

static struct {
  int (*acquire)(void);
  int (*try_acquire)(void);
  int (*acquire_for)(uint64_t timeout_ns);
  int (*release)(void);
  bool (*held)(void);
} gil;

/* C has no conversion from an object pointer to a function pointer; POSIX promises that this works. */
static void find(void *library, const char *name, void *function) {
  void *symbol = dlsym(library, name);
  CHECK(symbol);
  memcpy(function, &symbol, sizeof symbol);
}

static unsigned before_ran, after_ran;

static void use_the_lock(bool may_refuse) {
  int status = gil.acquire();
  if (may_refuse && status == GILRT_ERR_DEADLOCK) return;
  CHECK_EQ(status, GILRT_OK);
  CHECK(gil.held());
  CHECK_EQ(gil.release(), GILRT_OK);
}

static void registered_before(void) {
  before_ran++;
  if (gil.acquire) use_the_lock(true);
}

static void registered_after(void) {
  after_ran++;
  use_the_lock(false);
}

static atomic_bool stop;

static void *hammer(void *unused) {
  while (!atomic_load(&stop)) {
    int status = gil.acquire_for(1000000);
    if (status == GILRT_OK) CHECK_EQ(gil.release(), GILRT_OK);
    else CHECK_EQ(status, GILRT_ERR_TIMEOUT);
  }
  return unused;
}

static void *try_once(void *status) {
  *(int *)status = gil.try_acquire();
  if (*(int *)status == GILRT_OK) CHECK_EQ(gil.release(), GILRT_OK);
  return NULL;
}

static int try_from_another_thread(void) {
  pthread_t thread;
  int status;
  CHECK_EQ(pthread_create(&thread, NULL, try_once, &status), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  return status;
}

/* The lock is as the forking thread left it, and goes from hand to hand. */
static void child(bool held) {
  CHECK_EQ(gil.held(), held);
  if (held) {
    CHECK_EQ(try_from_another_thread(), GILRT_ERR_TIMEOUT);
    CHECK_EQ(gil.release(), GILRT_OK);
  }
  CHECK_EQ(try_from_another_thread(), GILRT_OK);
  use_the_lock(false);
  CHECK_EQ(try_from_another_thread(), GILRT_OK);
}

static void fork_once(bool held) {
  if (held) CHECK_EQ(gil.acquire(), GILRT_OK);
  before_ran = after_ran = 0;
  pid_t pid = fork();
  CHECK(pid >= 0);
  CHECK_EQ(before_ran, 2); /* prepare and one of the others */
  CHECK_EQ(after_ran, 2);
  if (pid == 0) {
    child(held);
    _exit(0);
  }
  int status;
  CHECK_EQ(waitpid(pid, &status, 0), pid);
  CHECK_EQ(status, 0);
  CHECK_EQ(gil.held(), held);
  if (held) CHECK_EQ(gil.release(), GILRT_OK);
}

int main(int argc, char **argv) {
  pthread_t thread;
  CHECK_EQ(argc, 2);
  CHECK_EQ(pthread_atfork(registered_before, registered_before, registered_before), 0);
  void *library = dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL);
  if (!library) check_fail(__FILE__, __LINE__, "%s", dlerror());
  find(library, "gil_try_acquire", &gil.try_acquire);
  find(library, "gil_acquire_for", &gil.acquire_for);
  find(library, "gil_release", &gil.release);
  find(library, "gil_held", &gil.held);
  find(library, "gil_acquire", &gil.acquire);
  /* After the library was loaded, though before its first use. */
  CHECK_EQ(pthread_atfork(registered_after, registered_after, registered_after), 0);
  for (unsigned i = 0; i < 10; i++) fork_once(i % 2);
  CHECK_EQ(try_from_another_thread(), GILRT_OK);
  CHECK_EQ(pthread_create(&thread, NULL, hammer, NULL), 0);
  for (unsigned i = 0; i < 50; i++) fork_once(i % 2);
  atomic_store(&stop, true);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  CHECK_EQ(try_from_another_thread(), GILRT_OK);
  return 0;
}
