/* Interpreters that close while their objects are in a channel, and while their threads wait at one. channel_interps MODE, as
   gil_mode_t numbers them. */
#include "check.h"

static gil_interp_t *interp;
static int mode;
static obj_type_t *type;
static atomic_int finalized, regions_told;
static obj_channel_t *ch;

static void finalize(obj_t *self) {
  (void)self;
  atomic_fetch_add(&finalized, 1);
}

static void enter(gil_interp_t *which) {
  CHECK_STATUS(gil_interp_enter(which, NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
}

static void leave(void) {
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
}

static void open_interp(void) {
  const gil_interp_config_t config = {.struct_size = sizeof config, .name = "another", .mode = mode};
  const obj_type_config_t thing = {
      .struct_size = sizeof thing, .name = "thing", .payload_size = sizeof(long), .finalize = finalize};
  CHECK_STATUS(gil_interp_new(&config, &interp), GILRT_OK);
  enter(interp);
  CHECK_STATUS(obj_type_new(&thing, &type), GILRT_OK);
  leave();
}

static void send_some(long count) {
  enter(interp);
  for (long i = 0; i < count; i++) {
    obj_t *o = NULL;
    CHECK_STATUS(obj_new(type, 0, &o), GILRT_OK);
    *OBJ_PAYLOAD(o, long) = i;
    CHECK_STATUS(obj_send(ch, o, 0), GILRT_OK);
  }
  leave();
}

/* C8: its finalizer never runs, and all else works: it is counted, sent, found and freed. */
static void orphans_are_sent_and_received(bool closing) {
  obj_t *o = NULL, *found = NULL;
  obj_weak_t *weak = NULL;
  atomic_store(&finalized, 0);
  open_interp();
  CHECK_STATUS(obj_channel_new(8, &ch), GILRT_OK);
  send_some(8);
  CHECK_STATUS(gil_interp_close(interp, FOREVER), GILRT_OK);
  CHECK_EQ(obj_type_live_count(type), 8);
  for (long i = 0; i < 4; i++) {
    if (i == 2) CHECK_STATUS(gil_acquire(), GILRT_OK);
    CHECK_STATUS(obj_receive(ch, 0, &o), GILRT_OK);
    CHECK_EQ(*OBJ_PAYLOAD(o, long), i);
    CHECK_EQ(obj_refcount(o), 1);
    CHECK_STATUS(obj_weak_new(o, &weak), GILRT_OK);
    CHECK_STATUS(obj_send(ch, o, 0), GILRT_OK); /* behind the others */
    found = obj_weak_get(weak);
    CHECK(found == o);
    CHECK_EQ(obj_refcount(o), 2);
    obj_decref(found);
    obj_weak_free(weak);
  }
  for (long i = 0; i < 4; i++) {
    CHECK_STATUS(obj_receive(ch, 0, &o), GILRT_OK);
    CHECK_EQ(*OBJ_PAYLOAD(o, long), 4 + i);
    obj_decref(o);
  }
  CHECK_EQ(obj_type_live_count(type), 4);
  if (closing) obj_channel_close(ch);
  obj_channel_free(ch);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_EQ(atomic_load(&finalized), 0);
}

/* What is dropped while its interpreter lives dies in it, at the latest when that closes. */
static void what_a_freed_channel_held_dies_at_home(void) {
  atomic_store(&finalized, 0);
  open_interp();
  CHECK_STATUS(obj_channel_new(5, &ch), GILRT_OK);
  send_some(5);
  obj_channel_free(ch);
  CHECK_STATUS(gil_interp_close(interp, FOREVER), GILRT_OK);
  CHECK_EQ(atomic_load(&finalized), 5);
}

static void on_log(int level, const char *message, void *unused) {
  (void)level, (void)unused;
  if (strstr(message, "cannot close interpreter another") && strstr(message, "region")) atomic_fetch_add(&regions_told, 1);
}

static atomic_int ready;

static void *wait_attached(void *sends) {
  obj_t *o = NULL;
  enter(interp);
  if (sends) CHECK_STATUS(obj_new(type, 0, &o), GILRT_OK);
  atomic_fetch_add(&ready, 1);
  int status = sends ? obj_send(ch, o, FOREVER) : obj_receive(ch, FOREVER, &o);
  CHECK_STATUS(status, GILRT_ERR_CLOSED);
  CHECK(gil_held()); /* it has come back, into an interpreter that was closing */
  if (sends) obj_decref(o);
  CHECK_STATUS(gil_poll(), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

/* A5: they would come back, so closing waits for them. The host ends their wait by closing the channel. */
static void who_waits_holds_off_the_end(bool sends) {
  pthread_t thread;
  open_interp();
  CHECK_STATUS(obj_channel_new(0, &ch), GILRT_OK);
  atomic_store(&ready, 0);
  atomic_store(&regions_told, 0);
  CHECK_EQ(pthread_create(&thread, NULL, wait_attached, sends ? &ready : NULL), 0);
  AWAIT(atomic_load(&ready));
  gilrt_set_log(on_log, NULL);
  do CHECK_STATUS(gil_interp_close(interp, MILLISECONDS(1)), GILRT_ERR_BUSY);
  while (!atomic_load(&regions_told));
  gilrt_set_log(NULL, NULL);
  obj_channel_close(ch);
  CHECK_STATUS(gil_interp_close(interp, FOREVER), GILRT_OK);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  obj_channel_free(ch);
}

static void *wait_detached(void *unused) {
  obj_t *o = NULL;
  enter(interp);
  CHECK_STATUS(gil_release(), GILRT_OK);
  atomic_fetch_add(&ready, 1);
  CHECK_STATUS(obj_receive(ch, FOREVER, &o), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_ERR_CLOSED);
  CHECK_EQ(*OBJ_PAYLOAD(o, long), 0);
  obj_decref(o);
  return unused;
}

/* Who waits detached waits on when its interpreter has gone, in whose state it sleeps. */
static void who_is_detached_outlives_its_interpreter(void) {
  pthread_t thread;
  gil_interp_t *first;
  open_interp();
  first = interp;
  CHECK_STATUS(obj_channel_new(0, &ch), GILRT_OK);
  atomic_store(&ready, 0);
  CHECK_EQ(pthread_create(&thread, NULL, wait_detached, NULL), 0);
  AWAIT(atomic_load(&ready));
  sleep_us(1000); /* it waits by now, most of the time */
  CHECK_STATUS(gil_interp_close(first, FOREVER), GILRT_OK);
  obj_type_t *mine;
  obj_t *o = NULL;
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "main's", .payload_size = sizeof(long)};
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_type_new(&config, &mine), GILRT_OK);
  CHECK_STATUS(obj_new(mine, 0, &o), GILRT_OK);
  CHECK_STATUS(obj_send(ch, o, FOREVER), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  obj_channel_free(ch);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 2);
  mode = atoi(argv[1]);
  for (int i = 0; i < 3; i++) {
    orphans_are_sent_and_received(true);
    orphans_are_sent_and_received(false);
    what_a_freed_channel_held_dies_at_home();
    who_waits_holds_off_the_end(true);
    who_waits_holds_off_the_end(false);
    who_is_detached_outlives_its_interpreter();
  }
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
