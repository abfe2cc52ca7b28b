/* One misuse each, for checking mode to tell: checking KIND. Where the process goes on, it ends well. */
#include "check.h"

static int unwanted[16]; /* never an object */

static obj_type_t *new_type(size_t payload, void (*clear)(obj_t *)) {
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "node", .payload_size = payload, .clear = clear};
  obj_type_t *type = NULL;
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  return type;
}

static obj_t *new_object(obj_type_t *type) {
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  return object;
}

static obj_t *new_dead(void) {
  obj_t *object = new_object(new_type(24, NULL));
  obj_decref(object);
  return object;
}

static void *in_thread(void *(*body)(void *), void *argument) {
  pthread_t thread;
  void *result;
  CHECK_EQ(pthread_create(&thread, NULL, body, argument), 0);
  CHECK_EQ(pthread_join(thread, &result), 0);
  return result;
}

static void *count_attached(void *object) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_incref(object);
  obj_decref(object);
  obj_decref(object);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

static void *drop(void *object) {
  obj_decref(object);
  return NULL;
}

static void *drop_twice(void *object) {
  obj_decref(object);
  obj_decref(object);
  return NULL;
}

static void *make_detached(void *type) {
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_ERR_NOT_ATTACHED);
  return object;
}

static void *end_attached(void *unused) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  return unused;
}

static void clear_nothing(obj_t *self) { CHECK(self); }

/* Called from inside of the library, as a signal handler may be. */
static void acquire_in_log(int level, const char *message, void *user) {
  (void)level, (void)message, (void)user;
  CHECK_STATUS(gil_acquire(), GILRT_ERR_DEADLOCK);
}

static void count_in_log(int level, const char *message, void *user) {
  CHECK_EQ(level, 1);
  CHECK(strstr(message, "use after free") && strchr(message, '\n'));
  ++*(int *)user;
}

static void below_zero(void) {
  obj_t *object = new_object(new_type(24, NULL));
  GIL_BEGIN_ALLOW_THREADS
  in_thread(count_attached, object);
  GIL_END_ALLOW_THREADS
  obj_decref(object);
}

static void below_zero_unburied(void) {
  obj_t *object = new_object(new_type(24, clear_nothing));
  in_thread(drop_twice, object);
  CHECK_EQ(obj_live_count(), 1);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_EQ(obj_live_count(), 0); /* the second was not counted */
}

static void to_a_logger(void) {
  int reports = 0;
  gilrt_set_log(count_in_log, &reports);
  obj_incref(new_dead());
  gilrt_set_log(NULL, NULL);
  CHECK_EQ(reports, 1);
}

/* The least that a dead object's memory outlives: 64 Ki others. */
static void freed_long_ago(void) {
  obj_t *object = new_dead();
  obj_type_t *type = new_type(8, NULL);
  for (unsigned i = 0; i < 65537; i++) obj_decref(new_object(type));
  obj_incref(object);
}

/* R21. */
static void too_many(bool try) {
  obj_t *object = new_object(new_type(24, NULL));
  *(uint32_t *)(void *)object = 1u << 28; /* the header's first word is the count */
  if (try) CHECK(obj_try_incref(object));
  else obj_incref(object);
  CHECK(obj_is_immortal(object));
  obj_decref(object);
  CHECK_EQ(obj_live_count(), 1);
}

static void beyond_payload(size_t extra) {
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(new_type(20, NULL), extra, &object), GILRT_OK);
  memset(OBJ_PAYLOAD(object, char), 1, 20 + extra);
  OBJ_PAYLOAD(object, char)[20 + extra] = 1;
  obj_decref(object);
}

static void too_large(void) {
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(new_type(24, NULL), SIZE_MAX - 8, &object), GILRT_ERR_NOMEM);
  CHECK(!object);
}

/* Nothing here is wrong, and all of it has to be seen as such. */
static void nothing_wrong(void) {
  obj_type_t *type = new_type(24, clear_nothing);
  obj_t *object = new_object(type), *other = NULL;
  CHECK_STATUS(obj_new(type, 9, &other), GILRT_OK);
  memset(OBJ_PAYLOAD(other, char), 7, 24 + 9);
  CHECK(obj_type_of(object) == type);
  obj_incref(object);
  CHECK_EQ(obj_refcount(object), 2);
  in_thread(drop, object);
  CHECK_EQ(obj_refcount(object), 1);
  in_thread(drop, object);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  obj_decref(other);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(obj_immortalize(new_object(type)), GILRT_OK);
}

static int let_go(obj_t *self, obj_visit_fn visit, void *user) {
  (void)self, (void)visit, (void)user;
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  return 0;
}

static void traverse_that_calls_back(void) {
  const obj_type_config_t config = {
      .struct_size = sizeof config, .name = "node", .payload_size = 24, .traverse = let_go, .clear = clear_nothing};
  obj_type_t *type = NULL;
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  obj_t *object = new_object(type);
  CHECK_EQ(obj_collect(), 0);
  obj_decref(object);
  CHECK_EQ(obj_live_count(), 0);
}

/* A host's blocks, each of which remembers its size. */
static size_t blocks;

static void *give(size_t size, size_t align, void *user) {
  CHECK(!user && align == 16);
  size_t *block = aligned_alloc(16, (16 + size + 15) / 16 * 16);
  CHECK(block);
  memset(block, 0xCC, 16 + size);
  *block = size;
  blocks++;
  return block + 2;
}

static void take(void *block, size_t size, size_t align, void *user) {
  size_t *start = (size_t *)block - 2;
  CHECK(!user && align == 16);
  CHECK_EQ(*start, size);
  free(start);
  blocks--;
}

/* What is kept for a while goes back to the host as it came. */
static void hosts_memory(void) {
  obj_type_t *type = new_type(20, NULL);
  for (unsigned i = 0; i < 70000; i++) {
    obj_t *object = NULL;
    CHECK_STATUS(obj_new(type, i % 7, &object), GILRT_OK);
    for (unsigned k = 0; k < 20 + i % 7; k++) CHECK_EQ(OBJ_PAYLOAD(object, char)[k], 0);
    obj_decref(object);
  }
  CHECK_EQ(obj_live_count(), 0);
  CHECK_EQ(blocks, 65536);
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 2);
  const char *kind = argv[1];
#define IS(name) (strcmp(kind, name) == 0)
  const gilrt_config_t config = {.struct_size = sizeof config, .alloc = give, .free = take};
  if (IS("hosts_memory")) CHECK_STATUS(gilrt_init(&config), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  if (IS("below_zero")) below_zero();
  else if (IS("below_zero_unburied")) below_zero_unburied();
  else if (IS("incref")) obj_incref(new_dead());
  else if (IS("refcount")) CHECK_EQ(obj_refcount(new_dead()), 0);
  else if (IS("type_of")) CHECK(!obj_type_of(new_dead()));
  else if (IS("immortalize")) (void)obj_immortalize(new_dead());
  else if (IS("to_a_logger")) to_a_logger();
  else if (IS("freed_long_ago")) freed_long_ago();
  else if (IS("no_object")) obj_incref((obj_t *)(void *)unwanted);
  else if (IS("too_many")) too_many(false);
  else if (IS("too_many_tries")) too_many(true);
  else if (IS("beyond")) beyond_payload(0);
  else if (IS("beyond_extra")) beyond_payload(5);
  else if (IS("too_large")) too_large();
  else if (IS("detached")) in_thread(make_detached, new_type(24, NULL));
  else if (IS("traverse")) traverse_that_calls_back();
  else if (IS("hosts_memory")) hosts_memory();
  else if (IS("nothing")) nothing_wrong();
  else CHECK(IS("release") || IS("exit") || IS("inside"));
  CHECK_EQ(unwanted[2], 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
  if (IS("release")) CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
  if (IS("exit")) in_thread(end_attached, NULL);
  if (IS("inside")) {
    gilrt_set_log(acquire_in_log, NULL);
    in_thread(end_attached, NULL);
    gilrt_set_log(NULL, NULL);
  }
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  puts("went on");
  return 0;
}
