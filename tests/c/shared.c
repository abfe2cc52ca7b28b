/* Interpreters that share a lock: one thread at a time runs in all of them, and everything else is each one's own: objects, tokens,
 * destructors, requests, the end. */
#include "check.h"
#include <gilrt_inline.h>
#include <sys/wait.h>

#define OK(call) CHECK_STATUS(call, GILRT_OK)

enum { INTERPS = 4, THREADS = 8, ROUNDS = 3000, SHELF = 16 };

static gil_interp_t *interps[INTERPS];
static obj_type_t *types[INTERPS];
static atomic_long made[INTERPS], finalized[INTERPS];
static obj_t *_Atomic shelf[SHELF];
/* Plain: whoever has the lock is alone, whichever interpreter it is in. */
static long witness;
static atomic_int running;

static int index_of(const gil_interp_t *interp) {
  for (int i = 0; i < INTERPS; i++)
    if (interps[i] == interp) return i;
  return -1;
}

static void finalize(obj_t *o) {
  int home = *OBJ_PAYLOAD(o, int);
  CHECK(gil_held());
  CHECK_EQ(index_of(gil_interp_current()), home); /* at home, whoever dropped it */
  finalized[home]++;
}

static obj_t *make(int home) {
  obj_t *o;
  OK(obj_new(types[home], 0, &o));
  *OBJ_PAYLOAD(o, int) = home;
  made[home]++;
  return o;
}

static void *work(void *argument) {
  unsigned seed = (unsigned)(uintptr_t)argument;
  for (int i = 0; i < ROUNDS; i++) {
    int home = (int)(rand_r(&seed) % INTERPS);
    OK(gil_interp_enter(interps[home], NULL));
    OK(gil_acquire_inline());
    for (int j = 0; j < 10; j++) {
      witness++;
      obj_t *o = make(home);
      obj_incref_inline(o);
      obj_t *old = atomic_exchange(&shelf[rand_r(&seed) % SHELF], o);
      obj_decref_inline(o);
      if (old) obj_decref_inline(old); /* often another interpreter's, which has to bury it */
      gil_poll_inline();
    }
    OK(gil_release_inline());
  }
  atomic_fetch_sub(&running, 1);
  return NULL;
}

static int called(void *user) {
  *(int *)user = index_of(gil_interp_current());
  return 0;
}

/* References that a thread hands over which holds nothing are merged although another interpreter's thread has the lock for ever. */
static void *hold_elsewhere(void *stop) {
  OK(gil_interp_enter(interps[2], NULL));
  OK(gil_acquire());
  while (!atomic_load((atomic_bool *)stop)) gil_poll();
  OK(gil_release());
  return NULL;
}

static void what_is_handed_over_is_merged_by_any_holder(void) {
  OK(gil_interp_enter(interps[1], NULL));
  OK(gil_acquire());
  obj_t *o = make(1);
  obj_incref(o);
  OK(gil_release());
  atomic_bool stop = false;
  pthread_t other;
  CHECK(pthread_create(&other, NULL, hold_elsewhere, &stop) == 0);
  sleep_us(2000);
  long before = finalized[1];
  obj_decref(o);
  obj_decref(o); /* dead, or waiting for the lock's holder */
  atomic_store(&stop, true);
  pthread_join(other, NULL);
  OK(gil_acquire()); /* whoever attaches at home buries it */
  CHECK_EQ(finalized[1], before + 1);
  OK(gil_release());
}

static void answers(void) {
  gil_interp_t *another = NULL;
  CHECK_EQ(gil_interp_mode(interps[0]), GIL_MODE_SHARED);
  CHECK_EQ(gil_interp_mode(interps[1]), GIL_MODE_SHARED);
  CHECK_STATUS(gil_interp_set_mode(interps[0], GIL_MODE_FREE), GILRT_ERR_BUSY);
  CHECK_STATUS(gil_interp_set_mode(interps[1], GIL_MODE_FREE), GILRT_ERR_BUSY);
  CHECK_STATUS(gil_interp_set_mode(interps[1], GIL_MODE_SHARED), GILRT_ERR_INVALID);
  CHECK_STATUS(gil_interp_set_mode(NULL, GIL_MODE_FREE), GILRT_ERR_INVALID);
  gil_interp_config_t config = {.struct_size = sizeof config, .share_with = interps[0]};
  CHECK_STATUS(gil_interp_new(&config, &another), GILRT_ERR_INVALID); /* a lock of its own, and another one's */
  gil_interp_t *free_one;
  gil_interp_config_t without = {.struct_size = sizeof without, .mode = GIL_MODE_FREE};
  OK(gil_interp_new(&without, &free_one));
  config.mode = GIL_MODE_SHARED;
  config.share_with = free_one;
  CHECK_STATUS(gil_interp_new(&config, &another), GILRT_ERR_INVALID);
  OK(gil_interp_close(free_one, 0));
  CHECK_STATUS(gil_interp_new(&config, &another), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_interp_set_mode(free_one, GIL_MODE_LOCKED), GILRT_ERR_CLOSED);
  CHECK(another == NULL);
  OK(gil_interp_enter(interps[1], NULL));
  OK(gil_acquire());
  obj_t *o;
  CHECK_STATUS(obj_new(types[2], 0, &o), GILRT_ERR_INVALID); /* a type of another interpreter, with a shared lock too (C6) */
  int where = -1;
  OK(gil_call_soon(called, &where));
  OK(gil_poll());
  CHECK_EQ(where, 1);
  OK(gil_release());
}

/* A thread that waits for the lock is turned away by the end of its own interpreter only. */
static void *waits(void *argument) {
  OK(gil_interp_enter(argument, NULL));
  int status = gil_acquire();
  if (status == GILRT_OK) OK(gil_release());
  return (void *)(intptr_t)status;
}

static void each_has_an_end_of_its_own(void) {
  OK(gil_interp_enter(interps[0], NULL));
  OK(gil_acquire());
  pthread_t stays, goes;
  CHECK(pthread_create(&stays, NULL, waits, interps[1]) == 0);
  CHECK(pthread_create(&goes, NULL, waits, interps[3]) == 0);
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  do {
    sleep_us(100);
    OK(gilrt_stats_get(interps[0], &stats));
  } while (stats.waiters < 2);
  /* The holder is in another interpreter, so nobody is inside this one; but its destructors wait for the lock. */
  OK(gil_detach() == 1 ? GILRT_OK : GILRT_ERR_INVALID);
  OK(gil_interp_close(interps[3], FOREVER));
  void *answer;
  pthread_join(goes, &answer);
  CHECK((intptr_t)answer == GILRT_OK || (intptr_t)answer == GILRT_ERR_CLOSED);
  pthread_join(stays, &answer);
  CHECK_EQ((intptr_t)answer, GILRT_OK);
  CHECK_STATUS(gil_interp_enter(interps[3], NULL), GILRT_ERR_CLOSED);
  OK(gil_interp_enter(interps[1], NULL));
  OK(gil_acquire());
  OK(gil_release());
}

int main(int argc, char **argv) {
  interps[0] = gil_interp_main();
  (void)argv;
  for (int i = 1; i < INTERPS; i++) {
    gil_interp_config_t config = {.struct_size = sizeof config, .name = "sharing", .mode = GIL_MODE_SHARED};
    config.share_with = i == 1 ? NULL : interps[i - 1]; /* NULL is the main one */
    OK(gil_interp_new(&config, &interps[i]));
  }
  for (int i = 0; i < INTERPS; i++) {
    obj_type_config_t shape = {
        .struct_size = sizeof shape, .name = "thing", .payload_size = sizeof(int), .finalize = finalize};
    OK(gil_interp_enter(interps[i], NULL));
    OK(gil_acquire());
    OK(obj_type_new(&shape, &types[i]));
    OK(gil_release());
  }
  answers();
  what_is_handed_over_is_merged_by_any_holder();

  pthread_t threads[THREADS];
  running = THREADS;
  for (int i = 0; i < THREADS; i++)
    CHECK(pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)(i + 1)) == 0);
  if (argc > 1) { /* forks meanwhile: the child goes on with the lock */
    while (running > 0) {
      pid_t child = fork();
      CHECK(child >= 0);
      if (child == 0) {
        for (int i = 0; i < INTERPS; i++) {
          OK(gil_interp_enter(interps[i], NULL));
          OK(gil_acquire());
          obj_decref(make(i));
          OK(gil_release());
        }
        _exit(0);
      }
      int status;
      CHECK(waitpid(child, &status, 0) == child);
      CHECK_EQ(status, 0);
      sleep_us(1000);
    }
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  CHECK_EQ(witness, (long)THREADS * ROUNDS * 10);

  for (int i = 0; i < SHELF; i++) obj_decref(shelf[i]);
  for (int i = 0; i < INTERPS; i++) {
    OK(gil_interp_enter(interps[i], NULL));
    OK(gil_acquire());
    gil_poll();
    CHECK_EQ(obj_live_count(), 0);
    CHECK_EQ(finalized[i], made[i]);
    OK(gil_release());
  }
  each_has_an_end_of_its_own();
  OK(gil_interp_enter(interps[0], NULL));
  OK(gil_interp_close(interps[1], FOREVER));
  OK(gil_interp_close(interps[2], FOREVER));
  CHECK_EQ(gil_interp_mode(interps[0]), GIL_MODE_LOCKED); /* alone again */
  OK(gil_interp_set_mode(interps[0], GIL_MODE_FREE));
  CHECK_EQ(gil_interp_mode(interps[0]), GIL_MODE_FREE);
  OK(gilrt_finalize(FOREVER));
  return 0;
}
