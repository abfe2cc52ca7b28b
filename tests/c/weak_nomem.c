/* A host's allocator that fails: a weak reference is made or not, and what was allocated is given back with its size. */
#include "check.h"

static atomic_int left = INT32_MAX; /* so many allocations succeed */
static atomic_llong bytes;

static void *allocate(size_t size, size_t align, void *user) {
  void *p = NULL;
  CHECK(user == &left);
  if (atomic_fetch_sub(&left, 1) <= 0) return NULL;
  CHECK_EQ(posix_memalign(&p, align, size), 0);
  memset(p, 0xA5, size);
  atomic_fetch_add(&bytes, (long long)size);
  return p;
}

static void give_back(void *p, size_t size, size_t align, void *user) {
  (void)align;
  CHECK(user == &left);
  atomic_fetch_sub(&bytes, (long long)size);
  memset(p, 0x5A, size);
  free(p);
}

static void without_memory_there_is_no_weak_reference(obj_t *object) {
  obj_weak_t *untouched = (obj_weak_t *)object, *one = NULL, *two = NULL;
  long long before = atomic_load(&bytes);
  atomic_store(&left, 0);
  CHECK_STATUS(obj_weak_new(object, &untouched), GILRT_ERR_NOMEM);
  CHECK(untouched == (obj_weak_t *)object);
  CHECK_EQ(atomic_load(&bytes), before);
  CHECK_EQ(obj_refcount(object), 1);
  atomic_store(&left, 1);
  CHECK_STATUS(obj_weak_new(object, &one), GILRT_OK);
  CHECK(atomic_load(&bytes) > before);
  CHECK_STATUS(obj_weak_new(object, &two), GILRT_OK); /* shares what there is */
  CHECK(obj_weak_get(one) == object && obj_weak_get(two) == object);
  CHECK_EQ(obj_refcount(object), 3);
  obj_decref(object);
  obj_decref(object);
  obj_weak_free(one);
  CHECK(atomic_load(&bytes) > before);
  obj_weak_free(two);
  CHECK_EQ(atomic_load(&bytes), before);
  atomic_store(&left, INT32_MAX);
}

int main(void) {
  const gilrt_config_t config = {
      .struct_size = sizeof config, .alloc = allocate, .free = give_back, .alloc_user = &left};
  const obj_type_config_t type_config = {.struct_size = sizeof type_config, .name = "thing"};
  obj_type_t *type = NULL;
  obj_t *object = NULL;
  obj_weak_t *last = NULL;
  CHECK_STATUS(gilrt_init(&config), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_type_new(&type_config, &type), GILRT_OK);
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  for (unsigned i = 0; i < 3; i++) without_memory_there_is_no_weak_reference(object);
  CHECK_STATUS(obj_weak_new(object, &last), GILRT_OK);
  obj_decref(object);
  CHECK_EQ(obj_live_count(), 0);
  CHECK(atomic_load(&bytes) > 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  CHECK(obj_weak_get(last) == NULL);
  obj_weak_free(last); /* after the end, too */
  CHECK_EQ(atomic_load(&bytes), 0);
  return 0;
}
