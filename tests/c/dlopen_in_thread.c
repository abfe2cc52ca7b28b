/* A host that opens the library in a thread, uses it, closes it and ends the thread, does not crash. Not linked against
   the library: its path is the argument. The types come from the header, every function from dlsym. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gilrt.h>

#define REPETITIONS 20

static const char *path;

static void fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why ? why : "unexpected");
  _Exit(1);
}

/* ISO C has no conversion from an object pointer to a function pointer; POSIX promises that their bytes agree. */
static void find(void *library, const char *name, void *function, size_t size) {
  void *symbol = dlsym(library, name);
  if (!symbol) fail(name, dlerror());
  memcpy(function, &symbol, size);
}

static void *use(void *unused) {
  (void)unused;
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) fail(path, dlerror());
  int (*acquire)(void), (*release)(void), (*poll)(void);
  bool (*held)(void);
  find(library, "gil_acquire", &acquire, sizeof acquire);
  find(library, "gil_release", &release, sizeof release);
  find(library, "gil_poll", &poll, sizeof poll);
  find(library, "gil_held", &held, sizeof held);
  for (int i = 0; i < 100; i++) {
    if (acquire() != GILRT_OK || acquire() != GILRT_OK || !held()) fail("gil_acquire", NULL);
    if (poll() != GILRT_OK) fail("gil_poll", NULL);
    if (release() != GILRT_OK || release() != GILRT_OK || held()) fail("gil_release", NULL);
  }
  if (dlclose(library) != 0) fail("dlclose", dlerror());
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 2) fail(argv[0], "needs the path of the library");
  path = argv[1];
  for (int i = 0; i < REPETITIONS; i++) {
    pthread_t threads[3];
    for (int t = 0; t < 3; t++)
      if (pthread_create(&threads[t], NULL, use, NULL) != 0) fail("pthread_create", NULL);
    for (int t = 0; t < 3; t++) pthread_join(threads[t], NULL);
  }
  return 0;
}
