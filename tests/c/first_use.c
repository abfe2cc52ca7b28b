/* Nobody has to start the runtime: the first call of anything does, and a configuration after that is too late. */
#include "check.h"

static void body(unsigned index, void *argument) {
  (void)index;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  ++*(unsigned *)argument;
  CHECK_STATUS(gil_release(), GILRT_OK);
}

int main(void) {
  unsigned count = 0;
  CHECK_EQ(gilrt_version(), GILRT_VERSION_HEX);
  CHECK_EQ(gilrt_abi(), GILRT_ABI);
  CHECK(gilrt_version_string() && gilrt_version_string()[0]);
  CHECK(!gil_held());
  team_run(16, body, &count); /* all of them are the first */
  CHECK_EQ(count, 16);
  const gilrt_config_t config = {.struct_size = sizeof config, .mode = GIL_MODE_LOCKED};
  CHECK_STATUS(gilrt_init(&config), GILRT_ERR_BUSY);
  CHECK_STATUS(gilrt_init(NULL), GILRT_ERR_BUSY);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
