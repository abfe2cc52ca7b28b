#define _POSIX_C_SOURCE 200809L

#include "client.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

/* A datagram may be lost, also here, where a buffer is full; it is sent again after a time in which a server that is alive
   answers, even one that waits its turn behind others. A stream loses nothing, so no answer means that something is broken. */
#ifndef DATAGRAM_MS /* a test that loses many has less patience */
#define DATAGRAM_MS 200u
#endif
#define MOST_TRIES 50u
#define STREAM_MS 10000u

uint64_t monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int client_open(client_t *client, int type, uint32_t thread, size_t length, failure_t *failure) {
  client->type = type;
  client->thread = thread;
  client->length = length;
  int status = server_open(&client->server, type, failure);
  if (status != GILRT_OK) return status;
  status = net_open(&client->own, type, type == SOCK_STREAM ? STREAM_MS : DATAGRAM_MS, failure);
  if (status != GILRT_OK) {
    net_close(&client->server.own);
    return status;
  }
  address_t server = client->server.own.address; /* the server's socket is its thread's as soon as that runs */
  status = server_start(&client->server, &client->own.address, failure);
  if (status == GILRT_OK) {
    status = net_connect(&client->own, &server, failure);
    if (status != GILRT_OK) server_stop(&client->server, failure);
  }
  if (status != GILRT_OK) net_close(&client->own);
  return status;
}

/* Different for each byte of each request of each thread, so that no other bytes can stand for them. */
static void make_request(client_t *client) {
  uint64_t random = client->number + ((uint64_t)client->thread << 32);
  memcpy(client->request, &client->number, sizeof client->number);
  for (size_t i = sizeof client->number; i < client->length; i++) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    client->request[i] = (uint8_t)(random >> 56);
  }
}

static int check_answer(const client_t *client, size_t length, failure_t *failure) {
  size_t at = 0;
  while (at < length && at < client->length && client->answer[at] == client->request[at]) at++;
  if (at == client->length && at == length) return GILRT_OK;
  return failure_set(failure, GILRT_ERR_MODULE, "request %" PRIu64 " had a wrong answer: byte %zu of %zu differs",
                     client->number, at, client->length);
}

static int no_answer(const client_t *client, failure_t *failure) {
  return failure_set(failure, GILRT_ERR_TIMEOUT, "request %" PRIu64 " had no answer", client->number);
}

static int ask_stream(client_t *client, failure_t *failure) {
  size_t done = 0;
  if (!net_send(client->own.fd, client->request, client->length)) return failure_errno(failure, "send to", "the server");
  while (done < client->length) {
    ssize_t count = net_receive(client->own.fd, client->answer + done, client->length - done);
    if (count == 0) return no_answer(client, failure);
    if (count < 0) return net_is_timeout(errno) ? no_answer(client, failure) : failure_errno(failure, "hear from", "the server");
    done += (size_t)count;
  }
  return check_answer(client, done, failure);
}

/* An answer to an earlier request, which had been sent once more. */
static bool is_late(const client_t *client, size_t length) {
  uint64_t number;
  if (length != client->length) return false;
  memcpy(&number, client->answer, sizeof number);
  return number > 0 && number < client->number;
}

static int ask_datagram(client_t *client, failure_t *failure) {
  for (unsigned tries = 1; tries <= MOST_TRIES; tries++) {
    client->resent += tries > 1;
    if (!net_send(client->own.fd, client->request, client->length)) return failure_errno(failure, "send to", "the server");
    while (true) {
      ssize_t count = net_receive(client->own.fd, client->answer, sizeof client->answer);
      if (count < 0 && net_is_timeout(errno)) break;
      if (count < 0) return failure_errno(failure, "hear from", "the server");
      if (!is_late(client, (size_t)count)) return check_answer(client, (size_t)count, failure);
      client->late++;
    }
  }
  return no_answer(client, failure);
}

int client_ask(client_t *client, failure_t *failure) {
  client->number++;
  make_request(client);
  uint64_t start = monotonic_ns();
  int status = client->type == SOCK_STREAM ? ask_stream(client, failure) : ask_datagram(client, failure);
  if (status == GILRT_OK) latency_add(&client->latency, monotonic_ns() - start);
  return status;
}

void client_close(client_t *client, failure_t *failure) {
  /* Wakes the server. Where the datagram is lost, it looks up by itself. */
  if (client->type == SOCK_DGRAM) (void)net_send(client->own.fd, client->request, 0);
  else shutdown(client->own.fd, SHUT_WR);
  server_stop(&client->server, failure);
  net_close(&client->own);
}
