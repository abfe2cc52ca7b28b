/* Interpreters by the hundred at once, with threads in all of them, and by the thousand one after the other, which leave no memory
   behind. Their threads come late, too: each is refused with GILRT_ERR_CLOSED, before, in and after a wait.

   interps_many MODE: 0 with a lock of their own, 2 without one. */
#include "check.h"

#include <malloc.h>

#define AT_ONCE 300u
#define WORKERS 8u
#define ROUNDS 3u
#define WARM_UP 300u
#define ONE_AFTER_THE_OTHER 3000u

typedef struct world {
  gil_interp_t *interp;
  obj_type_t *type;
  obj_t *shared;
  atomic_uint visits, finalized;
  unsigned plain; /* guarded by the lock, where there is one */
} world_t;

static world_t worlds[AT_ONCE];
static int mode;
static atomic_uint finalized_elsewhere;

static void finalize(obj_t *self) {
  world_t *world = *OBJ_PAYLOAD(self, world_t *);
  if (gil_interp_current() != world->interp) atomic_fetch_add(&finalized_elsewhere, 1);
  atomic_fetch_add(&world->finalized, 1);
}

static gil_interp_t *open_interp(unsigned index) {
  char name[32];
  snprintf(name, sizeof name, "world %u", index);
  gil_interp_config_t config = {.struct_size = sizeof config, .name = name, .mode = mode};
  gil_interp_t *interp = NULL;
  CHECK_STATUS(gil_interp_new(&config, &interp), GILRT_OK);
  return interp;
}

static void enter(gil_interp_t *interp) {
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK(gil_interp_current() == interp);
}

static void go_home(void) {
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
}

static obj_type_t *new_type(void) {
  obj_type_config_t config = {
      .struct_size = sizeof config, .name = "leaf", .payload_size = sizeof(world_t *), .finalize = finalize};
  obj_type_t *type = NULL;
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  return type;
}

static obj_t *new_object(world_t *world) {
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(world->type, 0, &object), GILRT_OK);
  *OBJ_PAYLOAD(object, world_t *) = world;
  return object;
}

/* Each thread is in all of them, one after the other, and counts objects of the one before while it is in the next. */
static void visit_all(unsigned index, void *unused) {
  (void)unused;
  for (unsigned i = 0; i < ROUNDS * AT_ONCE; i++) {
    world_t *world = &worlds[(i + index * (AT_ONCE / WORKERS)) % AT_ONCE], *next = &worlds[(i + 1) % AT_ONCE];
    enter(world->interp);
    if (mode == GIL_MODE_LOCKED) world->plain++;
    obj_incref(world->shared);
    obj_incref(next->shared);
    obj_decref(new_object(world));
    CHECK_STATUS(gil_poll(), GILRT_OK);
    obj_decref(next->shared);
    go_home();
    obj_decref(world->shared);
    atomic_fetch_add(&world->visits, 1);
  }
}

static void hundreds_at_once(void) {
  for (unsigned i = 0; i < AT_ONCE; i++) {
    worlds[i].interp = open_interp(i);
    enter(worlds[i].interp);
    worlds[i].type = new_type();
    worlds[i].shared = new_object(&worlds[i]);
    go_home();
  }
  team_run(WORKERS, visit_all, NULL);
  for (unsigned i = 0; i < AT_ONCE; i++) {
    world_t *world = &worlds[i];
    CHECK_EQ(atomic_load(&world->visits), ROUNDS * WORKERS);
    if (mode == GIL_MODE_LOCKED) CHECK_EQ(world->plain, ROUNDS * WORKERS);
    enter(world->interp);
    CHECK_EQ(obj_refcount(world->shared), 1);
    obj_decref(world->shared);
    CHECK_EQ(obj_live_count(), 0);
    go_home();
    CHECK_EQ(atomic_load(&world->finalized), ROUNDS * WORKERS + 1);
    CHECK_STATUS(gil_interp_close(world->interp, FOREVER), GILRT_OK);
  }
  CHECK_EQ(atomic_load(&finalized_elsewhere), 0);
}

/* A thread that stays in an interpreter until it is refused: each of its acquires is right, or GILRT_ERR_CLOSED. */
typedef struct late {
  gil_interp_t *interp;
  atomic_uint rounds;
  atomic_bool closed;
} late_t;

static void *come_until_refused(void *argument) {
  late_t *late = argument;
  int status = gil_interp_enter(late->interp, NULL);
  if (status != GILRT_OK) { /* later than late */
    CHECK_STATUS(status, GILRT_ERR_CLOSED);
    return NULL;
  }
  while ((status = gil_acquire()) == GILRT_OK) {
    atomic_fetch_add(&late->rounds, 1);
    status = gil_poll();
    CHECK(status == GILRT_OK || status == GILRT_ERR_CLOSED);
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
  CHECK_STATUS(status, GILRT_ERR_CLOSED);
  CHECK(!gil_held());
  AWAIT(atomic_load(&late->closed));
  CHECK_STATUS(gil_acquire(), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_try_acquire(), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_acquire_for(MILLISECONDS(1)), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_attach(1), GILRT_ERR_CLOSED);
  CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
  /* Whoever has left for another interpreter is not concerned. */
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

static void late_threads_are_refused(void) {
  for (unsigned i = 0; i < 30; i++) {
    late_t late = {.interp = open_interp(i)};
    pthread_t threads[3];
    for (unsigned k = 0; k < 3; k++) CHECK_EQ(pthread_create(&threads[k], NULL, come_until_refused, &late), 0);
    AWAIT(atomic_load(&late.rounds) > i);
    CHECK_STATUS(gil_interp_close(late.interp, FOREVER), GILRT_OK);
    atomic_store(&late.closed, true);
    for (unsigned k = 0; k < 3; k++) CHECK_EQ(pthread_join(threads[k], NULL), 0);
  }
}

static void one_life(unsigned index) {
  world_t world = {.interp = open_interp(index)};
  enter(world.interp);
  world.type = new_type();
  world.shared = new_object(&world);
  obj_t *last = obj_newref(world.shared);
  obj_decref(world.shared);
  go_home();
  obj_decref(last); /* by a thread that is elsewhere: dies before the close, or in it */
  CHECK_STATUS(gil_interp_close(world.interp, FOREVER), GILRT_OK);
  CHECK_EQ(atomic_load(&world.finalized), 1);
}

/* What malloc has given out and not got back; 0 where the C library does not tell. Sanitizers have a malloc of their own. */
static size_t allocated(void) {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
  struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
#else
  return 0;
#endif
}

static void thousands_one_after_the_other(void) {
  for (unsigned i = 0; i < WARM_UP; i++) one_life(i);
  size_t before = allocated();
  for (unsigned i = 0; i < ONE_AFTER_THE_OTHER; i++) one_life(i);
  size_t after = allocated();
  CHECK_EQ(after > before ? after - before : 0, 0);
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 2);
  mode = atoi(argv[1]);
  late_threads_are_refused();
  hundreds_at_once();
  thousands_one_after_the_other();
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
