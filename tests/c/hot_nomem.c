/* Without memory for a thread's counters of hot objects it counts in those that all threads share, and nothing is lost; without
   memory for a slot an object does not become hot, and stays what it was. */
#include "check.h"

#define OBJECTS 600u /* more than a chunk of counters has room for */

extern void *__libc_memalign(size_t align, size_t size);

static atomic_bool failing;
static atomic_uint refused;

/* In place of the C library's: chunks of counters, which are aligned, come from here. */
int posix_memalign(void **out, size_t align, size_t size) {
  if (atomic_load(&failing)) {
    atomic_fetch_add(&refused, 1);
    return ENOMEM;
  }
  void *p = __libc_memalign(align, size);
  if (!p) return ENOMEM;
  *out = p;
  return 0;
}

static obj_t *objects[OBJECTS];

static void *count(void *attached) {
  if (attached) CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (unsigned i = 0; i < OBJECTS; i++) {
    errno = 1234;
    obj_incref(objects[i]);
    obj_incref(objects[i]);
    obj_decref(objects[i]);
    CHECK_EQ(errno, 1234);
  }
  if (attached) CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

static void count_in_another_thread(void *attached) {
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, NULL, count, attached), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* How many became hot before there was no memory. */
static unsigned make_hot_without_memory(void) {
  unsigned hot = 0;
  atomic_store(&failing, true);
  while (hot < OBJECTS && obj_make_hot(objects[hot]) == GILRT_OK) hot++;
  CHECK(hot < OBJECTS);
  for (unsigned i = hot; i < OBJECTS; i++) {
    CHECK_STATUS(obj_make_hot(objects[i]), GILRT_ERR_NOMEM);
    CHECK_EQ(obj_refcount(objects[i]), 1);
    obj_incref(objects[i]);
    CHECK_EQ(obj_refcount(objects[i]), 2);
    obj_decref(objects[i]);
  }
  atomic_store(&failing, false);
  return hot;
}

int main(void) {
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "thing"};
  obj_type_t *type = NULL;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  for (unsigned i = 0; i < OBJECTS; i++) CHECK_STATUS(obj_new(type, 0, &objects[i]), GILRT_OK);
  CHECK_EQ(make_hot_without_memory(), 0);
  CHECK_STATUS(obj_make_hot(objects[0]), GILRT_OK);
  CHECK(make_hot_without_memory() > 0); /* as far as the chunk went */
  for (unsigned i = 0; i < OBJECTS; i++) CHECK_STATUS(obj_make_hot(objects[i]), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  atomic_store(&failing, true);
  atomic_store(&refused, 0);
  count_in_another_thread(NULL); /* nowhere: has no counters, and wants none */
  CHECK_EQ(atomic_load(&refused), 0);
  count_in_another_thread(objects);
  CHECK(atomic_load(&refused) > 0);
  atomic_store(&failing, false);
  count_in_another_thread(objects);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (unsigned i = 0; i < OBJECTS; i++) {
    CHECK_EQ(obj_refcount(objects[i]), 4);
    for (unsigned k = 0; k < 4; k++) obj_decref(objects[i]);
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  CHECK_LEFT_AT_THE_END(0);
  return 0;
}
