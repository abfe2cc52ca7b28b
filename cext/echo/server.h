/* A server for one client: a thread that sends back what it receives. It holds the lock except while it waits. */
#ifndef ECHO_SERVER_H
#define ECHO_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "failure.h"
#include "net.h"

/* The most that is sent at once. */
#define LARGEST_MESSAGE (32u * 1024u)

typedef struct server {
  peer_t own;       /* the thread's, once it runs */
  int type;         /* SOCK_STREAM or SOCK_DGRAM */
  address_t client; /* all others are ignored */
  gil_interp_t *interp;
  pthread_t thread;
  /* 0; 1: to end. Relaxed: it orders nothing, and what the thread leaves is read after it was joined. */
  atomic_bool stop;
  failure_t failure;
  uint8_t message[LARGEST_MESSAGE];
} server_t;

/* Opens a socket; its address is in `own` from then on. */
int server_open(server_t *server, int type, failure_t *failure);

/* Starts the thread, in the interpreter of the caller, who is attached. The server must be stopped if and only if this went
   well; otherwise its socket is closed. */
int server_start(server_t *server, const address_t *client, failure_t *failure);

/* Ends the thread and waits for it. Its failure, if it had one, goes into `failure`, since the client's follows from it. */
void server_stop(server_t *server, failure_t *failure);

#endif
