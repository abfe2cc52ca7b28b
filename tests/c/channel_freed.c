/* Channels that are freed while threads are inside, and while they come with the name of one that has gone: all are answered, and
   no reference is lost. */
#include "check.h"

#define THREADS 6u
#define CHANNELS 400u

static obj_type_t *type;
static _Atomic(obj_channel_t *) current;
static atomic_bool over;
static atomic_ulong passed, refused;

/* One sends what it makes, the next sends on what it receives, a third drops it; attached or not. */
static void use(unsigned index, void *unused) {
  (void)unused;
  obj_t *mine = NULL;
  while (!atomic_load(&over)) {
    obj_channel_t *ch = atomic_load(&current);
    int status = GILRT_OK;
    if (index % 2) CHECK_STATUS(gil_acquire(), GILRT_OK);
    if (mine) {
      status = obj_send(ch, mine, FOREVER);
      if (status == GILRT_OK) mine = NULL;
    } else if (index < 2) {
      if (!index) CHECK_STATUS(gil_acquire(), GILRT_OK);
      CHECK_STATUS(obj_new(type, 0, &mine), GILRT_OK);
      if (!index) CHECK_STATUS(gil_release(), GILRT_OK);
    } else {
      status = obj_receive(ch, FOREVER, &mine);
      if (status == GILRT_OK) atomic_fetch_add(&passed, 1);
      if (index >= 4) {
        obj_decref(mine);
        mine = NULL;
      }
    }
    if (status != GILRT_OK) {
      CHECK_STATUS(status, GILRT_ERR_CLOSED);
      atomic_fetch_add(&refused, 1);
    }
    if (index % 2) CHECK_STATUS(gil_release(), GILRT_OK);
  }
  obj_decref(mine);
}

int main(void) {
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "thing", .payload_size = 8};
  obj_channel_t *ch = NULL;
  team_t team;
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  CHECK_STATUS(obj_channel_new(0, &ch), GILRT_OK);
  atomic_store(&current, ch);
  team_start(&team, THREADS, use, NULL);
  for (size_t i = 1; i < CHANNELS; i++) {
    obj_channel_t *next = NULL;
    unsigned long before = atomic_load(&passed);
    AWAIT(atomic_load(&passed) != before);
    CHECK_STATUS(obj_channel_new(i % 4, &next), GILRT_OK);
    atomic_store(&current, next);
    if (i % 3 == 0) obj_channel_close(ch);
    obj_channel_free(ch);
    ch = next;
  }
  atomic_store(&over, true);
  obj_channel_free(ch);
  team_join(&team);
  CHECK(atomic_load(&refused) > 0);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
