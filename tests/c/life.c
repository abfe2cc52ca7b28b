/* A life from configuration to end, and what is refused before, during and after it. */
#include "check.h"

static void bad_configurations_are_refused_and_start_nothing(void) {
  gilrt_config_t config = {.struct_size = 0};
  CHECK_STATUS(gilrt_init(&config), GILRT_ERR_INVALID);
  config.struct_size = sizeof config;
  config.mode = 99;
  CHECK_STATUS(gilrt_init(&config), GILRT_ERR_INVALID);
  config.mode = GIL_MODE_LOCKED;
  config.policy = -1;
  CHECK_STATUS(gilrt_init(&config), GILRT_ERR_INVALID);
  config.policy = GIL_POLICY_INTERVAL;
  config.switch_interval_ns = 10000000001u;
  CHECK_STATUS(gilrt_init(&config), GILRT_ERR_INVALID);
}

int main(void) {
  bad_configurations_are_refused_and_start_nothing();
  const gilrt_config_t config = {.struct_size = sizeof config,
                                 .mode = GIL_MODE_LOCKED,
                                 .policy = GIL_POLICY_INTERVAL,
                                 .switch_interval_ns = MILLISECONDS(2)};
  CHECK_STATUS(gilrt_init(&config), GILRT_OK);
  CHECK_EQ(gil_switch_interval(), MILLISECONDS(2));
  CHECK_STATUS(gilrt_init(&config), GILRT_ERR_BUSY);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  uint32_t depth = gil_detach();
  CHECK_EQ(depth, 1);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  CHECK_STATUS(gil_attach(depth), GILRT_ERR_CLOSED); /* no region: nothing holds the end off for it */
  CHECK(!gil_held());
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK); /* it has ended: that is what was asked for */
  CHECK_STATUS(gilrt_finalize(0), GILRT_OK);
  CHECK_STATUS(gilrt_init(&config), GILRT_ERR_CLOSED);
  CHECK_STATUS(gilrt_init(NULL), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_acquire(), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
  CHECK_STATUS(gil_poll(), GILRT_ERR_NOT_ATTACHED);
  GIL_BEGIN_ALLOW_THREADS
  GIL_END_ALLOW_THREADS
  CHECK(!gil_held());
  return 0;
}
