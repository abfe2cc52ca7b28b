/* What our programs share. Each is a function that the tool calls with the words that the same program of another runtime gets,
   in a process of its own. It prints lines of JSON, and returns 0 or, having said why, something else. */
#ifndef PEER_H
#define PEER_H

#include <gilrt_inline.h>
#include <pthread.h>
#include <stdbool.h>

#define PEER_MOST_THREADS 16

typedef int peer_program_t(int count, char **words);

peer_program_t program_compute, program_ask, program_ask_holding, program_echo;

/* One turn of CPU-bound work; the caller holds the lock. */
typedef void peer_turn_t(void);

/* The work of this kind, or NULL and a complaint: the interpreter's own steps, C that holds the lock, C that releases it. */
peer_turn_t *peer_turn(const char *kind);

/* Whether one thread at a time is inside, so that a plain counter of all is a witness of it. */
bool peer_locked(void);

/* A number of at most `most`, or -1 and a complaint. */
long peer_number(const char *word, long most);

typedef struct peer_thread {
  pthread_t handle;
  void (*body)(unsigned index);
  unsigned index;
} peer_thread_t;

typedef struct peer_crew {
  peer_thread_t threads[PEER_MOST_THREADS];
  unsigned count;
} peer_crew_t;

/* Runs `body(index)` on so many threads, each attached. False and a complaint when not all could be made; those that could be
   run, and are to be joined. */
bool peer_start(peer_crew_t *crew, unsigned count, void (*body)(unsigned index));

/* Waits until all have ended, detached meanwhile. False and a complaint when one was refused the lock. */
bool peer_join(peer_crew_t *crew);

#endif
