/* ask PORT THREADS MILLISECONDS: threads that do nothing but ask a server and wait for its answer. ask_holding is the same by
   threads that hold the lock while they wait. */
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

static struct sockaddr_in server;
static uint64_t end;
static uint64_t answered[PEER_MOST_THREADS];
static bool locked;
static bool held; /* while waiting for an answer too */
/* Relaxed: whoever reads it has joined the threads. */
static atomic_bool failed;
static uint64_t witness;

static void ask(unsigned index) {
  const struct timeval patience = {.tv_sec = 5};
  int s = socket(AF_INET, SOCK_DGRAM, 0);
  if (s < 0 || setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
      connect(s, (const struct sockaddr *)&server, sizeof server) != 0) {
    perror("socket");
    atomic_store_explicit(&failed, true, memory_order_relaxed);
    return;
  }
  const uint64_t question = index;
  /* One answer at least, however late the thread began. */
  do {
    char answer[64];
    ssize_t sent, got;
    /* What GIL_BEGIN_ALLOW_THREADS and GIL_END_ALLOW_THREADS are made of. */
    uint32_t saved = held ? 0 : gil_region_begin();
    sent = send(s, &question, sizeof question, 0);
    gil_region_end(saved);
    saved = held ? 0 : gil_region_begin();
    got = sent == sizeof question ? recv(s, answer, sizeof answer, 0) : -1;
    gil_region_end(saved);
    if (got != sizeof question || memcmp(answer, &question, sizeof question) != 0) {
      fprintf(stderr, "the answer was another\n");
      atomic_store_explicit(&failed, true, memory_order_relaxed);
      break;
    }
    answered[index]++;
    if (locked) witness++;
  } while (native_now() < end);
  close(s);
}

static int run(int count, char **words) {
  if (count != 3) return fprintf(stderr, "ask wants PORT THREADS MILLISECONDS\n"), 1;
  long port = peer_number(words[0], 65535), threads = peer_number(words[1], PEER_MOST_THREADS),
       milliseconds = peer_number(words[2], 100000);
  if (port < 1 || threads < 1 || milliseconds < 1) return 1;
  server = (struct sockaddr_in){
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
  if (gil_acquire() != GILRT_OK) return fprintf(stderr, "%s\n", gilrt_error_text()), 1;
  locked = peer_locked();
  uint64_t start = native_now();
  end = start + (uint64_t)milliseconds * 1000000;
  peer_crew_t crew;
  bool well = peer_start(&crew, (unsigned)threads, ask);
  well = peer_join(&crew) && well;
  uint64_t took = native_now() - start;
  gil_release();
  if (!well || atomic_load_explicit(&failed, memory_order_relaxed)) return 1;
  uint64_t all = 0, least = UINT64_MAX;
  for (long i = 0; i < threads; i++) {
    all += answered[i];
    if (answered[i] < least) least = answered[i];
  }
  if (!locked) witness = all;
  printf("{\"round_trips\": %" PRIu64 ", \"witness\": %" PRIu64 ", \"least\": %" PRIu64 ", \"elapsed_ns\": %" PRIu64 "}\n",
         all, witness, least, took);
  return 0;
}

int program_ask(int count, char **words) { return run(count, words); }

int program_ask_holding(int count, char **words) {
  held = true;
  return run(count, words);
}
