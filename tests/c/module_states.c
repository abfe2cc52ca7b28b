/* A module has a state in each interpreter that uses it: loaded there once, unloaded there once, in good time. The arguments are
   the path of the module `states`, and of a copy that may be deleted. */
#include "hosted.h"

static const char *path;

static void enter(gil_interp_t *interp) { CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK); }

/* Opening counts, as dlopen does: the first loads, the last close unloads. */
static void opened_twice(void) {
  int loads = atomic_load(&witness.loads);
  gilrt_library_t *first = open_module(path), *second = open_module(path);
  CHECK(first == second);
  CHECK_EQ(atomic_load(&witness.loads), loads + 1);
  gilrt_module_close(first);
  CHECK_STATUS(call_module(second, "look"), GILRT_OK);
  CHECK_EQ(atomic_load(&witness.unloads), loads);
  gilrt_module_close(second);
  witness_end(loads + 1);
}

static void opened_in_each(gil_interp_t *other) {
  int loads = atomic_load(&witness.loads);
  gilrt_library_t *here = open_module(path);
  enter(other);
  gilrt_library_t *there = open_module(path);
  CHECK(here != there);
  CHECK_EQ(atomic_load(&witness.loads), loads + 2);
  CHECK_STATUS(call_module(there, "look"), GILRT_OK);
  CHECK_STATUS(call_module(here, "look"), GILRT_OK); /* a call means the state of the interpreter it is made in */
  enter(gil_interp_main());
  CHECK_STATUS(call_module(there, "look"), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  gilrt_module_close(there); /* from elsewhere, and attached: it is unloaded at home all the same */
  CHECK_EQ(atomic_load(&witness.unloads), loads + 1);
  CHECK(gil_held());
  CHECK(gil_interp_current() == gil_interp_main());
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
  CHECK_STATUS(call_module(here, "look"), GILRT_OK);
  gilrt_module_close(here);
  witness_end(loads + 2);
}

/* Who calls where nobody has opened it has a state made for it, even if the file has gone. */
static void loaded_by_a_call(gil_interp_t *other, const char *copy) {
  int loads = atomic_load(&witness.loads);
  gilrt_library_t *library = open_module(copy);
  CHECK_EQ(unlink(copy), 0);
  CHECK_EQ(chdir("/"), 0);
  enter(other);
  CHECK_STATUS(call_module(library, "look"), GILRT_OK);
  CHECK_STATUS(call_module(library, "look"), GILRT_OK);
  CHECK_EQ(atomic_load(&witness.loads), loads + 2);
  enter(gil_interp_main());
  gilrt_module_close(library); /* nobody has the file open any more: both end, each at home */
  witness_end(loads + 2);
  CHECK(gil_interp_current() == gil_interp_main());
}

/* A load that a call needs may fail, and the next call tries again. */
static void not_loaded_by_a_call(gil_interp_t *other) {
  int loads = atomic_load(&witness.loads);
  gilrt_library_t *library = open_module(path);
  enter(other);
  atomic_store(&witness.fails, 1);
  CHECK_STATUS(call_module(library, "look"), GILRT_ERR_MODULE);
  CHECK(strstr(gilrt_error_text(), "states: its load failed"));
  CHECK_STATUS(call_module(library, "look"), GILRT_OK);
  enter(gil_interp_main());
  gilrt_module_close(library);
  witness_end(loads + 2);
}

static void closed_with_its_interpreter(void) {
  int loads = atomic_load(&witness.loads);
  gil_interp_t *brief = new_interp("brief", GIL_MODE_LOCKED);
  gilrt_library_t *stays = open_module(path);
  enter(brief);
  gilrt_library_t *library = open_module(path);
  enter(gil_interp_main());
  CHECK_STATUS(gil_interp_close(brief, FOREVER), GILRT_OK);
  CHECK_EQ(atomic_load(&witness.unloads), loads + 1);
  CHECK_STATUS(call_module(library, "look"), GILRT_ERR_CLOSED);
  gil_interp_t *next = new_interp("next", GIL_MODE_LOCKED); /* in the place of the former, but not it */
  enter(next);
  CHECK_STATUS(call_module(library, "look"), GILRT_ERR_CLOSED);
  CHECK_STATUS(call_module(stays, "look"), GILRT_OK);
  CHECK_EQ(atomic_load(&witness.loads), loads + 3);
  enter(gil_interp_main());
  CHECK_STATUS(gil_interp_close(next, FOREVER), GILRT_OK);
  CHECK_EQ(atomic_load(&witness.unloads), loads + 2);
  gilrt_module_close(library);
  gilrt_module_close(stays);
  witness_end(loads + 3);
}

static obj_t *made;

static void keep(const char *name, int64_t value, void *user) {
  (void)name, (void)user;
  made = (obj_t *)(intptr_t)value;
}

/* The types that it makes are those of its interpreter, and what is alive of them outlives both. */
static void objects_stay_at_home(gil_interp_t *other) {
  int loads = atomic_load(&witness.loads);
  gilrt_call_t call = {.struct_size = sizeof call, .report = keep};
  gilrt_library_t *library = open_module(path);
  enter(other);
  CHECK_STATUS(gilrt_module_call(library, "make", &call), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_EQ(obj_live_count(), 1);
  CHECK_STATUS(gil_release(), GILRT_OK);
  enter(gil_interp_main());
  gilrt_module_close(library);
  witness_end(loads + 2);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
  obj_decref(made);
  enter(other);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
  enter(gil_interp_main());
}

/* Code that returns in another interpreter is told so, and its thread is brought back. */
static void strays(gil_interp_t *other) {
  gilrt_library_t *library = open_module(path);
  enter(other);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(call_module(library, "stray"), GILRT_ERR_MODULE);
  CHECK(gil_interp_current() == other);
  CHECK(gil_held());
  CHECK_STATUS(gil_release(), GILRT_OK);
  enter(gil_interp_main());
  gilrt_module_close(library);
}

/* Interpreters that come and go leave neither states nor types behind. */
static void comes_and_goes(void) {
  int loads = atomic_load(&witness.loads);
  gilrt_library_t *library = open_module(path);
  for (int i = 0; i < 200; i++) {
    gil_interp_t *brief = new_interp("brief", i % 2 ? GIL_MODE_FREE : GIL_MODE_LOCKED);
    enter(brief);
    CHECK_STATUS(call_module(library, "look"), GILRT_OK);
    enter(gil_interp_main());
    CHECK_STATUS(gil_interp_close(brief, FOREVER), GILRT_OK);
    CHECK_EQ(atomic_load(&witness.unloads), loads + i + 1);
  }
  gilrt_module_close(library);
  witness_end(loads + 201);
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 3);
  path = argv[1];
  witness_begin();
  gil_interp_t *other = new_interp("other", GIL_MODE_LOCKED), *free_one = new_interp("free", GIL_MODE_FREE);
  opened_twice();
  opened_in_each(other);
  opened_in_each(free_one);
  not_loaded_by_a_call(other);
  closed_with_its_interpreter();
  objects_stay_at_home(other);
  objects_stay_at_home(free_one);
  strays(other);
  comes_and_goes();
  loaded_by_a_call(other, argv[2]);

  int loads = atomic_load(&witness.loads);
  gilrt_library_t *library = open_module(path);
  enter(free_one);
  CHECK_STATUS(call_module(library, "look"), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK); /* with the module open: all its states end */
  CHECK_EQ(atomic_load(&witness.unloads), loads + 2);
  CHECK_STATUS(call_module(library, "look"), GILRT_ERR_CLOSED);
  gilrt_module_close(library);
  witness_end(loads + 2);
  return 0;
}
