/* echo KIND HOGS: a thread that answers packets, beside others that compute. Says its port, ends when told to quit. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "native.h"
#include "peer.h"

static peer_turn_t *work;
static bool locked, failed; /* `failed` belongs to the one that answers */
static int listening;
static unsigned hogs;
static uint64_t turns[PEER_MOST_THREADS], answered;
/* Counted by all, plainly, while one thread at a time is inside. */
static uint64_t witness;
/* Relaxed throughout: it orders nothing. */
static atomic_bool stop;

/* As CPython's sockets do it: the lock is released around each call that may block. */
static void answer(void) {
  for (;;) {
    char packet[64];
    struct sockaddr_in client;
    socklen_t length = sizeof client;
    ssize_t got, sent;
    GIL_BEGIN_ALLOW_THREADS
    got = recvfrom(listening, packet, sizeof packet, 0, (struct sockaddr *)&client, &length);
    GIL_END_ALLOW_THREADS
    if (got < 0) {
      perror("no packet came");
      failed = true;
      break;
    }
    if (got == 4 && memcmp(packet, "quit", 4) == 0) break;
    GIL_BEGIN_ALLOW_THREADS
    sent = sendto(listening, packet, (size_t)got, 0, (const struct sockaddr *)&client, length);
    GIL_END_ALLOW_THREADS
    if (sent != got) {
      perror("an answer was not sent");
      failed = true;
      break;
    }
    answered++;
    if (locked) witness++;
  }
  atomic_store_explicit(&stop, true, memory_order_relaxed);
}

static void body(unsigned index) {
  /* The first, so that what else goes wrong somebody answers, and ends the others. */
  if (index == 0) {
    answer();
    return;
  }
  while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
    work();
    turns[index - 1]++;
    if (locked) witness++;
  }
}

/* A socket on a port of 127.0.0.1 that the system chooses, or -1. */
static int listen_on(uint16_t *port) {
  /* A client that is gone says nothing any more. */
  const struct timeval patience = {.tv_sec = 20};
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof address;
  int s = socket(AF_INET, SOCK_DGRAM, 0);
  if (s < 0 || setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
      bind(s, (const struct sockaddr *)&address, sizeof address) != 0 ||
      getsockname(s, (struct sockaddr *)&address, &length) != 0) {
    perror("cannot listen on 127.0.0.1");
    return -1;
  }
  *port = ntohs(address.sin_port);
  return s;
}

int program_echo(int count, char **words) {
  if (count != 2) return fprintf(stderr, "echo wants KIND HOGS\n"), 1;
  long wanted = peer_number(words[1], PEER_MOST_THREADS - 1);
  uint16_t port;
  work = peer_turn(words[0]);
  if (!work || wanted < 0 || (listening = listen_on(&port)) < 0) return 1;
  hogs = (unsigned)wanted;
  printf("{\"port\": %u}\n", port);
  fflush(stdout);
  if (gil_acquire() != GILRT_OK) return fprintf(stderr, "%s\n", gilrt_error_text()), 1;
  locked = peer_locked();
  int error = peer_threads(hogs + 1, body);
  gil_release();
  close(listening);
  if (error != 0 || failed) return 1;
  uint64_t all = answered, worked = 0;
  for (unsigned i = 0; i < hogs; i++) worked += turns[i];
  if (!locked) witness = all + worked;
  printf("{\"answered\": %" PRIu64 ", \"turns\": %" PRIu64 ", \"witness\": %" PRIu64 "}\n", all, worked, witness);
  return 0;
}
