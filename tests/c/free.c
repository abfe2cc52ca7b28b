/* Interpreters without a lock: threads are inside at once, each counts what it made plainly, and whoever drops the last
   reference from elsewhere leaves it to the owner, or merges on its behalf when the owner is detached or gone. */
#include "check.h"

#define THREADS 6u
#define OBJECTS 64u
#define ROUNDS 300u

typedef struct payload {
  atomic_uint *finalized;
} payload_t;

static gil_interp_t *interp;
static obj_type_t *type;
static atomic_uint inside, finalizers;

static void finalize(obj_t *self) {
  CHECK(gil_held());
  CHECK(gil_interp_current() == interp);
  CHECK_STATUS(gil_acquire(), GILRT_OK); /* refused if it ran inside the library, as in a signal handler */
  CHECK_STATUS(gil_release(), GILRT_OK);
  atomic_fetch_add(OBJ_PAYLOAD(self, payload_t)->finalized, 1);
  atomic_fetch_add(&finalizers, 1);
}

static obj_t *new_object(atomic_uint *finalized) {
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  OBJ_PAYLOAD(object, payload_t)->finalized = finalized;
  return object;
}

static void enter(void) {
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK(gil_held());
}

static void leave(void) { CHECK_STATUS(gil_release(), GILRT_OK); }

static void open_interp(void) {
  gil_interp_config_t config = {.struct_size = sizeof config, .name = "free", .mode = GIL_MODE_FREE};
  CHECK_STATUS(gil_interp_new(&config, &interp), GILRT_OK);
  CHECK_EQ(gil_interp_mode(interp), GIL_MODE_FREE);
  enter();
  obj_type_config_t shape = {
      .struct_size = sizeof shape, .name = "leaf", .payload_size = sizeof(payload_t), .finalize = finalize};
  CHECK_STATUS(obj_type_new(&shape, &type), GILRT_OK);
  leave();
}

static void close_interp(void) {
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
  CHECK_STATUS(gil_interp_close(interp, FOREVER), GILRT_OK);
  CHECK_STATUS(gil_interp_close(interp, 0), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_interp_mode(interp), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_ERR_CLOSED);
}

static void all_are_inside_at_once(unsigned index, void *unused) {
  (void)index, (void)unused;
  enter();
  atomic_fetch_add(&inside, 1);
  AWAIT(atomic_load(&inside) == THREADS);
  CHECK_STATUS(gil_try_acquire(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_yield(), GILRT_OK);
  leave();
  CHECK(!gil_held());
}

typedef struct shared {
  _Atomic(obj_t *) slots[OBJECTS];
  atomic_uint finalized[OBJECTS * ROUNDS];
  atomic_uint made;
} shared_t;

/* Every thread makes objects, and takes and drops those of others: attached, detached, and after it has left for the main
   interpreter, where its counts are somebody else's. */
static void share(unsigned index, void *argument) {
  shared_t *shared = argument;
  unsigned random = index * 2654435761u + 1;
  enter();
  for (unsigned round = 0; round < ROUNDS; round++) {
    random = random * 1664525u + 1013904223u;
    obj_t *mine = NULL;
    unsigned number = atomic_fetch_add(&shared->made, 1);
    if (number < OBJECTS * ROUNDS) {
      mine = new_object(&shared->finalized[number]);
      for (unsigned i = 0; i < random >> 29; i++) obj_decref(obj_newref(mine));
    }
    obj_t *other = atomic_exchange(&shared->slots[(random >> 8) % OBJECTS], mine);
    obj_incref(other);
    if (random >> 30 == 0) {
      uint32_t depth = gil_detach();
      obj_decref(other);
      obj_decref(other);
      CHECK_STATUS(gil_attach(depth), GILRT_OK);
    } else if (random >> 30 == 1 && round % 8 == 0) {
      leave();
      CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
      CHECK_STATUS(gil_acquire(), GILRT_OK);
      obj_decref(other);
      obj_decref(other);
      CHECK_STATUS(gil_release(), GILRT_OK);
      enter();
    } else {
      obj_decref(other);
      obj_decref(other);
    }
    if (round % 4 == 0) CHECK_STATUS(gil_poll(), GILRT_OK);
  }
  if (index % 2 == 0) leave(); /* the others end attached, which is reported and made good */
}

static void counts_are_exact_among_threads_that_run_at_once(void) {
  static shared_t shared;
  team_run(THREADS, share, &shared);
  enter();
  for (unsigned i = 0; i < OBJECTS; i++) obj_decref(atomic_exchange(&shared.slots[i], NULL));
  CHECK_STATUS(gil_poll(), GILRT_OK);
  leave();
  enter();
  CHECK_EQ(obj_live_count(), 0);
  for (unsigned i = 0; i < atomic_load(&shared.made); i++) CHECK_EQ(atomic_load(&shared.finalized[i]), 1);
  leave();
}

static atomic_int step;
static obj_t *handed[OBJECTS];
static atomic_uint handed_finalized[OBJECTS];

/* Makes objects with a reference for the other, then is detached, attached without polling, or gone. */
static void owner(unsigned how) {
  enter();
  for (unsigned i = 0; i < OBJECTS; i++) handed[i] = obj_newref(new_object(&handed_finalized[i]));
  for (unsigned i = 0; i < OBJECTS; i++) obj_decref(handed[i]); /* one reference each is left */
  if (how == 0) leave();
  if (how != 2) {
    atomic_store(&step, 1);
    AWAIT(atomic_load(&step) == 2);
  }
  if (how == 1) { /* the detach alone merges: an owner that never polls hoards nothing (C3) */
    (void)gil_detach();
    CHECK_STATUS(gil_acquire(), GILRT_OK);
  }
  if (how == 0) CHECK_STATUS(gil_acquire(), GILRT_OK); /* pending destructors run at the next attach */
  if (how != 2) {
    for (unsigned i = 0; i < OBJECTS; i++) CHECK_EQ(atomic_load(&handed_finalized[i]), 1);
  }
  leave();
}

static void *owner_main(void *how) {
  owner(*(unsigned *)how);
  return NULL;
}

/* R6, R7: what a blocked, a busy and an ended owner is handed is freed. */
static void owners_hoard_nothing(void) {
  for (unsigned how = 0; how < 3; how++) {
    pthread_t thread;
    atomic_store(&step, 0);
    for (unsigned i = 0; i < OBJECTS; i++) atomic_store(&handed_finalized[i], 0);
    CHECK_EQ(pthread_create(&thread, NULL, owner_main, &how), 0);
    if (how == 2) CHECK_EQ(pthread_join(thread, NULL), 0);
    if (how != 2) AWAIT(atomic_load(&step) == 1);
    for (unsigned i = 0; i < OBJECTS; i++) obj_decref(handed[i]); /* from outside: nobody runs a finalizer here */
    atomic_store(&step, 2);
    if (how != 2) CHECK_EQ(pthread_join(thread, NULL), 0);
    enter();
    CHECK_EQ(obj_live_count(), 0);
    for (unsigned i = 0; i < OBJECTS; i++) CHECK_EQ(atomic_load(&handed_finalized[i]), 1);
    leave();
  }
}

static int count_call(void *user) {
  CHECK(gil_held());
  CHECK(gil_interp_current() == interp);
  atomic_fetch_add((atomic_uint *)user, 1);
  return 0;
}

static void calls_run_at_a_safepoint_of_any_thread(void) {
  atomic_uint calls = 0;
  enter();
  CHECK_STATUS(gil_call_soon(count_call, &calls), GILRT_OK);
  CHECK_EQ(atomic_load(&calls), 0);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_EQ(atomic_load(&calls), 1);
  leave();
}

static void *stay_inside(void *unused) {
  enter();
  atomic_store(&step, 1);
  while (gil_poll() == GILRT_OK) {
  }
  CHECK_STATUS(gil_poll(), GILRT_ERR_CLOSED);
  leave();
  CHECK_STATUS(gil_acquire(), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  leave();
  return unused;
}

static void who_is_inside_is_waited_for_and_who_comes_late_is_refused(void) {
  pthread_t thread;
  open_interp();
  atomic_store(&step, 0);
  CHECK_EQ(pthread_create(&thread, NULL, stay_inside, NULL), 0);
  AWAIT(atomic_load(&step) == 1);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_interp_close(interp, 0), GILRT_ERR_NESTED);
  GIL_BEGIN_ALLOW_THREADS
  CHECK_STATUS(gil_interp_close(interp, 0), GILRT_ERR_DEADLOCK);
  GIL_END_ALLOW_THREADS
  leave();
  close_interp();
  CHECK_EQ(pthread_join(thread, NULL), 0);
}

static void a_state_from_another_interpreter_is_of_no_use(void) {
  open_interp();
  gil_interp_t *previous = NULL;
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), &previous), GILRT_OK);
  CHECK(previous == interp);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_ERR_INVALID); /* the type is another interpreter's (C6) */
  CHECK_STATUS(gil_interp_enter(interp, &previous), GILRT_OK); /* lets go of the other lock first */
  CHECK(!gil_held());
  CHECK(previous == gil_interp_main());
  close_interp();
}

/* C8: what somebody refers to outlives its interpreter, without its finalizer, and so does the type. */
static void objects_outlive_their_interpreter(void) {
  open_interp();
  enter();
  atomic_uint finalized = 0;
  obj_t *shared = new_object(&finalized), *alone = new_object(&finalized);
  obj_incref(shared);
  leave();
  close_interp();
  CHECK_EQ(strcmp(obj_type_name(obj_type_of(shared)), "leaf"), 0);
  obj_decref(alone);
  obj_decref(shared);
  CHECK_EQ(obj_refcount(shared), 1);
  obj_decref(shared);
  CHECK_EQ(atomic_load(&finalized), 0);
}

static void many_come_and_go(void) {
  gil_interp_t *first = NULL;
  for (unsigned i = 0; i < 2000; i++) {
    open_interp();
    if (first == NULL) first = interp;
    CHECK(interp == first); /* made anew in the same place: no growth */
    enter();
    atomic_uint finalized = 0;
    obj_decref(new_object(&finalized));
    CHECK_EQ(atomic_load(&finalized), 1);
    leave();
    close_interp();
  }
  gil_interp_t *several[100];
  gil_interp_config_t config = {.struct_size = sizeof config};
  for (unsigned i = 0; i < 100; i++) {
    config.mode = i % 2 == 0 ? GIL_MODE_LOCKED : GIL_MODE_FREE;
    CHECK_STATUS(gil_interp_new(&config, &several[i]), GILRT_OK);
    CHECK_STATUS(gil_interp_enter(several[i], NULL), GILRT_OK);
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    leave();
  }
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
  for (unsigned i = 0; i < 100; i++) CHECK_STATUS(gil_interp_close(several[i], FOREVER), GILRT_OK);
}

static void bad_input_is_answered(void) {
  gil_interp_t *none = NULL;
  gil_interp_config_t config = {.struct_size = sizeof config, .mode = 7};
  CHECK_STATUS(gil_interp_new(&config, &none), GILRT_ERR_INVALID);
  config = (gil_interp_config_t){.struct_size = sizeof config, .policy = 9};
  CHECK_STATUS(gil_interp_new(&config, &none), GILRT_ERR_INVALID);
  CHECK_STATUS(gil_interp_new(NULL, NULL), GILRT_ERR_INVALID);
  CHECK_STATUS(gil_interp_enter(NULL, NULL), GILRT_ERR_INVALID);
  CHECK_STATUS(gil_interp_close(NULL, 0), GILRT_ERR_INVALID);
  CHECK_STATUS(gil_interp_close(gil_interp_main(), 0), GILRT_ERR_INVALID);
  CHECK_STATUS(gil_interp_mode(NULL), GILRT_ERR_INVALID);
}

#define RUNNERS 6u

static volatile unsigned long turns[RUNNERS];
static atomic_bool halt;

/* Counts its turns while it is attached, and comes and goes in every way there is. */
static void run_until_halted(unsigned index, void *unused) {
  (void)unused;
  enter();
  for (unsigned i = 0; !atomic_load(&halt); i++) {
    turns[index]++;
    if (i % 64 == 0) CHECK_STATUS(gil_poll(), GILRT_OK);
    if (i % 1024 == 1) {
      leave();
      CHECK_STATUS(gil_acquire(), GILRT_OK);
    }
    if (i % 4096 == 2) {
      GIL_BEGIN_ALLOW_THREADS
      sleep_us(10);
      GIL_END_ALLOW_THREADS
    }
  }
  leave();
}

static void stop_and_look(unsigned index, void *rounds) {
  (void)index;
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
  for (unsigned round = 0; round < *(unsigned *)rounds; round++) {
    CHECK_STATUS(gil_stop_world(), GILRT_OK);
    CHECK(gil_held());
    unsigned long before[RUNNERS];
    for (unsigned i = 0; i < RUNNERS; i++) before[i] = turns[i];
    if (round % 16 == 0) {
      CHECK_STATUS(gil_stop_world(), GILRT_OK); /* nests */
      sleep_us(100);
      CHECK_STATUS(gil_resume_world(), GILRT_OK);
    }
    for (unsigned i = 0; i < RUNNERS; i++) CHECK_EQ(turns[i], before[i]);
    CHECK_STATUS(gil_resume_world(), GILRT_OK);
    CHECK(!gil_held());
    CHECK_STATUS(gil_resume_world(), GILRT_ERR_NOT_ATTACHED);
  }
}

static void *stop_and_end(void *unused) {
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
  CHECK_STATUS(gil_stop_world(), GILRT_OK);
  return unused;
}

static void the_world_stops_for_one(void) {
  team_t runners, stoppers;
  unsigned rounds = 200;
  pthread_t thread;
  atomic_store(&halt, false);
  team_start(&runners, RUNNERS, run_until_halted, NULL);
  team_start(&stoppers, 2, stop_and_look, &rounds);
  team_join(&stoppers);
  /* A thread that ends while the world is stopped lets it go on. */
  CHECK_EQ(pthread_create(&thread, NULL, stop_and_end, NULL), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  enter();
  CHECK_STATUS(gil_resume_world(), GILRT_ERR_INVALID);
  leave();
  atomic_store(&halt, true);
  team_join(&runners);
}

int main(void) {
  bad_input_is_answered();
  open_interp();
  team_run(THREADS, all_are_inside_at_once, NULL);
  counts_are_exact_among_threads_that_run_at_once();
  owners_hoard_nothing();
  calls_run_at_a_safepoint_of_any_thread();
  the_world_stops_for_one();
  close_interp();
  who_is_inside_is_waited_for_and_who_comes_late_is_refused();
  a_state_from_another_interpreter_is_of_no_use();
  objects_outlive_their_interpreter();
  many_come_and_go();
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
