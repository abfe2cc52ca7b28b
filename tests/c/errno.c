/* errno comes through every call unchanged, the fast ways and the slow ones that sleep, time out and wake others (L14). */
#include "check.h"

#define ROUNDS 300u

#define KEEPS_ERRNO(call)                                                                                              \
  do {                                                                                                                 \
    int before_ = 1 + (int)(marker++ % 120);                                                                           \
    errno = before_;                                                                                                   \
    call;                                                                                                              \
    CHECK_EQ(errno, before_);                                                                                          \
  } while (0)

static obj_type_t *type;

static void finalize(obj_t *self) {
  (void)self;
  errno = EXDEV; /* a finalizer's own business, not that of whoever drops the last reference */
}

static void body(unsigned index, void *unused) {
  (void)unused;
  unsigned marker = index;
  uint32_t depth;
  obj_t *object = NULL;
  for (unsigned round = 0; round < ROUNDS; round++) {
    KEEPS_ERRNO(CHECK_STATUS(gil_acquire(), GILRT_OK));
    KEEPS_ERRNO(CHECK_STATUS(gil_acquire(), GILRT_OK));
    KEEPS_ERRNO(CHECK_STATUS(gil_poll(), GILRT_OK));
    KEEPS_ERRNO(CHECK_STATUS(gil_yield(), GILRT_OK));
    KEEPS_ERRNO(CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK));
    KEEPS_ERRNO(obj_incref(object));
    KEEPS_ERRNO(obj_decref(object));
    KEEPS_ERRNO(depth = gil_detach());
    KEEPS_ERRNO(obj_decref(object)); /* the last one, without the lock */
    KEEPS_ERRNO(CHECK_STATUS(gil_attach(depth), GILRT_OK));
    errno = ENOTTY;
    GIL_BEGIN_ALLOW_THREADS
    CHECK_EQ(errno, ENOTTY);
    errno = EPIPE; /* what the blocking call left */
    GIL_END_ALLOW_THREADS
    CHECK_EQ(errno, EPIPE);
    CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
    KEEPS_ERRNO(obj_decref(object));
    KEEPS_ERRNO(CHECK_STATUS(gil_release(), GILRT_OK));
    KEEPS_ERRNO(CHECK_STATUS(gil_release(), GILRT_OK));
    KEEPS_ERRNO(CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED));
    int status;
    KEEPS_ERRNO(status = gil_try_acquire());
    if (status == GILRT_OK) CHECK_STATUS(gil_release(), GILRT_OK);
    KEEPS_ERRNO(status = gil_acquire_for(50000));
    if (status == GILRT_OK) KEEPS_ERRNO(CHECK_STATUS(gil_release(), GILRT_OK));
  }
}

int main(void) {
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "noisy", .finalize = finalize};
  unsigned marker = 0;
  KEEPS_ERRNO(CHECK_STATUS(gil_acquire(), GILRT_OK)); /* the very first call starts the runtime */
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  team_run(6, body, NULL);
  KEEPS_ERRNO(CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK));
  KEEPS_ERRNO(CHECK_STATUS(gil_acquire(), GILRT_ERR_CLOSED));
  return 0;
}
