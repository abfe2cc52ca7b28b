#include "crew.h"

#include <errno.h>
#include <pthread.h>

#include "clock.h"
#include "kernel.h"

typedef struct member {
  unsigned index;
  void (*body)(unsigned index, void *user);
  void *user;
} member_t;

enum gate { GATE_CLOSED, GATE_OPEN, GATE_CANCELLED };

atomic_bool crew_stop;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned ready;
static enum gate gate;

bool crew_ready(void) {
  pthread_mutex_lock(&mutex);
  ready++;
  pthread_cond_broadcast(&changed);
  while (gate == GATE_CLOSED) pthread_cond_wait(&changed, &mutex);
  bool go = gate == GATE_OPEN;
  pthread_mutex_unlock(&mutex);
  return go;
}

/* Lets the threads through the gate once all `threads` stand before it, or sends them home. When that was: looked at before, for
   afterwards they may be done before the caller has a processor again. */
static uint64_t open_gate(unsigned threads, enum gate how) {
  pthread_mutex_lock(&mutex);
  while (ready < threads) pthread_cond_wait(&changed, &mutex);
  gate = how;
  uint64_t start = now_ns();
  pthread_cond_broadcast(&changed);
  pthread_mutex_unlock(&mutex);
  return start;
}

static void *begin(void *argument) {
  member_t *member = argument;
  member->body(member->index, member->user);
  return NULL;
}

int crew_run(unsigned threads, void (*body)(unsigned index, void *user), void (*watch)(void *user), void *user,
             uint64_t *elapsed_ns) {
  if (threads > KERNEL_MOST_THREADS) return EINVAL;
  pthread_t handles[KERNEL_MOST_THREADS];
  member_t members[KERNEL_MOST_THREADS];
  atomic_store(&crew_stop, false);
  ready = 0;
  gate = GATE_CLOSED;
  unsigned made = 0;
  int error = 0;
  while (made < threads && error == 0) {
    members[made] = (member_t){.index = made, .body = body, .user = user};
    error = pthread_create(&handles[made], NULL, begin, &members[made]);
    if (error == 0) made++;
  }
  uint64_t start = open_gate(made, error == 0 ? GATE_OPEN : GATE_CANCELLED);
  if (error == 0 && watch) {
    watch(user);
    atomic_store(&crew_stop, true);
  }
  for (unsigned i = 0; i < made; i++) pthread_join(handles[i], NULL);
  *elapsed_ns = now_ns() - start;
  return error;
}
