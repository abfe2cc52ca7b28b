/* A client that asks its server, and checks each answer byte by byte. */
#ifndef ECHO_CLIENT_H
#define ECHO_CLIENT_H

#include "failure.h"
#include "latency.h"
#include "server.h"

typedef struct client {
  peer_t own;
  server_t server;
  int type;
  uint32_t thread;
  size_t length;         /* of a message */
  uint64_t number;       /* of the present request, from 1 */
  uint64_t resent, late; /* datagrams that were sent again, and answers that came after that */
  latency_t latency;
  uint8_t request[LARGEST_MESSAGE], answer[LARGEST_MESSAGE];
} client_t;

/* Each message begins with the number of the request. */
#define SMALLEST_MESSAGE sizeof(uint64_t)

/* Opens both ends and starts the server. Closed if and only if this went well. */
int client_open(client_t *client, int type, uint32_t thread, size_t length, failure_t *failure);

/* One request. Attached, before and after. */
int client_ask(client_t *client, failure_t *failure);

/* Ends the server as well. Its failure, if it had one, takes the place of the client's. */
void client_close(client_t *client, failure_t *failure);

uint64_t monotonic_ns(void);

#endif
