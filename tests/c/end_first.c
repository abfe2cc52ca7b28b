/* A host may end what it never used: nothing starts after that, and every call says so. */
#include "check.h"

static void body(unsigned index, void *unused) {
  (void)index, (void)unused;
  CHECK_STATUS(gil_acquire(), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_try_acquire(), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_acquire_for(FOREVER), GILRT_ERR_CLOSED);
  CHECK(!gil_held());
  CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
}

int main(void) {
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  CHECK_STATUS(gilrt_init(NULL), GILRT_ERR_CLOSED);
  team_run(4, body, NULL);
  CHECK_STATUS(gilrt_finalize(0), GILRT_OK);
  return 0;
}
