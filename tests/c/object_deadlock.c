/* Two threads that lock two objects in opposite order. Without an argument they wait for ever, which is shown and then ended
   with the process; with "checked", under GILRT_CHECK, the one that would close the circle is told, and both go on. */
#include "check.h"

#include <sys/syscall.h>

static obj_t *objects[2];
static atomic_int has_first[2], has_second[2];
static atomic_int answers[2];
static atomic_long kernel_ids[2];
static uint64_t serials[2];
static bool checked;

static char reports[16][4096];
static atomic_uint report_count;

static void keep_report(int level, const char *message, void *user) {
  (void)user;
  CHECK_EQ(level, 1);
  unsigned at = atomic_fetch_add(&report_count, 1);
  CHECK(at < 16);
  snprintf(reports[at], sizeof reports[at], "%s", message);
}

/* Whether a line of the report says so. */
static bool is_reported(uint64_t who, const void *object, const char *name, uint64_t holder) {
  char expected[512];
  snprintf(expected, sizeof expected, "\n  thread %llu waits for the lock of object %p of type %s, which thread %llu holds",
           (unsigned long long)who, object, name, (unsigned long long)holder);
  if (strstr(reports[0], expected) != NULL) return true;
  fprintf(stderr, "not reported: %s\nreported: %s\n", expected, reports[0]);
  return false;
}

static void lock_both(unsigned index, void *unused) {
  (void)unused;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  serials[index] = gil_thread_id();
  CHECK_STATUS(gil_release(), GILRT_OK);
  atomic_store(&kernel_ids[index], syscall(SYS_gettid));
  CHECK_STATUS(obj_lock(objects[index]), GILRT_OK);
  atomic_store(&has_first[index], 1);
  AWAIT(atomic_load(&has_first[1 - index]));
  int answer = obj_lock(objects[1 - index]);
  atomic_store(&has_second[index], 1);
  atomic_store(&answers[index], answer);
  if (answer == GILRT_OK) CHECK_STATUS(obj_unlock(objects[1 - index]), GILRT_OK);
  CHECK_STATUS(obj_unlock(objects[index]), GILRT_OK);
}

static void make_objects(void) {
  const char *names[2] = {"left", "right"};
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (int i = 0; i < 2; i++) {
    obj_type_t *type = NULL;
    const obj_type_config_t config = {.struct_size = sizeof config, .name = names[i]};
    CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
    CHECK_STATUS(obj_new(type, 0, &objects[i]), GILRT_OK);
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
}

static void one_of_the_two_is_told(void) {
  team_run(2, lock_both, NULL);
  bool first_was_told = atomic_load(&answers[0]) != GILRT_OK;
  CHECK_STATUS(atomic_load(&answers[0]), first_was_told ? GILRT_ERR_DEADLOCK : GILRT_OK);
  CHECK_STATUS(atomic_load(&answers[1]), first_was_told ? GILRT_OK : GILRT_ERR_DEADLOCK);
  CHECK_EQ(atomic_load(&report_count), 1);
  CHECK(strncmp(reports[0], "check: this wait could never end\n", 33) == 0);
  CHECK(is_reported(serials[0], objects[1], "right", serials[1]));
  CHECK(is_reported(serials[1], objects[0], "left", serials[0]));
}

static void *unlock_in_another_thread(void *unused) {
  (void)unused;
  CHECK_STATUS(obj_unlock(objects[0]), GILRT_ERR_INVALID);
  return NULL;
}

static void a_thread_alone_is_told_too(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_lock(objects[0]), GILRT_OK);
  CHECK_STATUS(obj_lock(objects[0]), GILRT_ERR_DEADLOCK);
  char expected[512];
  snprintf(expected, sizeof expected, "\n  thread %llu waits for the lock of object %p of type left, which it holds itself",
           (unsigned long long)gil_thread_id(), (void *)objects[0]);
  CHECK(strstr(reports[1], expected) != NULL);
  pthread_t stranger;
  CHECK_EQ(pthread_create(&stranger, NULL, unlock_in_another_thread, NULL), 0);
  CHECK_EQ(pthread_join(stranger, NULL), 0);
  CHECK_EQ(atomic_load(&report_count), 3);
  CHECK(strstr(reports[2], "of type left, which thread") != NULL);
  CHECK_STATUS(obj_unlock(objects[0]), GILRT_OK);
  CHECK_STATUS(obj_unlock(objects[0]), GILRT_ERR_INVALID);
  CHECK(strstr(reports[3], "which nobody holds") != NULL);
  CHECK_EQ(atomic_load(&report_count), 4);
  for (int i = 0; i < 2; i++) obj_decref(objects[i]);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

/* 'S' is asleep, by the third word of /proc/self/task/<id>/stat. */
static bool sleeps(long id) {
  char path[64], text[256] = "";
  snprintf(path, sizeof path, "/proc/self/task/%ld/stat", id);
  FILE *file = fopen(path, "r");
  CHECK(file != NULL);
  CHECK(fgets(text, sizeof text, file) != NULL);
  fclose(file);
  const char *name_end = strrchr(text, ')');
  return name_end != NULL && name_end[2] == 'S';
}

/* Each has its first object, each has announced (bits 4 and 5 of byte 14) that it waits for the other one's, and each
   sleeps for that: nobody is left who could go on. */
static void nobody_ever_goes_on(void) {
  team_t team;
  team_start(&team, 2, lock_both, NULL);
  for (int i = 0; i < 2; i++) {
    unsigned char *locks = (unsigned char *)objects[i] + 14;
    AWAIT(atomic_load(&has_first[i]) && __atomic_load_n(locks, __ATOMIC_RELAXED) == 16 + 32);
  }
  for (int i = 0; i < 2; i++) AWAIT(sleeps(atomic_load(&kernel_ids[i])));
  for (int i = 0; i < 2; i++) CHECK_EQ(atomic_load(&has_second[i]), 0);
  fflush(NULL);
  _exit(0);
}

int main(int argc, char **argv) {
  checked = argc > 1 && strcmp(argv[1], "checked") == 0;
  make_objects();
  if (!checked) nobody_ever_goes_on();
  gilrt_set_log(keep_report, NULL);
  one_of_the_two_is_told();
  a_thread_alone_is_told_too();
  gilrt_set_log(NULL, NULL);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
