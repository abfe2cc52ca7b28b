/* obj_lock by threads of every kind: it excludes, it lets the GIL go while it waits, it passes on, it keeps errno. */
#include "check.h"

#include <signal.h>

#define THREADS 16u
#define OBJECTS 3u
#define ROUNDS 3000u

static obj_type_t *type;

typedef struct guarded {
  uint64_t count; /* plain: a lock that does not exclude loses some, and a sanitizer sees it */
} guarded_t;

static obj_t *new_object(void) {
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  return object;
}

/* A third of the threads hold the GIL and give way now and then, a third have let go of it, a third are nowhere. */
static void count_under_the_lock(unsigned index, void *argument) {
  obj_t **objects = argument;
  if (index % 3 != 2) CHECK_STATUS(gil_acquire(), GILRT_OK);
  uint32_t depth = index % 3 == 1 ? gil_detach() : 0;
  for (unsigned round = 0; round < ROUNDS; round++) {
    obj_t *object = objects[(index + round) % OBJECTS];
    errno = 77;
    CHECK_STATUS(obj_lock(object), GILRT_OK);
    ++OBJ_PAYLOAD(object, guarded_t)->count;
    if (round % 64 == index) sleep_us(1);
    errno = 78;
    CHECK_STATUS(obj_unlock(object), GILRT_OK);
    CHECK_EQ(errno, 78);
    if (index % 3 == 0) CHECK(gil_held());
    if (index % 3 == 0 && round % 16 == 0) CHECK_STATUS(gil_yield(), GILRT_OK);
  }
  if (index % 3 == 1) CHECK_STATUS(gil_attach(depth), GILRT_OK);
  if (index % 3 != 2) CHECK_STATUS(gil_release(), GILRT_OK);
}

static void at_most_one_thread_has_it(void) {
  obj_t *objects[OBJECTS];
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (unsigned i = 0; i < OBJECTS; i++) objects[i] = new_object();
  CHECK_STATUS(gil_release(), GILRT_OK);
  for (unsigned threads = 2; threads <= THREADS; threads *= 2) team_run(threads, count_under_the_lock, objects);
  uint64_t sum = 0;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (unsigned i = 0; i < OBJECTS; i++) {
    sum += OBJ_PAYLOAD(objects[i], guarded_t)->count;
    obj_decref(objects[i]);
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_EQ(sum, (2 + 4 + 8 + 16) * ROUNDS);
}

typedef struct wait {
  obj_t *object;
  atomic_int got;
} wait_t;

static void *wait_attached(void *argument) {
  wait_t *wait = argument;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  errno = 79;
  CHECK_STATUS(obj_lock(wait->object), GILRT_OK);
  CHECK_EQ(errno, 79);
  CHECK(gil_held());
  atomic_store(&wait->got, 1);
  CHECK_STATUS(obj_unlock(wait->object), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK(gil_held());
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

static obj_t *signalled;
static atomic_int handler_answer = 1;

/* L17: the very thread that it interrupts may be the one that is to unlock. */
static void lock_in_a_handler(int signal) {
  (void)signal;
  CHECK_STATUS(obj_unlock(signalled), GILRT_ERR_DEADLOCK);
  atomic_store(&handler_answer, obj_lock(signalled));
}

/* Were the GIL not free while it waits, the acquire would never return. The signal makes the sleep of the waiter fail, which
   its errno does not show (L14). */
static void who_waits_keeps_the_gil_from_nobody_and_is_handed_the_lock(void) {
  const struct sigaction action = {.sa_handler = lock_in_a_handler};
  CHECK_EQ(sigaction(SIGUSR1, &action, NULL), 0);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  wait_t wait = {.object = new_object()};
  signalled = wait.object;
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(obj_lock(wait.object), GILRT_OK);
  pthread_t waiter;
  CHECK_EQ(pthread_create(&waiter, NULL, wait_attached, &wait), 0);
  /* Byte 14 of an object holds its locks: a waiter has announced itself in bit 5. */
  unsigned char *locks = (unsigned char *)wait.object + 14;
  AWAIT((__atomic_load_n(locks, __ATOMIC_RELAXED) & 32) != 0);
  for (int i = 0; i < 10; i++) {
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    CHECK_EQ(atomic_load(&wait.got), 0);
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
  sleep_us(3000);
  CHECK_EQ(pthread_kill(waiter, SIGUSR1), 0);
  AWAIT(atomic_load(&handler_answer) != 1);
  CHECK_STATUS(atomic_load(&handler_answer), GILRT_ERR_DEADLOCK);
  CHECK_STATUS(gil_acquire(), GILRT_OK); /* the waiter has the lock now, and does not come further */
  CHECK_STATUS(obj_unlock(wait.object), GILRT_OK);
  /* Without a GIL it goes on. */
  if (one_at_a_time()) CHECK_EQ(*locks, 16); /* L5: it has waited for more than a millisecond, and nobody could come before it */
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_EQ(pthread_join(waiter, NULL), 0);
  CHECK_EQ(*locks, 0);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_decref(wait.object);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

static void *take_turns(void *argument) {
  wait_t *wait = argument;
  for (int i = 0; i < 20; i++) {
    CHECK_STATUS(obj_lock(wait->object), GILRT_OK);
    atomic_fetch_add(&wait->got, 1);
    CHECK_STATUS(obj_unlock(wait->object), GILRT_OK);
  }
  return NULL;
}

/* L5: a thread that unlocks and locks again at once lets those who sleep have their turns all the same. */
static void a_barger_starves_nobody(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  wait_t wait = {.object = new_object()};
  CHECK_STATUS(gil_release(), GILRT_OK);
  pthread_t waiters[2];
  for (int i = 0; i < 2; i++) CHECK_EQ(pthread_create(&waiters[i], NULL, take_turns, &wait), 0);
  while (atomic_load(&wait.got) < 40) {
    CHECK_STATUS(obj_lock(wait.object), GILRT_OK);
    for (volatile int i = 0; i < 20000; i++) {
    }
    CHECK_STATUS(obj_unlock(wait.object), GILRT_OK);
  }
  for (int i = 0; i < 2; i++) CHECK_EQ(pthread_join(waiters[i], NULL), 0);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_decref(wait.object);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

static void misuse_is_answered(void) {
  CHECK_STATUS(obj_lock(NULL), GILRT_ERR_INVALID);
  CHECK_STATUS(obj_unlock(NULL), GILRT_ERR_INVALID);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_t *object = new_object();
  CHECK_STATUS(obj_unlock(object), GILRT_ERR_INVALID);
  CHECK_STATUS(obj_lock(object), GILRT_OK);
  CHECK_STATUS(obj_unlock(object), GILRT_OK);
  CHECK_STATUS(obj_unlock(object), GILRT_ERR_INVALID);
  obj_decref(object);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

int main(void) {
  const obj_type_config_t config = {
      .struct_size = sizeof config, .name = "guarded", .payload_size = sizeof(guarded_t)};
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  at_most_one_thread_has_it();
  who_waits_keeps_the_gil_from_nobody_and_is_handed_the_lock();
  a_barger_starves_nobody();
  misuse_is_answered();
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
