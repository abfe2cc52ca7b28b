/* Memory that runs out while interpreters are made and entered, in all of them, and while weak references are made. */
#include "scenarios.h"

static gil_interp_t *interp, *main_interp;
static obj_type_t *type;
static obj_t *object;
static obj_weak_t *weak;

static int open_as(int mode) {
  const gil_interp_config_t config = {.struct_size = sizeof config, .name = "another", .mode = mode};
  return gil_interp_new(&config, &interp);
}

static int open_locked(void) { return open_as(GIL_MODE_LOCKED); }
static int open_free(void) { return open_as(GIL_MODE_FREE); }
static void opened_locked(void) { CHECK_STATUS(open_locked(), GILRT_OK); }
static void opened_free(void) { CHECK_STATUS(open_free(), GILRT_OK); }

static int end(void) { return gil_interp_close(interp, FOREVER); }
static void ended(void) { CHECK_STATUS(end(), GILRT_OK); }

static int enter(void) {
  gil_interp_t *before = NULL;
  int status = gil_interp_enter(interp, &before);
  CHECK(gil_interp_current() == (status == GILRT_OK ? interp : gil_interp_main()));
  if (status == GILRT_OK) main_interp = before;
  return status;
}

static void left(void) {
  CHECK(main_interp == gil_interp_main());
  CHECK_STATUS(gil_interp_enter(main_interp, NULL), GILRT_OK);
  ended();
}

static int make_type(void) {
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "thing", .payload_size = 40, .flags = OBJ_TYPE_TRY};
  return obj_type_new(&config, &type);
}

static int make_object(void) { return obj_new(type, 0, &object); }

static void inside(void) {
  CHECK_STATUS(enter(), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(make_type(), GILRT_OK);
}

static void inside_locked(void) {
  opened_locked();
  inside();
}

static void inside_free(void) {
  opened_free();
  inside();
}

static void outside(void) {
  CHECK_STATUS(gil_release(), GILRT_OK);
  left();
}

static void object_gone(void) {
  obj_decref(object);
  CHECK_EQ(obj_live_count(), 0);
  outside();
}

static int make_weak(void) { return obj_weak_new(object, &weak); }

static void with_object(void) {
  inside_free();
  CHECK_STATUS(make_object(), GILRT_OK);
}

static void weak_gone(void) {
  obj_t *again = obj_weak_get(weak);
  CHECK(again == object);
  obj_decref(again);
  obj_decref(object);
  CHECK(!obj_weak_get(weak));
  obj_weak_free(weak);
  outside();
}

/* The owner of the object is elsewhere when another thread drops it: there is a queue to be made, or a leak to be told. */
static int leaks_told;

static void count_leak(int level, const char *message, void *unused) {
  (void)unused;
  if (level == 1 && strstr(message, "leaked")) leaks_told++;
}

static void *drop(void *unused) {
  fail_here_too(true);
  obj_decref(object);
  fail_here_too(false);
  return unused;
}

static int drop_elsewhere(void) {
  pthread_t thread;
  gilrt_set_log(count_leak, NULL);
  fail_here_too(false);
  CHECK_EQ(pthread_create(&thread, NULL, drop, NULL), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  gilrt_set_log(NULL, NULL);
  CHECK_EQ(obj_live_count(), leaks_told);
  return GILRT_OK;
}

static gil_guard_t *guard;

static int make_guard(void) { return gil_guard_new(interp, &guard); }

static void guard_gone(void) {
  gil_guard_free(guard);
  ended();
}

static const scenario_t scenarios[] = {
    {.name = "a locked interpreter", .call = open_locked, .undo = ended, .least = 1},
    {.name = "a free one", .call = open_free, .undo = ended, .least = 1},
    {.name = "the way into a locked one", .prepare = opened_locked, .call = enter, .undo = left, .least = 1},
    {.name = "the way into a free one", .prepare = opened_free, .call = enter, .undo = left, .least = 1},
    {.name = "the end of a locked one", .prepare = opened_locked, .call = end},
    {.name = "the end of a free one", .prepare = opened_free, .call = end},
    {.name = "a type in a free one", .prepare = inside_free, .call = make_type, .undo = outside, .least = 1},
    {.name = "an object in a locked one", .prepare = inside_locked, .call = make_object, .undo = object_gone, .least = 1},
    {.name = "an object in a free one", .prepare = inside_free, .call = make_object, .undo = object_gone, .least = 1},
    {.name = "a weak reference", .prepare = with_object, .call = make_weak, .undo = weak_gone, .least = 1},
    {.name = "a guard", .prepare = opened_locked, .call = make_guard, .undo = guard_gone, .least = 1},
    {.name = "a reference for another thread", .prepare = with_object, .call = drop_elsewhere, .undo = outside},
};

int main(void) { return try_all(scenarios, sizeof scenarios / sizeof *scenarios); }
