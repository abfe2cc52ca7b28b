/* The client of the module echo, where datagrams are lost, come twice, come wrong or do not come at all; and its percentiles. */
#include "check.h"

#include <sys/socket.h>

static atomic_uint sent;
static enum { LOSE, CORRUPT, SWALLOW } trouble;

/* What the module takes for the system's `send`: loses every seventh datagram, and sends every fifth twice. */
static ssize_t troubled_send(int fd, const void *bytes, size_t length, int flags) {
  unsigned number = atomic_fetch_add(&sent, 1) + 1;
  char copy[1024];
  CHECK(length <= sizeof copy);
  memcpy(copy, bytes, length);
  if (trouble == CORRUPT && length > 0) copy[length - 1] ^= (char)(1 + number % 2); /* there and back, it differs by 3 */
  if (length > 0 && (trouble == SWALLOW || (trouble == LOSE && number % 7 == 0))) return (ssize_t)length;
  if (trouble == LOSE && number % 5 == 0) (void)send(fd, copy, length, flags);
  return send(fd, copy, length, flags);
}

#define send troubled_send
#define DATAGRAM_MS 50u

#include "echo/client.c"
#include "echo/latency.c"
#include "echo/net.c"
#include "echo/server.c"

/* So many requests; the status of the last. */
static int ask(int kind, unsigned requests, client_t *client, failure_t *failure) {
  int status = GILRT_OK;
  trouble = kind;
  *failure = (failure_t){.status = GILRT_OK};
  *client = (client_t){.number = 0};
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(client_open(client, SOCK_DGRAM, 3, 100, failure), GILRT_OK);
  for (unsigned i = 0; i < requests && status == GILRT_OK; i++) status = client_ask(client, failure);
  CHECK(gil_held());
  client_close(client, failure);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return status;
}

static void check_percentiles(void) {
  static latency_t one, other;
  uint64_t most = 0;
  CHECK_EQ(latency_percentile(&one, 50), 0);
  /* 1, 2, …, 10,000: so the n-th percentile is n * 100. */
  for (uint64_t ns = 1; ns <= 10000; ns++) latency_add(ns % 2 ? &one : &other, ns);
  latency_merge(&one, &other);
  CHECK_EQ(one.count, 10000);
  CHECK_EQ(one.most, 10000);
  for (unsigned percent = 1; percent <= 100; percent++) {
    uint64_t exact = percent * 100, found = latency_percentile(&one, percent);
    CHECK(found >= exact && found <= exact + exact / 32 && found >= most);
    most = found;
  }
  CHECK_EQ(most, 10000);
  latency_add(&one, UINT64_MAX);
  CHECK_EQ(latency_percentile(&one, 100) == UINT64_MAX, true);
}

int main(void) {
  static client_t client;
  failure_t failure;
  check_percentiles();

  CHECK_STATUS(ask(LOSE, 40, &client, &failure), GILRT_OK);
  CHECK_STATUS(failure.status, GILRT_OK);
  CHECK_EQ(client.latency.count, 40);
  CHECK(client.resent >= 5 && client.late >= 5);

  CHECK_STATUS(ask(CORRUPT, 40, &client, &failure), GILRT_ERR_MODULE);
  CHECK(strstr(failure.message, "request 1 had a wrong answer: byte 99 of 100 differs"));

  CHECK_STATUS(ask(SWALLOW, 40, &client, &failure), GILRT_ERR_TIMEOUT);
  CHECK(strstr(failure.message, "request 1 had no answer"));
  CHECK_EQ(client.resent, MOST_TRIES - 1);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
