/* One thread in an interpreter without a lock, which attaches and detaches; and one that is attached to an interpreter with a lock
   of its own and counts an object of another. */
#include <errno.h>
#include <gilrt_inline.h>

#include "times.h"

kernel_t kernel_free_pair_inline, kernel_free_pair_inline_t, kernel_free_pair_call, kernel_across_inline,
    kernel_across_inline_t, kernel_across_call;

static gil_interp_t *new_interp(int mode) {
  const gil_interp_config_t config = {.struct_size = sizeof config, .name = "bench", .mode = mode};
  gil_interp_t *interp = NULL;
  return gil_interp_new(&config, &interp) == GILRT_OK ? interp : NULL;
}

static int end(gil_interp_t *interp) {
  gil_interp_enter(gil_interp_main(), NULL);
  return gil_interp_close(interp, UINT64_MAX) == GILRT_OK ? 0 : EBUSY;
}

static uint64_t acquires(gil_interp_t *interp) {
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  return gilrt_stats_get(interp, &stats) == GILRT_OK ? stats.acquires : 0;
}

/* That each turn attached, the library's own count bears witness. */
#define ATTACH(task, result, acquire, release)                          \
  do {                                                                  \
    gil_interp_t *interp = new_interp(GIL_MODE_FREE);                   \
    if (!interp) return ENOMEM;                                         \
    gil_interp_enter(interp, NULL);                                     \
    gil_thread_t *self = gil_thread_self();                             \
    uint64_t before = acquires(interp);                                 \
    (void)self;                                                         \
    TIMES(task, result, acquire; SECTION(); release; SECTION());        \
    result->witness = acquires(interp) - before;                        \
    return end(interp);                                                 \
  } while (0)

int kernel_free_pair_inline(const kernel_task_t *task, kernel_result_t *result) {
  ATTACH(task, result, gil_acquire_inline(), gil_release_inline());
}

int kernel_free_pair_inline_t(const kernel_task_t *task, kernel_result_t *result) {
  ATTACH(task, result, gil_acquire_inline_t(self), gil_release_inline_t(self));
}

int kernel_free_pair_call(const kernel_task_t *task, kernel_result_t *result) {
  ATTACH(task, result, gil_acquire(), gil_release());
}

static obj_t *new_object(void) {
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "counted", .payload_size = 32};
  obj_type_t *type = NULL;
  obj_t *object = NULL;
  gil_acquire();
  if (obj_type_new(&config, &type) == GILRT_OK) obj_new(type, 0, &object);
  gil_release();
  return object;
}

/* Back at home the references must add up. */
static void account(gil_interp_t *home, obj_t *object, kernel_result_t *result) {
  gil_interp_enter(home, NULL);
  gil_acquire();
  if (obj_refcount(object) != 1) result->witness = 0;
  obj_decref(object);
  if (obj_live_count() != 0) result->witness = 0;
  gil_release();
}

#define COUNT_ACROSS(task, result, incref, decref)                              \
  do {                                                                          \
    gil_interp_t *home = new_interp(GIL_MODE_LOCKED), *away = new_interp(GIL_MODE_LOCKED); \
    if (!home || !away) return ENOMEM;                                          \
    gil_interp_enter(home, NULL);                                               \
    obj_t *object = new_object();                                               \
    if (!object) return ENOMEM;                                                 \
    gil_interp_enter(away, NULL);                                               \
    gil_acquire();                                                              \
    gil_thread_t *self = gil_thread_self();                                     \
    (void)self;                                                                 \
    TIMES(task, result, incref; SECTION(); decref; SECTION());                  \
    gil_release();                                                              \
    account(home, object, result);                                              \
    int error = end(home);                                                      \
    return end(away) ? EBUSY : error;                                           \
  } while (0)

int kernel_across_inline(const kernel_task_t *task, kernel_result_t *result) {
  COUNT_ACROSS(task, result, obj_incref_inline(object), obj_decref_inline(object));
}

int kernel_across_inline_t(const kernel_task_t *task, kernel_result_t *result) {
  COUNT_ACROSS(task, result, obj_incref_inline_t(self, object), obj_decref_inline_t(self, object));
}

int kernel_across_call(const kernel_task_t *task, kernel_result_t *result) {
  COUNT_ACROSS(task, result, obj_incref(object), obj_decref(object));
}
