/* Forks while other threads hammer the library: in each child everything works, whatever the others were in the middle of
   (L15, L24). fork_storm WHAT, where WHAT is what they hammer: lock, calls, log, exits, weak or
   hot. */
#include "child.h"

#define HAMMERS 3u
#define FORKS 200u

static atomic_bool stop;
static atomic_uint running;
static uint64_t plain; /* guarded by the lock */
static obj_type_t *type;
static obj_t *object, *hot_object;

static int nothing(void *user) {
  (void)user;
  return 0;
}

static void ignore(int level, const char *message, void *user) { (void)level, (void)message, (void)user; }

static void lock(unsigned index) {
  int status = index % 2 ? gil_acquire() : gil_acquire_for(100000);
  if (status == GILRT_ERR_TIMEOUT) return;
  CHECK_STATUS(status, GILRT_OK);
  plain++;
  obj_incref(object);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  GIL_BEGIN_ALLOW_THREADS
  obj_decref(object);
  GIL_END_ALLOW_THREADS
  plain++;
  CHECK_STATUS(gil_release(), GILRT_OK);
}

static void calls(unsigned index) {
  int status = gil_call_soon(nothing, NULL);
  if (status != GILRT_OK) CHECK_STATUS(status, GILRT_ERR_LIMIT);
  if (index > 0) return;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

static void logs(unsigned index) { gilrt_set_log(index % 2 ? ignore : NULL, NULL); }

static void *live_shortly(void *unused) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return unused;
}

static void exits(unsigned index) {
  pthread_t thread;
  (void)index;
  CHECK_EQ(pthread_create(&thread, NULL, live_shortly, NULL), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* Some with an object of their own, whose death clears the reference. */
static void weak(unsigned index) {
  obj_weak_t *reference = NULL;
  CHECK_STATUS(obj_weak_new(object, &reference), GILRT_OK);
  CHECK(obj_weak_get(reference) == object);
  obj_decref(object);
  obj_weak_free(reference);
  if (index > 0) return;
  obj_t *own = NULL;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_new(type, 0, &own), GILRT_OK);
  CHECK_STATUS(obj_weak_new(own, &reference), GILRT_OK);
  obj_decref(own);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK(!obj_weak_get(reference));
  obj_weak_free(reference);
}

/* One of them looks at the slots. */
static void hot(unsigned index) {
  obj_incref(hot_object);
  if (index == 0) {
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    CHECK_STATUS(obj_make_hot(hot_object), GILRT_OK);
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
  obj_decref(hot_object);
}

static void (*hammer)(unsigned index);

static void body(unsigned index, void *unused) {
  (void)unused;
  hammer(index);
  atomic_fetch_add(&running, 1);
  while (!atomic_load(&stop)) hammer(index);
}

static int count(void *ran) {
  ++*(unsigned *)ran;
  return 0;
}

static void *end_while_holding(void *unused) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  return unused; /* the library logs that */
}

static void child(void *held) {
  pthread_t thread;
  unsigned ran = 0;
  CHECK_EQ(gil_held(), *(bool *)held);
  if (!gil_held()) CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_poll(), GILRT_OK); /* what the others have left, a call of theirs that was only half left included */
  CHECK_STATUS(gil_call_soon(count, &ran), GILRT_OK);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_EQ(ran, 1);
  obj_incref(object);
  obj_decref(object);
  weak(0);
  hot(0);
  CHECK_STATUS(obj_make_hot(object), GILRT_OK); /* in a slot of its own */
  hot(1);
  CHECK_STATUS(gil_release(), GILRT_OK);
  gilrt_set_log(ignore, NULL);
  CHECK_EQ(pthread_create(&thread, NULL, end_while_holding, NULL), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name;
    void (*hammer)(unsigned index);
  } kinds[] = {{"lock", lock}, {"calls", calls}, {"log", logs}, {"exits", exits}, {"weak", weak}, {"hot", hot}};
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (argc == 2 && strcmp(argv[1], kinds[i].name) == 0) hammer = kinds[i].hammer;
  CHECK(hammer);
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "thing"};
  team_t team;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  CHECK_STATUS(obj_new(type, 0, &hot_object), GILRT_OK);
  CHECK_STATUS(obj_make_hot(hot_object), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  team_start(&team, HAMMERS, body, NULL);
  AWAIT(atomic_load(&running) == HAMMERS);
  for (unsigned i = 0; i < FORKS; i++) {
    bool held = i % 2 == 0;
    if (held) CHECK_STATUS(gil_acquire(), GILRT_OK);
    in_child(child, &held);
    if (held) CHECK_STATUS(gil_release(), GILRT_OK);
  }
  atomic_store(&stop, true);
  team_join(&team);
  return 0;
}
