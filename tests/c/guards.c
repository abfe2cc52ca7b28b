/* Guards hold off the end of an interpreter, and nothing else: while there is one, threads get in and run as ever. The argument is
   the mode of the interpreters. */
#include "child.h"

static int mode;

static gil_interp_t *new_interp(void) {
  gil_interp_config_t config = {.struct_size = sizeof config, .name = "guarded", .mode = mode};
  gil_interp_t *interp;
  CHECK_STATUS(gil_interp_new(&config, &interp), GILRT_OK);
  return interp;
}

static gil_guard_t *new_guard(gil_interp_t *interp) {
  gil_guard_t *guard = NULL;
  CHECK_STATUS(gil_guard_new(interp, &guard), GILRT_OK);
  CHECK(guard != NULL);
  return guard;
}

static void refuses_guards(gil_interp_t *interp) {
  gil_guard_t *untouched = (gil_guard_t *)&mode, *guard = untouched;
  CHECK_STATUS(gil_guard_new(interp, &guard), GILRT_ERR_CLOSED);
  CHECK(guard == untouched);
}

static char said[4][256];
static atomic_uint lines;

static void hear(int level, const char *message, void *unused) {
  (void)unused;
  CHECK_EQ(level, 2);
  unsigned line = atomic_fetch_add(&lines, 1);
  CHECK(line < 4);
  snprintf(said[line], sizeof said[line], "%s", message);
}

static void *come_in_late(void *argument) {
  CHECK_STATUS(gil_interp_enter(argument, NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_STATUS(gil_attach(gil_detach()), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_acquire_for(0), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

static void *free_guard(void *guard) {
  CHECK_EQ(gil_thread_id(), 0);
  gil_guard_free(guard); /* by a thread that the library has never seen */
  CHECK_EQ(gil_thread_id(), 0);
  return NULL;
}

static void in_a_thread(void *(*body)(void *), void *argument) {
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, NULL, body, argument), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
}

static void *make_guard(void *slot) {
  *(gil_guard_t **)slot = new_guard(gil_interp_main());
  return NULL;
}

static void what_is_answered(void) {
  gil_guard_t *guard;
  gil_interp_t *interp = new_interp();
  CHECK_STATUS(gil_guard_new(NULL, &guard), GILRT_ERR_INVALID);
  CHECK_STATUS(gil_guard_new(interp, NULL), GILRT_ERR_INVALID);
  gil_guard_free(NULL);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  gil_guard_t *attached = new_guard(interp);
  CHECK_STATUS(gil_release(), GILRT_OK);
  guard = new_guard(interp);
  gil_guard_free(attached);
  gilrt_set_log(hear, NULL);
  for (int i = 0; i < 2; i++) {
    atomic_store(&lines, 0);
    CHECK_STATUS(gil_interp_close(interp, MILLISECONDS(20 * i)), GILRT_ERR_BUSY);
    CHECK_EQ(atomic_load(&lines), 1);
    char expected[256];
    snprintf(expected, sizeof expected, "cannot close interpreter guarded: a guard that thread %llu made holds it off",
             (unsigned long long)gil_thread_id());
    CHECK_EQ(strcmp(said[0], expected), 0);
    refuses_guards(interp);
    in_a_thread(come_in_late, interp);
  }
  gilrt_set_log(NULL, NULL);
  gil_guard_free(guard); /* nobody waits for that, and the interpreter stays open until somebody closes it */
  in_a_thread(come_in_late, interp);
  refuses_guards(interp);
  CHECK_STATUS(gil_interp_close(interp, 0), GILRT_OK);
  refuses_guards(interp);
  CHECK_STATUS(gil_interp_close(interp, 0), GILRT_ERR_CLOSED);
  /* One that is made in the same place has guards again. */
  interp = new_interp();
  guard = new_guard(interp);
  CHECK_STATUS(gil_interp_close(interp, 0), GILRT_ERR_BUSY);
  gil_guard_free(guard);
  CHECK_STATUS(gil_interp_close(interp, 0), GILRT_OK);
}

static atomic_int closed;

static void *close_it(void *interp) {
  CHECK_STATUS(gil_interp_close(interp, FOREVER), GILRT_OK);
  atomic_store(&closed, 1);
  return NULL;
}

static bool is_refusing(gil_interp_t *interp) {
  gil_guard_t *guard;
  int status = gil_guard_new(interp, &guard);
  if (status == GILRT_OK) gil_guard_free(guard);
  return status == GILRT_ERR_CLOSED;
}

static void the_last_guard_ends_the_wait(void) {
  gil_interp_t *interp = new_interp();
  gil_guard_t *first = new_guard(interp), *last = new_guard(interp);
  pthread_t closer;
  CHECK_EQ(pthread_create(&closer, NULL, close_it, interp), 0);
  AWAIT(is_refusing(interp));
  in_a_thread(free_guard, first);
  in_a_thread(come_in_late, interp);
  CHECK_EQ(atomic_load(&closed), 0);
  in_a_thread(free_guard, last);
  CHECK_EQ(pthread_join(closer, NULL), 0);
  CHECK_EQ(atomic_load(&closed), 1);
}

typedef struct storm {
  gil_interp_t *interp;
  atomic_uint rounds;
  unsigned inside; /* how many threads are inside the lock */
} storm_t;

/* Whoever got a guard is refused nothing, at whatever moment the interpreter is closed. */
static void run_under_guards(unsigned index, void *argument) {
  storm_t *storm = argument;
  if (index == 0) {
    AWAIT(atomic_load(&storm->rounds) >= 50);
    CHECK_STATUS(gil_interp_close(storm->interp, FOREVER), GILRT_OK);
    return;
  }
  for (;;) {
    gil_guard_t *guard;
    int status = gil_guard_new(storm->interp, &guard);
    if (status != GILRT_OK) {
      CHECK_STATUS(status, GILRT_ERR_CLOSED);
      return;
    }
    CHECK_STATUS(gil_interp_enter(storm->interp, NULL), GILRT_OK);
    for (int i = 0; i < 10; i++) {
      CHECK_STATUS(gil_acquire(), GILRT_OK);
      if (mode != GIL_MODE_FREE) {
        CHECK_EQ(storm->inside++, 0);
        storm->inside--;
      }
      CHECK_STATUS(gil_poll(), GILRT_OK);
      CHECK_STATUS(gil_release(), GILRT_OK);
    }
    atomic_fetch_add(&storm->rounds, 1);
    gil_guard_free(guard);
  }
}

static void a_close_comes_among_guards(void) {
  for (int i = 0; i < 30; i++) {
    storm_t storm = {.interp = new_interp()};
    team_run(5, run_under_guards, &storm);
  }
}

typedef struct inheritance {
  gil_guard_t *mine, *others;
  gil_interp_t *interp;
} inheritance_t;

static void inherit(void *argument) {
  inheritance_t *it = argument;
  CHECK_STATUS(gil_interp_close(it->interp, 0), GILRT_OK); /* its guard was another thread's */
  CHECK_STATUS(gilrt_finalize(0), GILRT_ERR_BUSY);
  gil_guard_free(it->mine);
  CHECK_STATUS(gilrt_finalize(0), GILRT_OK);
  gil_guard_free(it->others); /* it is still a pointer to be freed */
}

static gil_interp_t *of_the_other;

static void *guard_the_other(void *slot) {
  CHECK_STATUS(gil_acquire(), GILRT_OK); /* so that it has a number */
  *(gil_guard_t **)slot = new_guard(of_the_other);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

static void a_child_has_the_guards_of_its_thread(void) {
  inheritance_t it = {.interp = new_interp()};
  of_the_other = it.interp;
  in_a_thread(guard_the_other, &it.others);
  it.mine = new_guard(gil_interp_main());
  in_child(inherit, &it);
  CHECK_STATUS(gil_interp_close(it.interp, 0), GILRT_ERR_BUSY); /* the parent has all of them */
  gil_guard_free(it.others);
  CHECK_STATUS(gil_interp_close(it.interp, 0), GILRT_OK);
  gil_guard_free(it.mine);
}

static void the_end_of_all_waits_too(void) {
  gil_guard_t *guard;
  in_a_thread(make_guard, &guard);
  gilrt_set_log(hear, NULL);
  atomic_store(&lines, 0);
  CHECK_STATUS(gilrt_finalize(MILLISECONDS(20)), GILRT_ERR_BUSY);
  CHECK_EQ(atomic_load(&lines), 1);
  CHECK_EQ(strcmp(said[0], "cannot close interpreter main: a guard that a thread that is not known made holds it off"), 0);
  gilrt_set_log(NULL, NULL);
  refuses_guards(gil_interp_main());
  in_a_thread(come_in_late, gil_interp_main());
  gil_guard_free(guard);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  refuses_guards(gil_interp_main());
}

int main(int argc, char **argv) {
  mode = argc > 1 ? atoi(argv[1]) : GIL_MODE_LOCKED;
  const gilrt_config_t config = {.struct_size = sizeof config, .mode = mode == GIL_MODE_FREE ? mode : GIL_MODE_LOCKED};
  CHECK_STATUS(gilrt_init(&config), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  what_is_answered();
  the_last_guard_ends_the_wait();
  a_close_comes_among_guards();
  a_child_has_the_guards_of_its_thread();
  the_end_of_all_waits_too();
  return 0;
}
