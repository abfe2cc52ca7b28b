/* echo KIND HOGS: a thread that answers packets, beside others that compute. Says its port, ends when told to quit. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "native.h"
#include "peer.h"

static peer_turn_t *work;
static bool locked;
static uint64_t turns[PEER_MOST_THREADS];
/* Counted by all, plainly, while one thread at a time is inside. */
static uint64_t witness;
/* Relaxed throughout: it orders nothing. */
static atomic_bool stop;

/* One turn at least, so that all of them have computed. */
static void compute(unsigned index) {
  do {
    work();
    turns[index]++;
    if (locked) witness++;
  } while (!atomic_load_explicit(&stop, memory_order_relaxed));
}

/* As CPython's sockets do it: the lock is released around each call that may block. False and a complaint when one fails. */
static bool answer(int s, uint64_t *answered) {
  for (;;) {
    char packet[64];
    struct sockaddr_in client;
    socklen_t length = sizeof client;
    ssize_t got, sent;
    GIL_BEGIN_ALLOW_THREADS
    got = recvfrom(s, packet, sizeof packet, 0, (struct sockaddr *)&client, &length);
    GIL_END_ALLOW_THREADS
    if (got < 0) return perror("no packet came"), false;
    if (got == 4 && memcmp(packet, "quit", 4) == 0) return true;
    GIL_BEGIN_ALLOW_THREADS
    sent = sendto(s, packet, (size_t)got, 0, (const struct sockaddr *)&client, length);
    GIL_END_ALLOW_THREADS
    if (sent != got) return perror("an answer was not sent"), false;
    ++*answered;
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
  long hogs = peer_number(words[1], PEER_MOST_THREADS);
  uint16_t port;
  int s;
  work = peer_turn(words[0]);
  if (!work || hogs < 0 || (s = listen_on(&port)) < 0) return 1;
  if (gil_acquire() != GILRT_OK) return fprintf(stderr, "%s\n", gilrt_error_text()), 1;
  locked = peer_locked();
  uint64_t answered = 0, worked = 0;
  peer_crew_t crew;
  bool well = peer_start(&crew, (unsigned)hogs, compute);
  if (well) {
    printf("{\"port\": %u}\n", port);
    fflush(stdout);
    well = answer(s, &answered);
  }
  atomic_store_explicit(&stop, true, memory_order_relaxed);
  well = peer_join(&crew) && well;
  gil_release();
  close(s);
  if (!well) return 1;
  for (long i = 0; i < hogs; i++) worked += turns[i];
  if (!locked) witness = answered + worked;
  printf("{\"answered\": %" PRIu64 ", \"turns\": %" PRIu64 ", \"witness\": %" PRIu64 "}\n", answered, worked, witness);
  return 0;
}
