#define _POSIX_C_SOURCE 200809L

#include "net.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/time.h>
#include <unistd.h>

static bool set_patience(int fd, int option, uint32_t ms) {
  struct timeval patience = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};
  return setsockopt(fd, SOL_SOCKET, option, &patience, sizeof patience) == 0;
}

/* An answer goes out when it is written, and not when there is more of it. */
static bool send_at_once(int fd) {
  int yes = 1;
  return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0;
}

int net_open(peer_t *peer, int type, uint32_t patience_ms, failure_t *failure) {
  socklen_t length = sizeof peer->address;
  peer->address = (address_t){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  peer->fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  if (peer->fd >= 0 && bind(peer->fd, (struct sockaddr *)&peer->address, length) == 0 &&
      getsockname(peer->fd, (struct sockaddr *)&peer->address, &length) == 0 &&
      set_patience(peer->fd, SO_RCVTIMEO, patience_ms) && set_patience(peer->fd, SO_SNDTIMEO, SEND_MS) &&
      (type != SOCK_STREAM || send_at_once(peer->fd)))
    return GILRT_OK;
  int status = failure_errno(failure, "open", "a socket on 127.0.0.1");
  net_close(peer);
  return status;
}

int net_listen(const peer_t *peer, failure_t *failure) {
  return listen(peer->fd, 1) == 0 ? GILRT_OK : failure_errno(failure, "listen on", "a socket on 127.0.0.1");
}

int net_connect(const peer_t *peer, const address_t *to, failure_t *failure) {
  int answer;
  GIL_BEGIN_ALLOW_THREADS
  answer = connect(peer->fd, (const struct sockaddr *)to, sizeof *to);
  GIL_END_ALLOW_THREADS
  return answer == 0 ? GILRT_OK : failure_errno(failure, "connect to", "the server");
}

static bool is_from(const address_t *address, const address_t *from) {
  return address->sin_port == from->sin_port && address->sin_addr.s_addr == from->sin_addr.s_addr;
}

int net_accept(const peer_t *peer, const address_t *from, uint32_t patience_ms) {
  while (true) {
    address_t address;
    socklen_t length = sizeof address;
    int fd;
    GIL_BEGIN_ALLOW_THREADS
    fd = accept(peer->fd, (struct sockaddr *)&address, &length);
    GIL_END_ALLOW_THREADS
    if (fd < 0 && errno == EINTR) continue;
    if (fd < 0) return -1;
    if (is_from(&address, from) && set_patience(fd, SO_RCVTIMEO, patience_ms) &&
        set_patience(fd, SO_SNDTIMEO, SEND_MS) && send_at_once(fd))
      return fd;
    close(fd);
  }
}

ssize_t net_receive(int fd, uint8_t *bytes, size_t length) {
  ssize_t count;
  do {
    GIL_BEGIN_ALLOW_THREADS
    count = recv(fd, bytes, length, 0);
    GIL_END_ALLOW_THREADS
  } while (count < 0 && errno == EINTR);
  return count;
}

bool net_send(int fd, const uint8_t *bytes, size_t length) {
  size_t done = 0;
  do {
    ssize_t count;
    GIL_BEGIN_ALLOW_THREADS
    count = send(fd, bytes + done, length - done, MSG_NOSIGNAL);
    GIL_END_ALLOW_THREADS
    if (count >= 0) done += (size_t)count;
    else if (errno != EINTR) return false;
  } while (done < length);
  return true;
}

bool net_is_timeout(int number) { return number == EAGAIN || number == EWOULDBLOCK; }

void net_close(peer_t *peer) {
  int number = errno;
  if (peer->fd >= 0) close(peer->fd);
  peer->fd = -1;
  errno = number;
}
