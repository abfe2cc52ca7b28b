#include "peer.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "native.h"

enum { STEPS = 1000, WORK = 50000 };

/* A step takes what a simple interpreter takes for one, some nanoseconds, and ends with a poll, as a loop's backward jump does. */
static void interpreter(void) {
  uint64_t x = STEPS;
  for (int i = 0; i < STEPS; i++) {
    for (int j = 0; j < 8; j++) x = x * 6364136223846793005u + 1442695040888963407u;
    __asm__ volatile("" : "+r"(x));
    gil_poll_inline();
  }
}

static void holding(void) {
  native_work(WORK);
  gil_poll_inline();
}

static void releasing(void) {
  GIL_BEGIN_ALLOW_THREADS
  native_work(WORK);
  GIL_END_ALLOW_THREADS
}

peer_turn_t *peer_turn(const char *kind) {
  if (strcmp(kind, "interpreter") == 0) return interpreter;
  if (strcmp(kind, "holding") == 0) return holding;
  if (strcmp(kind, "releasing") == 0) return releasing;
  fprintf(stderr, "there is no work of the kind %s\n", kind);
  return NULL;
}

bool peer_locked(void) { return gil_interp_mode(gil_interp_main()) != GIL_MODE_FREE; }

long peer_number(const char *word, long most) {
  char *end;
  errno = 0;
  long number = strtol(word, &end, 10);
  if (errno == 0 && end != word && *end == '\0' && number >= 0 && number <= most) return number;
  fprintf(stderr, "%s is no number from 0 to %ld\n", word, most);
  return -1;
}

static void *begin(void *argument) {
  peer_thread_t *thread = argument;
  if (gil_acquire() != GILRT_OK) return thread;
  thread->body(thread->index);
  gil_release();
  return NULL;
}

bool peer_start(peer_crew_t *crew, unsigned count, void (*body)(unsigned index)) {
  for (crew->count = 0; crew->count < count; crew->count++) {
    peer_thread_t *thread = &crew->threads[crew->count];
    thread->body = body;
    thread->index = crew->count;
    int error = pthread_create(&thread->handle, NULL, begin, thread);
    if (error != 0) {
      fprintf(stderr, "cannot make a thread: %s\n", strerror(error));
      return false;
    }
  }
  return true;
}

bool peer_join(peer_crew_t *crew) {
  bool well = true;
  GIL_BEGIN_ALLOW_THREADS
  for (unsigned i = 0; i < crew->count; i++) {
    void *refused;
    pthread_join(crew->threads[i].handle, &refused);
    if (refused) well = false;
  }
  GIL_END_ALLOW_THREADS
  if (!well) fprintf(stderr, "a thread did not get the lock\n");
  return well;
}
