/* A fork while other threads are in sections, wait for objects, or have them locked: the child has what its one thread had, and
   finds the rest free (L15). A bare lock of another thread stays locked, as a mutex does. */
#include "child.h"

#define THREADS 4u
#define OBJECTS 3u
#define FORKS 40u

static gil_interp_t *interp;
static obj_type_t *type;
static obj_t *objects[OBJECTS];
static obj_weak_t *weak[OBJECTS];
static atomic_int inside, stop;

/* Byte 14 of an object holds its locks. */
static unsigned locks(obj_t *o) { return __atomic_load_n((unsigned char *)o + 14, __ATOMIC_RELAXED); }

static void enter(void) {
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
}

static void leave(void) { CHECK_STATUS(gil_release(), GILRT_OK); }

static void *stay_inside(void *unused) {
  (void)unused;
  enter();
  OBJ_BEGIN_SECTION2(objects[0], objects[1])
  atomic_store(&inside, 1);
  AWAIT(atomic_load(&stop));
  OBJ_END_SECTION2
  leave();
  return NULL;
}

static void *wait_for_the_third(void *unused) {
  (void)unused;
  enter();
  OBJ_BEGIN_SECTION(objects[2])
  OBJ_END_SECTION
  leave();
  return NULL;
}

static void *wait_for_the_bare_lock(void *unused) {
  (void)unused;
  CHECK_STATUS(obj_lock(objects[2]), GILRT_OK);
  CHECK_STATUS(obj_unlock(objects[2]), GILRT_OK);
  return NULL;
}

static void go_through_all(void) {
  for (unsigned i = 0; i < OBJECTS; i++) {
    OBJ_BEGIN_SECTION2(objects[i], objects[(i + 1) % OBJECTS])
    CHECK_EQ(locks(objects[i]) & 1, 1);
    OBJ_END_SECTION2
  }
}

static void child_of_a_thread_in_a_section(void *unused) {
  (void)unused;
  CHECK_EQ(locks(objects[2]) & 17, 17); /* its own, both */
  CHECK_STATUS(obj_unlock(objects[2]), GILRT_OK);
  CHECK_STATUS(obj_lock(objects[2]), GILRT_OK);
  CHECK_STATUS(obj_unlock(objects[2]), GILRT_OK);
  go_through_all();
  CHECK_EQ(locks(objects[0]) | locks(objects[1]), 0);
  GIL_BEGIN_ALLOW_THREADS
  CHECK_EQ(locks(objects[2]), 0);
  GIL_END_ALLOW_THREADS
  CHECK_EQ(locks(objects[2]), 1);
}

static void a_child_has_the_sections_of_its_thread_and_no_others(void) {
  pthread_t threads[3];
  CHECK_EQ(pthread_create(&threads[0], NULL, stay_inside, NULL), 0);
  AWAIT(atomic_load(&inside));
  enter();
  OBJ_BEGIN_SECTION(objects[2])
  CHECK_STATUS(obj_lock(objects[2]), GILRT_OK);
  CHECK_EQ(pthread_create(&threads[1], NULL, wait_for_the_third, NULL), 0);
  CHECK_EQ(pthread_create(&threads[2], NULL, wait_for_the_bare_lock, NULL), 0);
  AWAIT(locks(objects[2]) == 1 + 2 + 16 + 32);
  sleep_us(3000); /* who has waited for more than 1 ms would be handed the lock, also when it does not exist */
  in_child(child_of_a_thread_in_a_section, NULL);
  CHECK_EQ(locks(objects[2]), 1 + 2 + 16 + 32);
  CHECK_STATUS(obj_unlock(objects[2]), GILRT_OK);
  OBJ_END_SECTION
  leave();
  atomic_store(&stop, 1);
  for (int i = 0; i < 3; i++) CHECK_EQ(pthread_join(threads[i], NULL), 0);
}

static void go_on_in_the_child(void *unused) {
  (void)unused;
  for (unsigned i = 0; i < OBJECTS; i++) CHECK_EQ(locks(objects[i]) & 1, 0);
  enter();
  go_through_all();
  for (unsigned i = 0; i < OBJECTS; i++) {
    obj_incref(objects[i]);
    obj_decref(objects[i]);
    CHECK_EQ(locks(objects[i]), 0);
  }
  leave();
}

static void storm(unsigned index, void *unused) {
  (void)unused;
  if (index == 0) {
    for (unsigned i = 0; i < FORKS; i++) in_child(go_on_in_the_child, NULL);
    atomic_store(&stop, 1);
    return;
  }
  enter();
  for (unsigned i = index; !atomic_load(&stop); i++) {
    OBJ_BEGIN_SECTION(objects[i % OBJECTS])
    OBJ_BEGIN_SECTION2(objects[i % OBJECTS], objects[(i + index) % OBJECTS])
    if (i % 8 == 0) {
      GIL_BEGIN_ALLOW_THREADS
      GIL_END_ALLOW_THREADS
    }
    OBJ_END_SECTION2
    OBJ_END_SECTION
    obj_incref(objects[i % OBJECTS]);
    obj_decref(obj_weak_get(weak[i % OBJECTS])); /* counts with a mutex held that a fork takes */
    obj_decref(objects[i % OBJECTS]);
  }
  leave();
}

static void forks_amid_sections_and_counts(void) {
  atomic_store(&stop, 0);
  team_run(THREADS, storm, NULL);
}

static void open_interp(int count) {
  gil_interp_config_t config = {
      .struct_size = sizeof config, .name = "free", .mode = GIL_MODE_FREE, .count = count};
  CHECK_STATUS(gil_interp_new(&config, &interp), GILRT_OK);
  const obj_type_config_t shape = {.struct_size = sizeof shape, .name = "plain"};
  enter();
  CHECK_STATUS(obj_type_new(&shape, &type), GILRT_OK);
  for (unsigned i = 0; i < OBJECTS; i++) {
    CHECK_STATUS(obj_new(type, 0, &objects[i]), GILRT_OK);
    CHECK_STATUS(obj_weak_new(objects[i], &weak[i]), GILRT_OK);
  }
  leave();
}

static void close_interp(void) {
  enter();
  for (unsigned i = 0; i < OBJECTS; i++) {
    obj_weak_free(weak[i]);
    obj_decref(objects[i]);
  }
  CHECK_EQ(obj_live_count(), 0);
  leave();
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
  CHECK_STATUS(gil_interp_close(interp, FOREVER), GILRT_OK);
}

int main(void) {
  open_interp(OBJ_COUNT_BIASED);
  a_child_has_the_sections_of_its_thread_and_no_others();
  forks_amid_sections_and_counts();
  close_interp();
  open_interp(OBJ_COUNT_LOCKED);
  forks_amid_sections_and_counts();
  close_interp();
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
