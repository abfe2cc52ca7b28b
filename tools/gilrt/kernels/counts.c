/* A reference taken and dropped: by the owner, by a thread that does not own, and by what C has instead. The references must
   add up afterwards, or the witness says that they did not. */
#include <errno.h>
#include <gilrt_inline.h>
#include <stdlib.h>

#include "times.h"

int empty_call(void);

kernel_t kernel_count_inline, kernel_count_inline_t, kernel_count_call, kernel_count_plain, kernel_count_foreign_inline,
    kernel_count_foreign_call, kernel_count_merged_inline, kernel_count_merged_call, kernel_count_empty, kernel_object_size,
    kernel_new_object, kernel_new_calloc, kernel_new_malloc;

enum { PAYLOAD = 32 };

/* One type for all, since a type lives as long as the process. */
static obj_t *new_object(void) {
  static obj_type_t *type;
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "counted", .payload_size = PAYLOAD};
  obj_t *object = NULL;
  if (!type && obj_type_new(&config, &type)) return NULL;
  obj_new(type, 0, &object);
  return object;
}

/* Drops the object of a kernel, and bears witness that no reference but this one is left. By an attached thread. */
static void account(kernel_result_t *result, obj_t *object) {
  if (obj_refcount(object) != 1) result->witness = 0;
  obj_decref(object);
  if (obj_live_count() != 0) result->witness = 0;
}

/* Attached, the thread owns the object, which is the lock's. */
#define BY_OWNER(task, result, incref, decref)                                    \
  do {                                                                            \
    gil_acquire();                                                                \
    gil_thread_t *self = gil_thread_self();                                       \
    obj_t *object = new_object();                                                 \
    if (!object) return ENOMEM;                                                   \
    (void)self;                                                                   \
    TIMES(task, result, incref(object); SECTION(); decref(object); SECTION());    \
    account(result, object);                                                      \
    gil_release();                                                                \
  } while (0)

/* Detached, it owns nothing. A reference that the owner counted and another thread drops makes the object merged. */
#define BY_OTHER(task, result, merged, incref, decref)                            \
  do {                                                                            \
    gil_acquire();                                                                \
    obj_t *object = new_object();                                                 \
    if (!object) return ENOMEM;                                                   \
    if (merged) obj_incref(object);                                               \
    gil_release();                                                                \
    if (merged) obj_decref(object);                                               \
    TIMES(task, result, incref(object); SECTION(); decref(object); SECTION());    \
    gil_acquire();                                                                \
    account(result, object);                                                      \
    gil_release();                                                                \
  } while (0)

#define INCREF_T(object) obj_incref_inline_t(self, object)
#define DECREF_T(object) obj_decref_inline_t(self, object)

int kernel_count_inline(const kernel_task_t *task, kernel_result_t *result) {
  BY_OWNER(task, result, obj_incref_inline, obj_decref_inline);
  return 0;
}

int kernel_count_inline_t(const kernel_task_t *task, kernel_result_t *result) {
  BY_OWNER(task, result, INCREF_T, DECREF_T);
  return 0;
}

int kernel_count_call(const kernel_task_t *task, kernel_result_t *result) {
  BY_OWNER(task, result, obj_incref, obj_decref);
  return 0;
}

int kernel_count_foreign_inline(const kernel_task_t *task, kernel_result_t *result) {
  BY_OTHER(task, result, false, obj_incref_inline, obj_decref_inline);
  return 0;
}

int kernel_count_foreign_call(const kernel_task_t *task, kernel_result_t *result) {
  BY_OTHER(task, result, false, obj_incref, obj_decref);
  return 0;
}

int kernel_count_merged_inline(const kernel_task_t *task, kernel_result_t *result) {
  BY_OTHER(task, result, true, obj_incref_inline, obj_decref_inline);
  return 0;
}

int kernel_count_merged_call(const kernel_task_t *task, kernel_result_t *result) {
  BY_OTHER(task, result, true, obj_incref, obj_decref);
  return 0;
}

/* The least that there is: a word of memory, up and down, and a look whether it was the last. */
int kernel_count_plain(const kernel_task_t *task, kernel_result_t *result) {
  static uint32_t count;
  count = 1;
  TIMES(task, result, count++; SECTION(); if (--count == 0) abort(); SECTION());
  if (count != 1) result->witness = 0;
  return 0;
}

int kernel_count_empty(const kernel_task_t *task, kernel_result_t *result) {
  TIMES(task, result, empty_call(); empty_call());
  return 0;
}

/* Bytes before the payload, as the first share. */
int kernel_object_size(const kernel_task_t *task, kernel_result_t *result) {
  (void)task;
  gil_acquire();
  obj_t *object = new_object();
  if (!object) return ENOMEM;
  result->shares[0] = (uint64_t)((char *)OBJ_PAYLOAD(object, char) - (char *)object);
  result->done = result->witness = 1;
  account(result, object);
  gil_release();
  return 0;
}

/* A birth and a death, by call; inline code comes to the same calls for these. */
int kernel_new_object(const kernel_task_t *task, kernel_result_t *result) {
  gil_acquire();
  obj_t *first = new_object(), *object;
  if (!first) return ENOMEM;
  obj_type_t *type = obj_type_of(first);
  TIMES(task, result, if (obj_new(type, 0, &object)) return ENOMEM; SECTION(); obj_decref(object); SECTION());
  account(result, first);
  gil_release();
  return 0;
}

/* As many bytes as such an object has, header included; the compiler must not see that nobody uses them. */
#define BLOCK(allocate)                              \
  do {                                               \
    void *block = allocate;                          \
    __asm__ volatile("" : "+r"(block) : : "memory"); \
    free(block);                                     \
  } while (0)

int kernel_new_calloc(const kernel_task_t *task, kernel_result_t *result) {
  TIMES(task, result, BLOCK(calloc(1, PAYLOAD + 16)));
  return 0;
}

int kernel_new_malloc(const kernel_task_t *task, kernel_result_t *result) {
  TIMES(task, result, BLOCK(malloc(PAYLOAD + 16)));
  return 0;
}
