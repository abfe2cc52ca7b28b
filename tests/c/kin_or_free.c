/* Who wants the main interpreter without its lock meets others that make interpreters with that lock, and end them, attached to the
 * main one: while there is such a one the lock stays. */
#include "check.h"

#define OK(call) CHECK_STATUS(call, GILRT_OK)

static atomic_bool over;
static _Atomic long freed, shared;

static void *change(void *argument) {
  (void)argument;
  while (!over) {
    int changed = gil_interp_set_mode(gil_interp_main(), GIL_MODE_FREE);
    CHECK(changed == GILRT_OK || changed == GILRT_ERR_BUSY);
    freed += changed == GILRT_OK;
    OK(gil_interp_set_mode(gil_interp_main(), GIL_MODE_LOCKED));
  }
  return NULL;
}

static void *share(void *argument) {
  bool attached = argument != NULL;
  while (!over) {
    gil_interp_config_t config = {.struct_size = sizeof config, .mode = GIL_MODE_SHARED};
    gil_interp_t *kin;
    int made = gil_interp_new(&config, &kin);
    if (made == GILRT_OK) {
      CHECK_EQ(gil_interp_mode(gil_interp_main()), GIL_MODE_SHARED);
      if (attached) OK(gil_acquire());
      OK(gil_interp_close(kin, FOREVER));
      CHECK(gil_held() == attached);
      if (attached) OK(gil_release());
      shared++;
    } else {
      CHECK_EQ(made, GILRT_ERR_INVALID);
    }
  }
  return NULL;
}

int main(void) {
  pthread_t t[3];
  OK(gilrt_init(NULL));
  CHECK(pthread_create(&t[0], NULL, change, NULL) == 0);
  CHECK(pthread_create(&t[1], NULL, share, NULL) == 0);
  CHECK(pthread_create(&t[2], NULL, share, &over) == 0);
  sleep_us(1000000);
  AWAIT(freed > 0 && shared > 0);
  over = true;
  for (int i = 0; i < 3; i++) CHECK(pthread_join(t[i], NULL) == 0);
  OK(gilrt_finalize(FOREVER));
  return 0;
}
