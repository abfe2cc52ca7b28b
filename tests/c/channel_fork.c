/* Forks while threads wait at channels, and while they use them: the child finds what the channels held, and nobody who waits
   (L15). The parent's threads notice nothing. */
#include "child.h"

#define FORKS 100u
#define WAITERS 4u

static obj_type_t *type;
static obj_t *object;
static obj_channel_t *empty, *meeting, *full;
static atomic_bool stop;
static atomic_ulong received, sent;

/* Attached, detached with a state, and nowhere. */
static void become(unsigned index) {
  if (index % 3 == 0) return;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  if (index % 3 == 1) CHECK_STATUS(gil_release(), GILRT_OK);
}

static void unbecome(void) {
  if (gil_held()) CHECK_STATUS(gil_release(), GILRT_OK);
}

static void *keep_receiving(void *index) {
  obj_t *o = NULL;
  unsigned which = (unsigned)(uintptr_t)index;
  int status;
  become(which);
  while ((status = obj_receive(which % 2 ? empty : meeting, FOREVER, &o)) == GILRT_OK) {
    CHECK(o == object);
    obj_decref(o);
    atomic_fetch_add(&received, 1);
  }
  CHECK_STATUS(status, GILRT_ERR_CLOSED);
  unbecome();
  return NULL;
}

static void *keep_sending(void *index) {
  int status;
  become((unsigned)(uintptr_t)index);
  while ((status = obj_send(full, obj_newref(object), FOREVER)) == GILRT_OK) atomic_fetch_add(&sent, 1);
  CHECK_STATUS(status, GILRT_ERR_CLOSED);
  obj_decref(object);
  unbecome();
  return NULL;
}

static void nobody_waits_here(void *unused) {
  (void)unused;
  obj_t *o = NULL;
  obj_channel_t *another = NULL;
  CHECK_STATUS(obj_send(meeting, object, 0), GILRT_ERR_TIMEOUT);
  CHECK_STATUS(obj_send(meeting, object, MILLISECONDS(1)), GILRT_ERR_TIMEOUT);
  CHECK_STATUS(obj_receive(meeting, 0, &o), GILRT_ERR_TIMEOUT);
  CHECK_STATUS(obj_receive(empty, 0, &o), GILRT_ERR_TIMEOUT);
  CHECK_STATUS(obj_send(empty, obj_newref(object), 0), GILRT_OK); /* into the ring */
  CHECK_STATUS(obj_send(empty, object, MILLISECONDS(1)), GILRT_ERR_TIMEOUT);
  CHECK_STATUS(obj_receive(empty, FOREVER, &o), GILRT_OK);
  CHECK(o == object);
  /* What was in the ring is there, and nobody fills it up. */
  for (int i = 0; i < 2; i++) {
    CHECK_STATUS(obj_receive(full, 0, &o), GILRT_OK);
    CHECK(o == object);
  }
  CHECK_STATUS(obj_receive(full, 0, &o), GILRT_ERR_TIMEOUT);
  CHECK_STATUS(obj_channel_new(1, &another), GILRT_OK);
  CHECK_STATUS(obj_send(another, obj_newref(object), FOREVER), GILRT_OK);
  obj_channel_free(another);
  obj_channel_free(empty);
  obj_channel_free(meeting);
  obj_channel_close(full);
  CHECK_STATUS(obj_receive(full, FOREVER, &o), GILRT_ERR_CLOSED);
}

static void the_child_has_nobody_who_waits(void) {
  pthread_t receivers[WAITERS], senders[WAITERS];
  obj_t *o = NULL;
  CHECK_STATUS(obj_channel_new(1, &empty), GILRT_OK);
  CHECK_STATUS(obj_channel_new(0, &meeting), GILRT_OK);
  CHECK_STATUS(obj_channel_new(2, &full), GILRT_OK);
  for (int i = 0; i < 2; i++) CHECK_STATUS(obj_send(full, obj_newref(object), 0), GILRT_OK);
  for (uintptr_t i = 0; i < WAITERS; i++) {
    CHECK_EQ(pthread_create(&receivers[i], NULL, keep_receiving, (void *)i), 0);
    CHECK_EQ(pthread_create(&senders[i], NULL, keep_sending, (void *)i), 0);
  }
  for (unsigned i = 0; i < FORKS; i++) {
    unsigned long before = atomic_load(&received), sent_before = atomic_load(&sent);
    sleep_us(300); /* most of them wait then; whoever does not is not there either */
    in_child(nobody_waits_here, NULL);
    /* Here they are. */
    CHECK_STATUS(obj_send(i % 2 ? empty : meeting, obj_newref(object), FOREVER), GILRT_OK);
    AWAIT(atomic_load(&received) == before + 1);
    CHECK_STATUS(obj_receive(full, FOREVER, &o), GILRT_OK);
    obj_decref(o);
    AWAIT(atomic_load(&sent) == sent_before + 1);
  }
  obj_channel_close(empty);
  obj_channel_free(meeting);
  obj_channel_close(full);
  for (int i = 0; i < (int)WAITERS; i++) {
    CHECK_EQ(pthread_join(receivers[i], NULL), 0);
    CHECK_EQ(pthread_join(senders[i], NULL), 0);
  }
  obj_channel_free(empty);
  obj_channel_free(full);
  CHECK_EQ(obj_refcount(object), 1);
}

static void use(unsigned index, uint64_t patience) {
  obj_t *o = NULL;
  obj_channel_t *own = NULL;
  int status = obj_send(full, obj_newref(object), patience);
  if (status != GILRT_OK) {
    CHECK_STATUS(status, GILRT_ERR_TIMEOUT);
    obj_decref(object);
  }
  status = obj_receive(full, patience, &o);
  if (status == GILRT_OK) obj_decref(o);
  else CHECK_STATUS(status, GILRT_ERR_TIMEOUT);
  CHECK_STATUS(obj_channel_new(index, &own), GILRT_OK);
  if (index > 0) CHECK_STATUS(obj_send(own, obj_newref(object), FOREVER), GILRT_OK);
  obj_channel_free(own);
}

static void use_in_the_child(void *unused) {
  (void)unused;
  for (unsigned i = 0; i < 70; i++) use(i % 3, 0); /* all parts of the table */
  obj_channel_free(full);
}

static void storm(unsigned index, void *unused) {
  (void)unused;
  become(index);
  if (index > 0) {
    while (!atomic_load(&stop)) {
      use(index, 1000);
      if (gil_held()) CHECK_STATUS(gil_poll(), GILRT_OK);
    }
  } else {
    for (unsigned i = 0; i < FORKS; i++) in_child(use_in_the_child, NULL);
    atomic_store(&stop, true);
  }
  unbecome();
}

static void forks_amid_sends_and_receives(void) {
  CHECK_STATUS(obj_channel_new(1, &full), GILRT_OK);
  team_run(4, storm, NULL);
  obj_channel_free(full);
  CHECK_EQ(obj_refcount(object), 1);
}

int main(void) {
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "thing", .payload_size = 8};
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  the_child_has_nobody_who_waits();
  forks_amid_sends_and_receives();
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_decref(object);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
