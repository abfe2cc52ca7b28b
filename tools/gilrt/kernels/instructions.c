/* One hot path, so many times, for a tool that counts instructions: a program of its own, with nothing else in it.
   instructions PATH TIMES */
#include <gilrt_inline.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a turn may need. */
typedef struct place {
  unsigned long times;
  gil_thread_t *self;
  obj_t *object;
  obj_type_t *type;
} place_t;

/* Each path is a function of its own, since the compiler takes main for cold and inlines less there. It must not merge one
   turn with the next, nor an acquire with its release. */
#define SECTION() __asm__ volatile("" ::: "memory")
#define PATH(name, statement)                              \
  static __attribute__((noinline)) void name(place_t *at) { \
    unsigned long times = at->times;                       \
    gil_thread_t *self = at->self;                         \
    obj_t *object = at->object;                            \
    (void)self, (void)object;                              \
    for (unsigned long i = 0; i < times; i++) {            \
      statement;                                           \
      SECTION();                                           \
    }                                                      \
  }

PATH(nothing, (void)0)
PATH(pair_by_call, gil_acquire(); SECTION(); gil_release())
PATH(pair_inline, gil_acquire_inline(); SECTION(); gil_release_inline())
PATH(pair_inline_t, gil_acquire_inline_t(self); SECTION(); gil_release_inline_t(self))
PATH(region_by_call, gil_region_end(gil_region_begin()))
PATH(region_inline, gil_region_end_inline(gil_region_begin_inline()))
PATH(poll_by_call, gil_poll())
PATH(poll_inline, gil_poll_inline())
PATH(poll_inline_t, gil_poll_inline_t(self))
PATH(count_by_call, obj_incref(object); obj_decref(object))
PATH(count_inline, obj_incref_inline(object); obj_decref_inline(object))
PATH(count_inline_t, obj_incref_inline_t(self, object); obj_decref_inline_t(self, object))
PATH(new_object, obj_t *young; if (!obj_new(at->type, 0, &young)) obj_decref(young))

/* How a path begins: attached, detached, detached with an object that another thread has made merged, detached in an interpreter
   without a lock, or attached to another interpreter than the object's. */
enum begin { ATTACHED, DETACHED, MERGED, FREE, ACROSS };

static const struct {
  const char *name;
  void (*run)(place_t *at);
  enum begin begin;
  int acquires; /* whether each turn acquires */
} paths[] = {
    {"nothing", nothing, ATTACHED, 0},
    {"pair-by-call", pair_by_call, DETACHED, 1},
    {"pair-inline", pair_inline, DETACHED, 1},
    {"pair-inline-t", pair_inline_t, DETACHED, 1},
    {"region-by-call", region_by_call, ATTACHED, 1},
    {"region-inline", region_inline, ATTACHED, 1},
    {"poll-by-call", poll_by_call, ATTACHED, 0},
    {"poll-inline", poll_inline, ATTACHED, 0},
    {"poll-inline-t", poll_inline_t, ATTACHED, 0},
    {"count-by-call", count_by_call, ATTACHED, 0},
    {"count-inline", count_inline, ATTACHED, 0},
    {"count-inline-t", count_inline_t, ATTACHED, 0},
    {"foreign-by-call", count_by_call, DETACHED, 0},
    {"foreign-inline", count_inline, DETACHED, 0},
    {"foreign-inline-t", count_inline_t, DETACHED, 0},
    {"merged-by-call", count_by_call, MERGED, 0},
    {"merged-inline", count_inline, MERGED, 0},
    {"free-pair-by-call", pair_by_call, FREE, 1},
    {"free-pair-inline", pair_inline, FREE, 1},
    {"free-pair-inline-t", pair_inline_t, FREE, 1},
    {"across-by-call", count_by_call, ACROSS, 0},
    {"across-inline", count_inline, ACROSS, 0},
    {"across-inline-t", count_inline_t, ACROSS, 0},
    {"new-and-last-decref", new_object, ATTACHED, 0},
};

static void fail(const char *why) {
  fprintf(stderr, "instructions: %s\n", why);
  exit(1);
}

static obj_t *first_object(void) {
  obj_type_config_t config = {.struct_size = sizeof config, .name = "counted", .payload_size = 32};
  obj_type_t *type;
  obj_t *object;
  if (obj_type_new(&config, &type) || obj_new(type, 0, &object)) fail("no object can be made");
  return object;
}

/* Lets go of the lock. A reference that is dropped then, with no other that was counted outside, is the owner's queue's, and is
   merged at once where nobody holds the lock. */
static void detach(const place_t *at, enum begin how) {
  if (how == MERGED) obj_incref(at->object);
  gil_release();
  if (how == MERGED) obj_decref(at->object);
}

/* Into an interpreter of its own, and ready to begin there; the object stays where it is. */
static void move(place_t *at, enum begin how) {
  gil_interp_config_t config = {
      .struct_size = sizeof config, .name = "other", .mode = how == FREE ? GIL_MODE_FREE : GIL_MODE_LOCKED};
  gil_interp_t *other;
  if (gil_interp_new(&config, &other) || gil_interp_enter(other, NULL)) fail("there is no other interpreter");
  at->self = gil_thread_self();
  /* The first acquisition earns the bias. */
  if (gil_acquire() || (how == FREE && gil_release())) fail("the other interpreter cannot be attached to");
}

static void move_back(void) {
  gil_interp_t *other;
  if (gil_interp_enter(gil_interp_main(), &other) || gil_interp_close(other, UINT64_MAX)) fail("there is no way back");
}

/* Of the current interpreter. */
static uint64_t acquires(void) {
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  if (gilrt_stats_get(gil_interp_current(), &stats)) fail("the figures of the lock cannot be read");
  return stats.acquires;
}

int main(int argc, char **argv) {
  if (argc != 3) fail("usage: instructions PATH TIMES");
  size_t chosen = 0, count = sizeof paths / sizeof *paths;
  while (chosen < count && strcmp(paths[chosen].name, argv[1])) chosen++;
  if (chosen == count) fail("unknown path");

  /* The first acquisition makes the thread known and earns the bias. */
  if (gil_acquire()) fail("the lock cannot be acquired");
  place_t at = {.times = strtoul(argv[2], NULL, 10), .self = gil_thread_self(), .object = first_object()};
  at.type = obj_type_of(at.object);
  bool moves = paths[chosen].begin == FREE || paths[chosen].begin == ACROSS;
  if (paths[chosen].begin != ATTACHED) detach(&at, paths[chosen].begin);
  if (moves) move(&at, paths[chosen].begin);
  uint64_t before = acquires();
  paths[chosen].run(&at);
  /* A path that did not do its work would need few instructions. */
  if (paths[chosen].acquires && acquires() - before != at.times) fail("the lock was not acquired once a turn");
  if (moves) move_back();
  if (paths[chosen].begin != ATTACHED && gil_acquire()) fail("the lock cannot be acquired again");
  if (!gil_held()) fail("the lock was lost");
  if (obj_refcount(at.object) != 1) fail("the references do not add up");
  obj_decref(at.object);
  if (obj_live_count() != 0) fail("an object is left");
  gil_release();
  return gilrt_finalize(UINT64_MAX);
}
