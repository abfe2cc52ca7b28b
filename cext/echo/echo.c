/*
 * Waiting beside the lock: each thread of a call is a client that asks a server, a thread of its own, and waits for the
 * answer; both release the lock around each call that may block, and hold it while they make and check their messages. So
 * however many wait, the lock is there for those who have something to do. All of it happens on 127.0.0.1.
 *
 * A client and its server share nothing with the others, so they wait for nobody else; only their figures are put together,
 * by whoever is the last to be done.
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>

#include "sample.h"

#include "client.h"

#define DEFAULT_REQUESTS 5000u
#define MOST_REQUESTS 10000000u
#define DEFAULT_BYTES 64u
#define MOST_BYTES (LARGEST_MESSAGE - SMALLEST_MESSAGE)
#define PROGRESS_STEP 64u
/* Whatever was asked for, a run does not take longer. */
#define MOST_SECONDS 60u

/* What the clients of a run leave for the last of them. */
typedef struct tally {
  latency_t latency;
  uint64_t begun, resent, late; /* when the first client began; datagrams */
  sample_run_t run;
} tally_t;

/* The two functions share nothing, so a run of one does not disturb a run of the other. The mutex guards both tallies;
   nobody blocks while he has it. */
typedef struct echo {
  pthread_mutex_t mutex;
  tally_t tcp, udp;
} echo_t;

static void ask_all(const gilrt_call_t *call, client_t *client, uint64_t requests, failure_t *failure) {
  uint64_t end = monotonic_ns() + MOST_SECONDS * UINT64_C(1000000000), done = 0;
  while (done < requests && client_ask(client, failure) == GILRT_OK) {
    if (++done % PROGRESS_STEP == 0) sample_progress(call, done, requests);
    int status = gil_poll();
    if (status != GILRT_OK) {
      failure_set(failure, status, "stopped after %llu requests: %s", (unsigned long long)done, gilrt_strerror(status));
      break;
    }
    if (done < requests && monotonic_ns() >= end) {
      failure_set(failure, GILRT_ERR_TIMEOUT,
                  "%llu of %llu requests were answered in %u seconds, which is all the time there is", (unsigned long long)done,
                  (unsigned long long)requests, MOST_SECONDS);
      break;
    }
  }
  sample_progress(call, done, requests);
}

static void report(const gilrt_call_t *call, const tally_t *tally, bool datagrams) {
  uint64_t took = monotonic_ns() - tally->begun;
  sample_report(call, "requests", (int64_t)tally->latency.count);
  sample_report(call, "requests_per_second", (int64_t)((double)tally->latency.count * 1e9 / (double)(took ? took : 1)));
  sample_report(call, "p50_ns", (int64_t)latency_percentile(&tally->latency, 50));
  sample_report(call, "p99_ns", (int64_t)latency_percentile(&tally->latency, 99));
  sample_report(call, "max_ns", (int64_t)tally->latency.most);
  if (!datagrams) return;
  sample_report(call, "resent", (int64_t)tally->resent);
  sample_report(call, "late", (int64_t)tally->late);
}

/* Whoever is the last to be done speaks for all, if nothing failed; a run of which a part failed has no figures. */
static void settle(const gilrt_call_t *call, echo_t *echo, tally_t *tally, const client_t *client, const failure_t *failure) {
  tally_t whole;
  pthread_mutex_lock(&echo->mutex);
  latency_merge(&tally->latency, &client->latency);
  tally->resent += client->resent;
  tally->late += client->late;
  bool over = sample_run_is_over(&tally->run, call);
  if (over) {
    whole = *tally;
    *tally = (tally_t){.begun = 0};
  }
  pthread_mutex_unlock(&echo->mutex);
  if (over && failure->status == GILRT_OK) report(call, &whole, client->type == SOCK_DGRAM);
}

static int run(gilrt_call_t *call, int type) {
  echo_t *echo = call->state;
  tally_t *tally = type == SOCK_STREAM ? &echo->tcp : &echo->udp;
  uint64_t requests = DEFAULT_REQUESTS, bytes = DEFAULT_BYTES;
  int status = sample_check_share(call);
  if (status != GILRT_OK) return status;
  if (call->argc > 2)
    return sample_fail(call, GILRT_ERR_INVALID,
                       "too many arguments: give the requests of each thread and their bytes, or less");
  status = sample_number(call, 0, "the number of requests", MOST_REQUESTS, &requests);
  if (status == GILRT_OK) status = sample_number(call, 1, "the number of bytes", MOST_BYTES, &bytes);
  if (status != GILRT_OK) return status;
  client_t *client = calloc(1, sizeof *client);
  if (!client) return sample_fail(call, GILRT_ERR_NOMEM, "not enough memory for a client");
  failure_t failure = {.status = GILRT_OK};
  pthread_mutex_lock(&echo->mutex);
  if (tally->begun == 0) tally->begun = monotonic_ns();
  pthread_mutex_unlock(&echo->mutex);
  if (client_open(client, type, call->thread_index, SMALLEST_MESSAGE + (size_t)bytes, &failure) == GILRT_OK) {
    ask_all(call, client, requests, &failure);
    client_close(client, &failure);
  }
  settle(call, echo, tally, client, &failure);
  free(client);
  return failure.status == GILRT_OK ? GILRT_OK : sample_fail(call, failure.status, "%s", failure.message);
}

static int run_tcp(gilrt_call_t *call) { return run(call, SOCK_STREAM); }

static int run_udp(gilrt_call_t *call) { return run(call, SOCK_DGRAM); }

static int load(void **state) {
  echo_t *echo = calloc(1, sizeof *echo);
  if (!echo) return GILRT_ERR_NOMEM;
  if (pthread_mutex_init(&echo->mutex, NULL) != 0) {
    free(echo);
    return GILRT_ERR_NOMEM;
  }
  *state = echo;
  return GILRT_OK;
}

static void unload(void *state) {
  echo_t *echo = state;
  pthread_mutex_destroy(&echo->mutex);
  free(echo);
}

static const gilrt_function_t functions[] = {
    {"tcp", "[REQUESTS [BYTES]]: each thread asks a server on 127.0.0.1 over a connection, 1 to 32,760 bytes (64)", run_tcp},
    {"udp", "[REQUESTS [BYTES]]: the same with datagrams; what is lost is sent again", run_udp},
};

static const gilrt_module_t module = {
    .struct_size = sizeof module,
    .abi = GILRT_ABI,
    .name = "echo",
    .flags = GILRT_MODULE_FREE_THREADED,
    .load = load,
    .unload = unload,
    .functions = functions,
    .function_count = sizeof functions / sizeof functions[0],
};

const gilrt_module_t *gilrt_module_get(void) { return &module; }
