/* Modules that are opened, called and closed by many threads at once, open one another, and are in the middle of it when the
   process forks. The arguments are the path of the module `states` and of a copy. */
#include "child.h"
#include "hosted.h"

#define THREADS 8

static const char *path, *copy;

static void open_and_close(unsigned index, void *unused) {
  (void)index, (void)unused;
  gilrt_library_t *library = open_module(path);
  CHECK_STATUS(call_module(library, "look"), GILRT_OK);
  gilrt_module_close(library);
}

/* Whoever comes while it is loaded waits for that, and lets the others go on. */
static void loaded_once(void) {
  int loads = atomic_load(&witness.loads), calls = atomic_load(&witness.calls);
  team_t team;
  atomic_store(&witness.hold, true);
  gilrt_library_t *library = NULL;
  team_start(&team, THREADS, open_and_close, NULL);
  AWAIT(atomic_load(&witness.loading) > loads);
  sleep_us(20000); /* most of them are there */
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_EQ(atomic_load(&witness.loads), loads);
  atomic_store(&witness.hold, false);
  library = open_module(path);
  team_join(&team);
  gilrt_module_close(library);
  CHECK_EQ(atomic_load(&witness.calls), calls + THREADS);
  witness_end(atomic_load(&witness.loads));
}

/* The first fails, the second tries by itself. */
static void fails_for_one(void) {
  atomic_store(&witness.fails, 1);
  gilrt_library_t *library = NULL;
  CHECK_STATUS(gilrt_module_open(path, &library), GILRT_ERR_MODULE);
  CHECK(!library);
  library = open_module(path);
  gilrt_module_close(library);
  witness_end(atomic_load(&witness.loads));
}

static void open_one(unsigned index, void *unused) {
  (void)unused;
  gilrt_library_t *library = open_module(index == 0 ? path : copy);
  gilrt_module_close(library);
}

/* Each waits for the other's load, or it for itself: one of them is told at least. */
static void circles(void) {
  witness.files[0] = path;
  gilrt_module_close(open_module(path));
  CHECK_EQ(atomic_load(&witness.deadlocks), 1);
  witness.files[1] = copy;
  atomic_store(&witness.meet, atomic_load(&witness.loading) + 2);
  team_run(2, open_one, NULL);
  CHECK(atomic_load(&witness.deadlocks) > 1); /* and once more if what the other waited for is closed before it wakes */
  witness.files[0] = witness.files[1] = NULL;
  witness_end(atomic_load(&witness.loads));
}

typedef struct visit {
  gil_interp_t *interps[4];
  gilrt_library_t *library;
} visit_t;

static void linger(unsigned index, void *argument) {
  visit_t *visit = argument;
  CHECK_STATUS(gil_interp_enter(visit->interps[index % 4], NULL), GILRT_OK);
  /* The first is closing when it would acquire again: it returns detached. */
  CHECK_STATUS(call_module(visit->library, "linger"), index % 4 == 0 ? GILRT_ERR_MODULE : GILRT_OK);
}

/* What is closed while it runs in other interpreters stays until the last call there has returned. */
static void closed_while_called(void) {
  int calls = atomic_load(&witness.calls), unloads = atomic_load(&witness.unloads);
  visit_t visit = {.library = open_module(path)};
  for (int i = 0; i < 4; i++) visit.interps[i] = new_interp("visited", i % 2 ? GIL_MODE_FREE : GIL_MODE_LOCKED);
  team_t team;
  atomic_store(&witness.hold, false);
  for (int i = 0; i < 4; i++) { /* loaded first, since a load would wait too */
    CHECK_STATUS(gil_interp_enter(visit.interps[i], NULL), GILRT_OK);
    CHECK_STATUS(call_module(visit.library, "look"), GILRT_OK);
  }
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
  atomic_store(&witness.hold, true);
  team_start(&team, THREADS, linger, &visit);
  AWAIT(atomic_load(&witness.calls) == calls + 4 + THREADS);
  gilrt_module_close(visit.library);
  CHECK_EQ(atomic_load(&witness.unloads), unloads + 1); /* in the main interpreter, where nobody calls it */
  /* Who calls is inside, though it has let go of the lock. */
  CHECK_STATUS(gil_interp_close(visit.interps[0], 0), GILRT_ERR_BUSY);
  atomic_store(&witness.hold, false);
  team_join(&team);
  for (int i = 0; i < 4; i++) CHECK_STATUS(gil_interp_close(visit.interps[i], FOREVER), GILRT_OK);
  witness_end(atomic_load(&witness.loads));
}

static void visit_often(unsigned index, void *argument) {
  visit_t *visit = argument;
  for (int i = 0; i < 300; i++) {
    CHECK_STATUS(gil_interp_enter(visit->interps[(index + (unsigned)i) % 4], NULL), GILRT_OK);
    gilrt_library_t *library = open_module(path);
    CHECK_STATUS(call_module(visit->library, "look"), GILRT_OK);
    gilrt_module_close(library);
  }
}

static void open_everywhere(void) {
  visit_t visit = {.library = open_module(path)};
  for (int i = 0; i < 4; i++) visit.interps[i] = new_interp("visited", i % 2 ? GIL_MODE_FREE : GIL_MODE_LOCKED);
  team_run(THREADS, visit_often, &visit);
  gilrt_module_close(visit.library);
  witness_end(atomic_load(&witness.loads));
  for (int i = 0; i < 4; i++) CHECK_STATUS(gil_interp_close(visit.interps[i], FOREVER), GILRT_OK);
}

/* A thread that is about to end an interpreter meets those who unload from it. */
static void close_one(unsigned index, void *argument) {
  visit_t *visit = argument;
  if (index == 0) gilrt_module_close(visit->library);
  else CHECK_STATUS(gil_interp_close(visit->interps[index - 1], FOREVER), GILRT_OK);
}

static void both_close(void) {
  for (int round = 0; round < 200; round++) {
    visit_t visit = {.library = open_module(path)};
    for (int i = 0; i < 4; i++) {
      visit.interps[i] = new_interp("ended", i % 2 ? GIL_MODE_FREE : GIL_MODE_LOCKED);
      CHECK_STATUS(gil_interp_enter(visit.interps[i], NULL), GILRT_OK);
      CHECK_STATUS(call_module(visit.library, "look"), GILRT_OK);
    }
    CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
    team_run(5, close_one, &visit);
    witness_end(atomic_load(&witness.loads));
  }
}

static void in_the_child(void *argument) {
  gilrt_library_t *kept = argument;
  atomic_store(&witness.hold, false);
  CHECK_STATUS(call_module(kept, "look"), GILRT_OK);
  gilrt_library_t *again = open_module(copy); /* its load had begun in a thread that is not here */
  CHECK_STATUS(call_module(again, "look"), GILRT_OK);
  int unloads = atomic_load(&witness.unloads);
  gilrt_module_close(again);
  CHECK_EQ(atomic_load(&witness.unloads), unloads + 1);
  gilrt_module_close(kept); /* nor is the thread that lingered in this one */
  CHECK_EQ(atomic_load(&witness.unloads), unloads + 2);
  CHECK_EQ(atomic_load(&witness.wrong), 0);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
}

static void in_the_middle(unsigned index, void *argument) {
  gilrt_library_t *kept = argument;
  if (index == 0) gilrt_module_close(open_module(copy));
  else CHECK_STATUS(call_module(kept, "linger"), GILRT_OK);
}

static void forked(void) {
  gilrt_library_t *kept = open_module(path);
  team_t team;
  int loading = atomic_load(&witness.loading), calls = atomic_load(&witness.calls);
  atomic_store(&witness.hold, true);
  team_start(&team, 2, in_the_middle, kept);
  AWAIT(atomic_load(&witness.loading) == loading + 1 && atomic_load(&witness.calls) == calls + 1);
  in_child(in_the_child, kept);
  atomic_store(&witness.hold, false);
  team_join(&team);
  gilrt_module_close(kept);
  witness_end(atomic_load(&witness.loads));
}

int main(int argc, char **argv) {
  CHECK(argc == 3 || argc == 4);
  path = argv[1];
  copy = argv[2];
  witness_begin();
  if (argc == 4) { /* by itself, since what the threads that a child has not got had in their hands looks lost there */
    CHECK_EQ(strcmp(argv[3], "fork"), 0);
    forked();
    CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
    return 0;
  }
  loaded_once();
  fails_for_one();
  circles();
  closed_while_called();
  open_everywhere();
  both_close();
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
