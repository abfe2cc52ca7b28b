/* Sockets on the loopback interface. Each function that may block releases the lock around the call that does, and no longer;
   all of them wait a limited time, and leave errno as the system set it. */
#ifndef ECHO_NET_H
#define ECHO_NET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "failure.h"

/* How long a send may take before something is broken. */
#define SEND_MS 10000u

typedef struct sockaddr_in address_t;

typedef struct peer {
  int fd; /* -1: closed */
  address_t address;
} peer_t;

/* A socket (SOCK_STREAM or SOCK_DGRAM) with a port of its own on 127.0.0.1, whose receives and accepts wait so long. */
int net_open(peer_t *peer, int type, uint32_t patience_ms, failure_t *failure);
int net_listen(const peer_t *peer, failure_t *failure);
int net_connect(const peer_t *peer, const address_t *to, failure_t *failure);

/* The next connection that comes from `from`, closing those of others. -1 with errno; EAGAIN: none came in time. */
int net_accept(const peer_t *peer, const address_t *from, uint32_t patience_ms);

/* As recv; EAGAIN: nothing came in time. */
ssize_t net_receive(int fd, uint8_t *bytes, size_t length);

/* Sends all of it; false with errno. */
bool net_send(int fd, const uint8_t *bytes, size_t length);

bool net_is_timeout(int number); /* of errno */
void net_close(peer_t *peer);

#endif
