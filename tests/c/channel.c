/* Channels: every answer, in both directions, from threads of every kind. channel MODE, as gil_mode_t numbers them: of the other
   interpreter, whose objects are sent. */
#include "check.h"

#include <signal.h>

typedef enum kind { NOWHERE, DETACHED, ATTACHED, NESTED, KINDS } kind_t;

static gil_interp_t *home;
static obj_type_t *type;
static atomic_int finalized;

static void finalize(obj_t *self) {
  CHECK(gil_held() && gil_interp_current() == home && self);
  atomic_fetch_add(&finalized, 1);
}

static void enter(gil_interp_t *interp) {
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
}

static void leave(void) {
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
}

/* An object of the other interpreter, with a number. */
static obj_t *make(long number) {
  obj_t *o = NULL;
  gil_interp_t *before = gil_interp_current();
  uint32_t depth = gil_detach();
  enter(home);
  CHECK_STATUS(obj_new(type, 0, &o), GILRT_OK);
  *OBJ_PAYLOAD(o, long) = number;
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_interp_enter(before, NULL), GILRT_OK);
  CHECK_STATUS(gil_attach(depth), GILRT_OK);
  return o;
}

static long number(obj_t *o) { return *OBJ_PAYLOAD(o, long); }

/* What has died is finalized at home, by whoever attaches there. */
static void expect_all_dead(int deaths) {
  enter(home);
  CHECK_EQ(atomic_load(&finalized), deaths);
  CHECK_EQ(obj_live_count(), 0);
  leave();
  atomic_store(&finalized, 0);
}

static void misuse_is_answered(void) {
  obj_channel_t *ch = NULL, *never = NULL;
  obj_t *o = make(1), *out = NULL;
  CHECK_STATUS(obj_channel_new(1, NULL), GILRT_ERR_INVALID);
  CHECK_STATUS(obj_channel_new(SIZE_MAX, &ch), GILRT_ERR_NOMEM);
  CHECK(!ch);
  CHECK_STATUS(obj_channel_new(1, &ch), GILRT_OK);
  CHECK_STATUS(obj_send(NULL, o, 0), GILRT_ERR_INVALID);
  CHECK_STATUS(obj_send(ch, NULL, 0), GILRT_ERR_INVALID);
  CHECK_STATUS(obj_receive(NULL, 0, &out), GILRT_ERR_INVALID);
  CHECK_STATUS(obj_receive(ch, 0, NULL), GILRT_ERR_INVALID);
  /* Nothing is looked for at an address: what never was a channel is an answer, too. */
  for (uintptr_t bit = 1; bit; bit <<= 1) {
    never = (obj_channel_t *)((uintptr_t)ch ^ bit);
    int status = obj_send(never, o, 0);
    CHECK(status == GILRT_ERR_INVALID || status == GILRT_ERR_CLOSED);
    status = obj_receive(never, 0, &out);
    CHECK(status == GILRT_ERR_INVALID || status == GILRT_ERR_CLOSED);
    obj_channel_close(never);
    obj_channel_free(never);
  }
  CHECK_STATUS(obj_send((obj_channel_t *)(void *)o, o, 0), GILRT_ERR_INVALID);
  CHECK_STATUS(obj_receive(ch, 0, &out), GILRT_ERR_TIMEOUT);
  obj_channel_close(NULL);
  obj_channel_free(NULL);
  obj_channel_close(ch);
  obj_channel_close(ch);
  CHECK_STATUS(obj_send(ch, o, FOREVER), GILRT_ERR_CLOSED);
  CHECK_STATUS(obj_receive(ch, FOREVER, &out), GILRT_ERR_CLOSED);
  obj_channel_free(ch);
  obj_channel_free(ch);
  obj_channel_close(ch);
  CHECK_STATUS(obj_send(ch, o, FOREVER), GILRT_ERR_CLOSED);
  CHECK_STATUS(obj_receive(ch, FOREVER, &out), GILRT_ERR_CLOSED);
  /* The next channel is not called the same, wherever it is. */
  for (int i = 0; i < 200; i++) {
    obj_channel_t *next = NULL;
    CHECK_STATUS(obj_channel_new(1, &next), GILRT_OK);
    CHECK(next != ch);
    CHECK_STATUS(obj_send(ch, o, 0), GILRT_ERR_CLOSED);
    obj_channel_free(next);
  }
  CHECK(!out);
  CHECK_EQ(obj_refcount(o), 1); /* on every error the reference was kept */
  obj_decref(o);
  expect_all_dead(1);
}

static void first_in_first_out_within_the_capacity(void) {
  static const size_t capacities[] = {1, 2, 3, 100};
  int made = 0;
  for (size_t c = 0; c < sizeof capacities / sizeof *capacities; c++) {
    size_t capacity = capacities[c];
    obj_channel_t *ch = NULL;
    obj_t *out = NULL;
    CHECK_STATUS(obj_channel_new(capacity, &ch), GILRT_OK);
    long sent = 0, received = 0;
    for (int round = 0; round < 3; round++) {
      while ((size_t)(sent - received) < capacity) {
        CHECK_STATUS(obj_send(ch, make(sent++), 0), GILRT_OK);
        made++;
      }
      obj_t *more = make(sent);
      made++;
      CHECK_STATUS(obj_send(ch, more, 0), GILRT_ERR_TIMEOUT);
      CHECK_EQ(obj_refcount(more), 1);
      obj_decref(more);
      do {
        CHECK_STATUS(obj_receive(ch, 0, &out), GILRT_OK);
        CHECK_EQ(number(out), received++);
        CHECK_EQ(obj_refcount(out), 1);
        obj_decref(out);
      } while (sent - received > round);
    }
    while (obj_receive(ch, 0, &out) == GILRT_OK) {
      CHECK_EQ(number(out), received++);
      obj_decref(out);
    }
    CHECK_EQ(received, sent);
    CHECK_STATUS(obj_receive(ch, 0, &out), GILRT_ERR_TIMEOUT);
    obj_channel_free(ch);
  }
  expect_all_dead(made);
}

static void the_same_object_may_be_sent_twice(void) {
  obj_channel_t *ch = NULL;
  obj_t *o = make(1), *out = NULL;
  CHECK_STATUS(obj_channel_new(2, &ch), GILRT_OK);
  CHECK_STATUS(obj_send(ch, obj_newref(o), 0), GILRT_OK);
  CHECK_STATUS(obj_send(ch, obj_newref(o), 0), GILRT_OK);
  CHECK_EQ(obj_refcount(o), 3);
  for (int i = 0; i < 2; i++) {
    CHECK_STATUS(obj_receive(ch, 0, &out), GILRT_OK);
    CHECK(out == o);
    obj_decref(out);
  }
  CHECK_EQ(obj_refcount(o), 1);
  obj_channel_free(ch);
  obj_decref(o);
  expect_all_dead(1);
}

static void become(kind_t kind) {
  if (kind == NOWHERE) return;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  if (kind == NESTED) CHECK_STATUS(gil_acquire(), GILRT_OK);
  if (kind == DETACHED) CHECK_STATUS(gil_release(), GILRT_OK);
}

/* As before the call, and as deep. */
static void unbecome(kind_t kind) {
  CHECK_EQ(gil_held(), kind >= ATTACHED);
  if (kind == NESTED) CHECK_STATUS(gil_release(), GILRT_OK);
  if (kind >= ATTACHED) CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
}

typedef struct pair {
  kind_t sender, receiver;
  obj_channel_t *there, *back;
  uint64_t timeout;
} pair_t;

#define ROUNDS 50

static void *send_and_receive(void *argument) {
  pair_t *pair = argument;
  obj_t *out = NULL;
  become(pair->sender);
  for (long i = 0; i < ROUNDS; i++) {
    obj_t *o = make(i);
    errno = 4711;
    CHECK_STATUS(obj_send(pair->there, o, pair->timeout), GILRT_OK);
    CHECK_STATUS(obj_receive(pair->back, pair->timeout, &out), GILRT_OK);
    CHECK_EQ(errno, 4711);
    CHECK(out == o);
    obj_decref(out);
  }
  unbecome(pair->sender);
  return NULL;
}

static void *receive_and_send(void *argument) {
  pair_t *pair = argument;
  obj_t *out = NULL;
  become(pair->receiver);
  for (long i = 0; i < ROUNDS; i++) {
    CHECK_STATUS(obj_receive(pair->there, pair->timeout, &out), GILRT_OK);
    CHECK_EQ(number(out), i);
    CHECK_EQ(obj_refcount(out), 1);
    CHECK_STATUS(obj_send(pair->back, out, pair->timeout), GILRT_OK);
  }
  unbecome(pair->receiver);
  return NULL;
}

/* Both want the same lock, and wait for each other: who waits does not hold it. Without room the two must meet. */
static void who_waits_does_not_hold_the_lock(void) {
  int made = 0;
  for (int i = 0; i < KINDS * KINDS * 4; i++) {
    pair_t pair = {.sender = i % KINDS, .receiver = i / KINDS % KINDS, .timeout = i & 1 ? FOREVER : FOREVER / 2};
    pthread_t threads[2];
    size_t capacity = (size_t)(i / KINDS / KINDS) % 2;
    CHECK_STATUS(obj_channel_new(capacity, &pair.there), GILRT_OK);
    CHECK_STATUS(obj_channel_new(capacity, &pair.back), GILRT_OK);
    CHECK_EQ(pthread_create(&threads[0], NULL, send_and_receive, &pair), 0);
    CHECK_EQ(pthread_create(&threads[1], NULL, receive_and_send, &pair), 0);
    for (int k = 0; k < 2; k++) CHECK_EQ(pthread_join(threads[k], NULL), 0);
    obj_channel_free(pair.there);
    obj_channel_free(pair.back);
    made += ROUNDS;
  }
  expect_all_dead(made);
}

static void a_wait_lasts_as_long_as_it_should(void) {
  obj_channel_t *ch = NULL;
  obj_t *o = make(1), *out = NULL;
  for (size_t capacity = 0; capacity < 2; capacity++)
    for (kind_t kind = ATTACHED; kind < KINDS; kind++) {
      CHECK_STATUS(obj_channel_new(capacity, &ch), GILRT_OK);
      if (kind == NESTED) CHECK_STATUS(gil_acquire(), GILRT_OK);
      uint64_t begin = now_ns();
      CHECK_STATUS(obj_receive(ch, MILLISECONDS(5), &out), GILRT_ERR_TIMEOUT);
      CHECK(now_ns() - begin >= MILLISECONDS(5));
      if (capacity == 1) CHECK_STATUS(obj_send(ch, obj_newref(o), 0), GILRT_OK);
      begin = now_ns();
      CHECK_STATUS(obj_send(ch, o, MILLISECONDS(5)), GILRT_ERR_TIMEOUT);
      CHECK(now_ns() - begin >= MILLISECONDS(5));
      CHECK_EQ(obj_refcount(o), 1 + capacity);
      CHECK(gil_held() && !out);
      if (kind == NESTED) CHECK_STATUS(gil_release(), GILRT_OK);
      CHECK(gil_held());
      obj_channel_free(ch);
      CHECK_STATUS(gil_poll(), GILRT_OK);
      CHECK_EQ(obj_refcount(o), 1);
    }
  obj_decref(o);
  expect_all_dead(1);
}

static obj_channel_t *empty, *full, *meeting;

static void wait_until_closed(unsigned index, void *unused) {
  (void)unused;
  kind_t kind = index % KINDS;
  obj_t *out = NULL;
  become(kind);
  switch (index / KINDS) {
    case 0: CHECK_STATUS(obj_receive(empty, FOREVER, &out), GILRT_ERR_CLOSED); break;
    case 1: CHECK_STATUS(obj_receive(meeting, FOREVER, &out), GILRT_ERR_CLOSED); break;
    default: {
      obj_t *mine = make(2);
      CHECK_STATUS(obj_send(full, mine, FOREVER), GILRT_ERR_CLOSED);
      CHECK_EQ(obj_refcount(mine), 1);
      obj_decref(mine);
    }
  }
  CHECK(!out);
  unbecome(kind);
}

/* What it holds goes home: nobody here may run its finalizer. */
static void closing_turns_everybody_away(bool freeing) {
  team_t team;
  CHECK_STATUS(obj_channel_new(3, &empty), GILRT_OK);
  CHECK_STATUS(obj_channel_new(0, &meeting), GILRT_OK);
  CHECK_STATUS(obj_channel_new(5, &full), GILRT_OK);
  for (int i = 0; i < 5; i++) CHECK_STATUS(obj_send(full, make(i), 0), GILRT_OK);
  team_start(&team, 3 * KINDS, wait_until_closed, NULL);
  sleep_us(3000); /* most wait by now; who comes later is answered the same */
  void (*end)(obj_channel_t *) = freeing ? obj_channel_free : obj_channel_close;
  end(empty);
  end(meeting);
  end(full);
  team_join(&team);
  CHECK_STATUS(obj_send(full, NULL, 0), GILRT_ERR_INVALID);
  if (!freeing) {
    obj_channel_free(empty);
    obj_channel_free(meeting);
    obj_channel_free(full);
  }
  expect_all_dead(5 + KINDS);
}

/* Received in another interpreter: counted, found weakly, sent on, counted when it has come back. */
static void a_receiver_counts_and_passes_on(void) {
  obj_channel_t *there = NULL, *on = NULL;
  obj_t *out = NULL;
  obj_weak_t *weak = NULL;
  CHECK_STATUS(obj_channel_new(1, &there), GILRT_OK);
  CHECK_STATUS(obj_channel_new(1, &on), GILRT_OK);
  enter(home);
  obj_t *o = make(7);
  obj_t *kept = obj_newref(o);
  CHECK_STATUS(obj_send(there, o, 0), GILRT_OK);
  leave();
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_receive(there, 0, &out), GILRT_OK);
  CHECK(out == o);
  CHECK_EQ(number(out), 7);
  obj_incref(out);
  CHECK_STATUS(obj_weak_new(out, &weak), GILRT_OK);
  obj_t *found = obj_weak_get(weak);
  CHECK(found == o);
  CHECK_EQ(obj_refcount(o), 4);
  CHECK_STATUS(obj_send(on, found, 0), GILRT_OK);
  obj_decref(out);
  obj_decref(out);
  CHECK_STATUS(gil_release(), GILRT_OK);
  enter(home);
  obj_decref(kept);
  CHECK_STATUS(obj_receive(on, 0, &out), GILRT_OK);
  CHECK_EQ(obj_refcount(out), 1);
  CHECK_EQ(atomic_load(&finalized), 0);
  obj_decref(out);
  CHECK_EQ(atomic_load(&finalized), 1); /* at once: this is home */
  CHECK(!obj_weak_get(weak));
  obj_weak_free(weak);
  leave();
  obj_channel_free(there);
  obj_channel_free(on);
  expect_all_dead(1);
}

static atomic_bool refused;
static obj_channel_t *other;
static obj_t *volatile in_handler;

static void on_signal(int unused) {
  (void)unused;
  obj_t *out = NULL;
  int status = obj_receive(other, 0, &out);
  if (status != GILRT_ERR_DEADLOCK) {
    CHECK_STATUS(status, GILRT_ERR_TIMEOUT); /* not inside yet */
    return;
  }
  CHECK_STATUS(obj_send(other, in_handler, 0), GILRT_ERR_DEADLOCK);
  CHECK_STATUS(obj_channel_new(1, &(obj_channel_t *){NULL}), GILRT_ERR_DEADLOCK);
  obj_channel_close(other);
  obj_channel_free(other);
  refused = 1;
}

static void *wait_for_one(void *ch) {
  obj_t *out = NULL;
  CHECK_STATUS(obj_receive(ch, FOREVER, &out), GILRT_OK);
  return out;
}

/* L17. */
static void a_handler_inside_a_wait_is_refused(void) {
  obj_channel_t *ch = NULL;
  pthread_t thread;
  void *out = NULL;
  struct sigaction action = {.sa_handler = on_signal};
  CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
  CHECK_STATUS(obj_channel_new(1, &ch), GILRT_OK);
  CHECK_STATUS(obj_channel_new(1, &other), GILRT_OK);
  obj_t *o = make(1);
  in_handler = o;
  CHECK_EQ(pthread_create(&thread, NULL, wait_for_one, ch), 0);
  while (!refused) {
    CHECK_EQ(pthread_kill(thread, SIGUSR1), 0);
    sleep_us(200);
  }
  CHECK_STATUS(obj_send(ch, o, 0), GILRT_OK);
  CHECK_EQ(pthread_join(thread, &out), 0);
  CHECK(out == o);
  CHECK_STATUS(obj_send(other, o, 0), GILRT_OK); /* neither closed nor freed */
  obj_channel_free(other);
  obj_channel_free(ch);
  expect_all_dead(1);
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 2);
  const gil_interp_config_t config = {.struct_size = sizeof config, .name = "home", .mode = atoi(argv[1])};
  const obj_type_config_t thing = {
      .struct_size = sizeof thing, .name = "thing", .payload_size = sizeof(long), .finalize = finalize};
  CHECK_STATUS(gil_interp_new(&config, &home), GILRT_OK);
  enter(home);
  CHECK_STATUS(obj_type_new(&thing, &type), GILRT_OK);
  leave();
  misuse_is_answered();
  first_in_first_out_within_the_capacity();
  the_same_object_may_be_sent_twice();
  who_waits_does_not_hold_the_lock();
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  a_wait_lasts_as_long_as_it_should();
  closing_turns_everybody_away(false);
  closing_turns_everybody_away(true);
  a_receiver_counts_and_passes_on();
  a_handler_inside_a_wait_is_refused();
  CHECK_STATUS(gil_interp_close(home, FOREVER), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  CHECK_STATUS(obj_channel_new(1, &(obj_channel_t *){NULL}), GILRT_ERR_CLOSED);
  return 0;
}
