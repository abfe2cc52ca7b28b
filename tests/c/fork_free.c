/* Forks in an interpreter without a lock, while other threads are attached, count, and hand references over: in the child only
   the forking thread exists, which owns what it owned; what the others owned is merged by whoever drops it (R20). */
#include "check.h"

#include <sys/wait.h>

#define THREADS 3u
#define OBJECTS 32u
#define FORKS 40u

static gil_interp_t *interp;
static obj_type_t *type;
static _Atomic(obj_t *) slots[OBJECTS];
static atomic_uint finalized;
static atomic_bool halt;

static void finalize(obj_t *self) {
  (void)self;
  CHECK(gil_held());
  atomic_fetch_add(&finalized, 1);
}

static obj_t *new_object(void) {
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  return object;
}

static void enter(void) {
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
}

static void pass_objects_on(unsigned index, void *unused) {
  (void)unused;
  enter();
  for (unsigned i = index; !atomic_load(&halt); i++) {
    obj_decref(atomic_exchange(&slots[i * 7 % OBJECTS], new_object()));
    CHECK_STATUS(gil_poll(), GILRT_OK);
    if (i % 16 == 0) {
      GIL_BEGIN_ALLOW_THREADS
      sleep_us(1);
      GIL_END_ALLOW_THREADS
    }
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
}

/* What other threads had in their hands is lost in the child: it leaks, and is never freed twice. */
static void in_the_child(bool attached) {
  CHECK_EQ(gil_held(), attached);
  if (!attached) CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (unsigned i = 0; i < OBJECTS; i++) {
    obj_t *object = atomic_load(&slots[i]);
    obj_incref(object);
    obj_decref(object);
  }
  for (unsigned i = 0; i < OBJECTS; i++) obj_decref(atomic_exchange(&slots[i], NULL));
  CHECK_STATUS(gil_stop_world(), GILRT_OK); /* nobody is there to wait for */
  CHECK_STATUS(gil_resume_world(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  int64_t lost = obj_live_count();
  obj_decref(new_object());
  CHECK_EQ(obj_live_count(), lost);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
  CHECK_STATUS(gil_interp_close(interp, FOREVER), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  _exit(0);
}

int main(void) {
  gil_interp_config_t config = {.struct_size = sizeof config, .mode = GIL_MODE_FREE};
  CHECK_STATUS(gil_interp_new(&config, &interp), GILRT_OK);
  enter();
  obj_type_config_t shape = {.struct_size = sizeof shape, .name = "leaf", .payload_size = 8, .finalize = finalize};
  CHECK_STATUS(obj_type_new(&shape, &type), GILRT_OK);
  for (unsigned i = 0; i < OBJECTS; i++) atomic_store(&slots[i], new_object());
  team_t team;
  team_start(&team, THREADS, pass_objects_on, NULL);
  for (unsigned i = 0; i < FORKS; i++) {
    uint32_t depth = i % 2 == 0 ? 0 : gil_detach();
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) in_the_child(depth == 0);
    int status = 0;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    CHECK_STATUS(gil_attach(depth), GILRT_OK);
    sleep_us(200);
  }
  atomic_store(&halt, true);
  CHECK_STATUS(gil_release(), GILRT_OK);
  team_join(&team);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (unsigned i = 0; i < OBJECTS; i++) obj_decref(atomic_exchange(&slots[i], NULL));
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
  CHECK_STATUS(gil_interp_close(interp, FOREVER), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
