/* One misuse of channels each, for checking mode to tell: checking_channels KIND. Where the process goes on, nothing was taken. */
#include "check.h"

static int unwanted[16]; /* never an object */
static obj_channel_t *ch;

static void clear_nothing(obj_t *self) { CHECK(self); }

static obj_t *new_object(void (*clear)(obj_t *)) {
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "node", .payload_size = 24, .clear = clear};
  obj_type_t *type = NULL;
  obj_t *object = NULL;
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  return object;
}

static void send_dead(void) {
  obj_t *object = new_object(NULL);
  obj_decref(object);
  CHECK_STATUS(obj_send(ch, object, FOREVER), GILRT_ERR_INVALID);
}

/* Its destructor waits for somebody who is attached. */
static void send_dying(void) {
  obj_t *object = new_object(clear_nothing);
  GIL_BEGIN_ALLOW_THREADS
  obj_decref(object);
  CHECK_STATUS(obj_send(ch, object, 0), GILRT_ERR_INVALID);
  GIL_END_ALLOW_THREADS
}

static void send_no_object(void) {
  CHECK_STATUS(obj_send(ch, (obj_t *)(void *)unwanted, 0), GILRT_ERR_INVALID);
  CHECK_EQ(unwanted[0], 0);
}

/* The sender drops what it has given away, as well. */
static void drop_what_was_sent(void) {
  obj_t *object = new_object(NULL), *out = NULL;
  CHECK_STATUS(obj_send(ch, object, 0), GILRT_OK);
  obj_decref(object);
  CHECK_STATUS(obj_receive(ch, 0, &out), GILRT_ERR_INVALID);
  CHECK(!out);
}

/* A receiver drops what it has not got. */
static void drop_what_was_received_twice(void) {
  obj_t *object = new_object(NULL), *out = NULL;
  CHECK_STATUS(obj_send(ch, object, 0), GILRT_OK);
  CHECK_STATUS(obj_receive(ch, 0, &out), GILRT_OK);
  obj_decref(out);
  obj_decref(out);
}

static void no_channel(void) {
  obj_t *object = new_object(NULL);
  CHECK_STATUS(obj_send((obj_channel_t *)(void *)object, object, 0), GILRT_ERR_INVALID);
  CHECK_EQ(obj_refcount(object), 1);
  obj_decref(object);
}

static void freed_twice(void) {
  obj_channel_t *other = NULL;
  CHECK_STATUS(obj_channel_new(1, &other), GILRT_OK);
  obj_channel_free(other);
  obj_channel_close(other); /* whoever closes may be too late */
  obj_channel_free(other);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*misuse)(void);
  } kinds[] = {{"send_dead", send_dead},
               {"send_dying", send_dying},
               {"send_no_object", send_no_object},
               {"drop_what_was_sent", drop_what_was_sent},
               {"drop_what_was_received_twice", drop_what_was_received_twice},
               {"no_channel", no_channel},
               {"freed_twice", freed_twice}};
  obj_t *out = NULL;
  CHECK_EQ(argc, 2);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_channel_new(2, &ch), GILRT_OK);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(argv[1], kinds[i].name) == 0) kinds[i].misuse();
  CHECK_STATUS(obj_receive(ch, 0, &out), GILRT_ERR_TIMEOUT);
  obj_channel_free(ch);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  puts("went on");
  return 0;
}
