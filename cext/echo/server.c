#define _POSIX_C_SOURCE 200809L

#include "server.h"

#include <unistd.h>

/* How long it takes a server at most to see that it is to stop, where nothing else tells it. */
#define PATIENCE_MS 100u

static bool is_to_stop(server_t *server) { return atomic_load_explicit(&server->stop, memory_order_relaxed); }

/* Until the client says that it is done, which is by an end of the stream, or by an empty datagram. */
static void serve(server_t *server, int fd) {
  while (!is_to_stop(server)) {
    ssize_t count = net_receive(fd, server->message, sizeof server->message);
    if (count == 0) return;
    if (count > 0 && !net_send(fd, server->message, (size_t)count)) count = -1;
    /* ECONNREFUSED, ECONNRESET: the client has gone before its last answer came, and knows why. */
    if (count < 0 && (errno == ECONNREFUSED || errno == ECONNRESET || errno == EPIPE)) return;
    if (count < 0 && !net_is_timeout(errno)) {
      failure_errno(&server->failure, "serve", "a client");
      return;
    }
  }
}

static void serve_stream(server_t *server) {
  peer_t connection = {.fd = -1};
  while (connection.fd < 0 && !is_to_stop(server)) {
    connection.fd = net_accept(&server->own, &server->client, PATIENCE_MS);
    if (connection.fd < 0 && !net_is_timeout(errno)) {
      failure_errno(&server->failure, "accept", "a connection");
      return;
    }
  }
  if (connection.fd >= 0) serve(server, connection.fd);
  net_close(&connection);
}

static void *run(void *argument) {
  server_t *server = argument;
  int status = gil_interp_enter(server->interp, NULL);
  if (status == GILRT_OK) status = gil_acquire();
  if (status == GILRT_OK) {
    if (server->type == SOCK_STREAM) serve_stream(server);
    else serve(server, server->own.fd);
    gil_release();
  } else {
    failure_set(&server->failure, status, "the server cannot enter the interpreter: %s", gilrt_strerror(status));
  }
  /* A client that still waits is answered by the system that there is nobody. */
  net_close(&server->own);
  return NULL;
}

int server_open(server_t *server, int type, failure_t *failure) {
  server->type = type;
  server->failure.status = GILRT_OK;
  atomic_init(&server->stop, false);
  int status = net_open(&server->own, type, PATIENCE_MS, failure);
  if (status == GILRT_OK && type == SOCK_STREAM) status = net_listen(&server->own, failure);
  if (status != GILRT_OK) net_close(&server->own);
  return status;
}

int server_start(server_t *server, const address_t *client, failure_t *failure) {
  server->client = *client;
  server->interp = gil_interp_current();
  /* From now on the system drops what others send. A stream's connections are looked at when they come. */
  int status = server->type == SOCK_DGRAM ? net_connect(&server->own, client, failure) : GILRT_OK;
  if (status == GILRT_OK && (errno = pthread_create(&server->thread, NULL, run, server)) != 0)
    status = failure_errno(failure, "start", "a server's thread");
  if (status != GILRT_OK) net_close(&server->own);
  return status;
}

void server_stop(server_t *server, failure_t *failure) {
  atomic_store_explicit(&server->stop, true, memory_order_relaxed);
  GIL_BEGIN_ALLOW_THREADS
  pthread_join(server->thread, NULL);
  GIL_END_ALLOW_THREADS
  if (server->failure.status != GILRT_OK) *failure = server->failure;
}
