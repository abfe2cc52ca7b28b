/* A module that does not declare GILRT_MODULE_FREE_THREADED, in interpreters without a GIL: it gets one, also while threads run
   there, and keeps it; or it is refused. The arguments are the path of the module `states` as one that needs a GIL, and as one that
   does not. */
#include "hosted.h"

#define THREADS 6

static const char *needy, *modest;
static atomic_int warnings;
static char warned[512];

static void log_line(int level, const char *message, void *user) {
  (void)user;
  if (level != 2 || !strstr(message, "GIL")) return;
  atomic_fetch_add(&warnings, 1);
  snprintf(warned, sizeof warned, "%s", message);
}

static void enter(gil_interp_t *interp) { CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK); }

typedef struct crowd {
  gil_interp_t *interp;
  atomic_bool over;
  atomic_int inside, passes, together;
  long plain; /* guarded by the GIL, once there is one */
  long counted[THREADS];
} crowd_t;

/* Threads that run at once, until there is a GIL: from then on, never. */
static void run_in_crowd(unsigned index, void *argument) {
  crowd_t *crowd = argument;
  enter(crowd->interp);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  while (!atomic_load(&crowd->over)) {
    bool alone = gil_interp_mode(crowd->interp) == GIL_MODE_LOCKED;
    if (atomic_fetch_add(&crowd->inside, 1) > 0) {
      CHECK(!alone);
      atomic_fetch_add(&crowd->together, 1);
    }
    if (alone) {
      crowd->plain++;
      crowd->counted[index]++;
    }
    atomic_fetch_sub(&crowd->inside, 1);
    atomic_fetch_add(&crowd->passes, 1);
    CHECK_STATUS(gil_poll(), GILRT_OK);
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
}

static void turned_on_under_load(bool attached) {
  crowd_t crowd = {.interp = new_interp("crowded", GIL_MODE_FREE)};
  team_t team;
  int before = atomic_load(&warnings);
  team_start(&team, THREADS, run_in_crowd, &crowd);
  AWAIT(atomic_load(&crowd.together) > 0);
  enter(crowd.interp);
  gilrt_library_t *other = open_module(modest);
  CHECK_EQ(gil_interp_mode(crowd.interp), GIL_MODE_FREE);
  if (attached) CHECK_STATUS(gil_acquire(), GILRT_OK);
  gilrt_library_t *library = open_module(needy);
  CHECK_EQ(gil_interp_mode(crowd.interp), GIL_MODE_LOCKED);
  CHECK_EQ(gil_held(), attached);
  if (attached) CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_EQ(atomic_load(&warnings), before + 1);
  CHECK(strstr(warned, "crowded") && strstr(warned, "states"));
  int passes = atomic_load(&crowd.passes);
  AWAIT(atomic_load(&crowd.passes) > passes + 1000);
  CHECK_STATUS(call_module(library, "look"), GILRT_OK);
  CHECK_STATUS(call_module(other, "look"), GILRT_OK);

  /* It stays as long as it is needed, and after that until the host says otherwise. */
  CHECK_STATUS(gil_interp_set_mode(crowd.interp, GIL_MODE_FREE), GILRT_ERR_BUSY);
  CHECK(strstr(gilrt_error_text(), "states"));
  CHECK_STATUS(gil_interp_set_mode(crowd.interp, GIL_MODE_LOCKED), GILRT_OK);
  gilrt_module_close(library);
  CHECK_EQ(gil_interp_mode(crowd.interp), GIL_MODE_LOCKED);
  CHECK_STATUS(gil_interp_set_mode(crowd.interp, GIL_MODE_FREE), GILRT_OK);
  library = open_module(needy);
  CHECK_EQ(gil_interp_mode(crowd.interp), GIL_MODE_LOCKED);
  CHECK_EQ(atomic_load(&warnings), before + 1); /* told once */
  atomic_store(&crowd.over, true);
  team_join(&team);
  long counted = 0;
  for (unsigned i = 0; i < THREADS; i++) counted += crowd.counted[i];
  CHECK_EQ(crowd.plain, counted);
  enter(gil_interp_main());
  CHECK_STATUS(gil_interp_close(crowd.interp, FOREVER), GILRT_OK);
  gilrt_module_close(library);
  gilrt_module_close(other);
  witness_end(atomic_load(&witness.loads));
}

static obj_t *made;

static void keep(const char *name, int64_t value, void *user) {
  (void)name, (void)user;
  made = (obj_t *)(intptr_t)value;
}

/* What is alive of its types may run its code. */
static void kept_for_its_objects(void) {
  gil_interp_t *interp = new_interp("kept", GIL_MODE_FREE);
  gilrt_call_t call = {.struct_size = sizeof call, .report = keep};
  enter(interp);
  gilrt_library_t *library = open_module(needy);
  CHECK_STATUS(gilrt_module_call(library, "make", &call), GILRT_OK);
  gilrt_module_close(library);
  CHECK_STATUS(gil_interp_set_mode(interp, GIL_MODE_FREE), GILRT_ERR_BUSY);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_decref(made);
  CHECK_STATUS(gil_interp_set_mode(interp, GIL_MODE_FREE), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  enter(gil_interp_main());
  CHECK_STATUS(gil_interp_close(interp, FOREVER), GILRT_OK);
}

/* A call that comes from there has the same effect as an open. */
static void turned_on_by_a_call(void) {
  gil_interp_t *interp = new_interp("called", GIL_MODE_FREE);
  gilrt_library_t *library = open_module(needy);
  int before = atomic_load(&warnings);
  enter(interp);
  CHECK_STATUS(call_module(library, "look"), GILRT_OK);
  CHECK_EQ(gil_interp_mode(interp), GIL_MODE_LOCKED);
  CHECK_EQ(atomic_load(&warnings), before + 1);
  enter(gil_interp_main());
  gilrt_module_close(library);
  CHECK_STATUS(gil_interp_close(interp, FOREVER), GILRT_OK);
}

static void refused_where_it_is_strict(void) {
  const gil_interp_config_t config = {
      .struct_size = sizeof config, .name = "severe", .mode = GIL_MODE_FREE, .strict = true};
  gil_interp_t *interp;
  CHECK_STATUS(gil_interp_new(&config, &interp), GILRT_OK);
  int loads = atomic_load(&witness.loading), before = atomic_load(&warnings);
  gilrt_library_t *elsewhere = open_module(needy), *library = NULL;
  enter(interp);
  CHECK_STATUS(gilrt_module_open(needy, &library), GILRT_ERR_MODULE);
  CHECK(!library);
  CHECK(strstr(gilrt_error_text(), needy) && strstr(gilrt_error_text(), "severe"));
  CHECK(strstr(gilrt_error_text(), "GILRT_MODULE_FREE_THREADED"));
  CHECK_STATUS(call_module(elsewhere, "look"), GILRT_ERR_MODULE);
  CHECK(strstr(gilrt_error_text(), "severe"));
  CHECK_EQ(gil_interp_mode(interp), GIL_MODE_FREE);
  CHECK_EQ(atomic_load(&witness.loading), loads + 1); /* nothing of it has run there */
  CHECK_EQ(atomic_load(&warnings), before);
  library = open_module(modest);
  CHECK_STATUS(call_module(library, "look"), GILRT_OK);
  gilrt_module_close(library);

  /* With a GIL, which the host has given it, there is nothing to be refused. */
  CHECK_STATUS(gil_interp_set_mode(interp, GIL_MODE_LOCKED), GILRT_OK);
  CHECK_STATUS(call_module(elsewhere, "look"), GILRT_OK);
  CHECK_STATUS(gil_interp_set_mode(interp, GIL_MODE_FREE), GILRT_ERR_BUSY);
  enter(gil_interp_main());
  gilrt_module_close(elsewhere);
  CHECK_STATUS(gil_interp_close(interp, FOREVER), GILRT_OK);
  witness_end(atomic_load(&witness.loads));
}

typedef struct quarrel {
  gil_interp_t *interp;
  atomic_bool over;
} quarrel_t;

/* While the module is open, nobody gets the GIL off. */
static void quarrel(unsigned index, void *argument) {
  quarrel_t *q = argument;
  enter(q->interp);
  if (index == 0) {
    while (!atomic_load(&q->over)) {
      int status = gil_interp_set_mode(q->interp, GIL_MODE_FREE);
      if (status != GILRT_ERR_BUSY) CHECK_STATUS(status, GILRT_OK);
    }
    return;
  }
  for (int i = 0; i < 300; i++) {
    gilrt_library_t *library = open_module(needy);
    CHECK_EQ(gil_interp_mode(q->interp), GIL_MODE_LOCKED);
    CHECK_STATUS(call_module(library, "look"), GILRT_OK);
    CHECK_EQ(gil_interp_mode(q->interp), GIL_MODE_LOCKED);
    gilrt_module_close(library);
  }
  atomic_store(&q->over, true);
}

static void nobody_gets_it_off(void) {
  quarrel_t q = {.interp = new_interp("quarrel", GIL_MODE_FREE)};
  team_run(2, quarrel, &q);
  CHECK_STATUS(gil_interp_close(q.interp, FOREVER), GILRT_OK);
  witness_end(atomic_load(&witness.loads));
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 3);
  needy = argv[1];
  modest = argv[2];
  witness_begin();
  gilrt_set_log(log_line, NULL);
  turned_on_under_load(false);
  turned_on_under_load(true);
  kept_for_its_objects();
  turned_on_by_a_call();
  refused_where_it_is_strict();
  nobody_gets_it_off();
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
