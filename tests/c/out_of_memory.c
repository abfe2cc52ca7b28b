/* Memory that runs out, at every single allocation of every function that makes one: out_of_memory MODULE. The answer is
   GILRT_ERR_NOMEM, nothing has changed, and the same call succeeds once there is memory. */
#include "scenarios.h"

static const char *module_path;
static obj_type_t *type;
static obj_t *object;
static gilrt_library_t *library;

static void attach(void) { CHECK_STATUS(gil_acquire(), GILRT_OK); }
static void detach(void) { CHECK_STATUS(gil_release(), GILRT_OK); }

static int start(void) { return gilrt_init(NULL); }

static int start_and_end(void) { return gilrt_finalize(FOREVER); }

static int make_type(void) {
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "a type with a name", .payload_size = 40};
  return obj_type_new(&config, &type);
}

static void attach_and_make_type(void) {
  attach();
  CHECK_STATUS(make_type(), GILRT_OK);
}

static int make_object(void) { return obj_new(type, 0, &object); }
static int make_larger_object(void) { return obj_new(type, 1000, &object); }

static void drop_object(void) {
  obj_decref(object);
  CHECK_EQ(obj_live_count(), 0);
  detach();
}

#define MANY 200
static obj_t *objects[MANY];

/* So many that tables have to grow. */
static int make_objects(void) {
  int status = GILRT_OK;
  unsigned made = 0;
  while (made < MANY && status == GILRT_OK) {
    status = obj_new(type, 0, &objects[made]);
    if (status == GILRT_OK) made++;
  }
  while (status != GILRT_OK && made > 0) obj_decref(objects[--made]);
  return status;
}

static void drop_objects(void) {
  for (unsigned i = 0; i < MANY; i++) obj_decref(objects[i]);
  CHECK_EQ(obj_live_count(), 0);
  detach();
}

static int leaks_told;

static void count_leak(int level, const char *message, void *unused) {
  (void)unused;
  if (level == 1 && strstr(message, "leaked")) leaks_told++;
}

static void make_object_and_leave(void) {
  attach_and_make_type();
  CHECK_STATUS(make_object(), GILRT_OK);
  detach();
}

/* By a thread that may not count plainly, so that its reference waits in a queue. There is nobody to answer to: what cannot be
   queued is leaked, and that is told. */
static int drop_detached(void) {
  gilrt_set_log(count_leak, NULL);
  obj_decref(object);
  gilrt_set_log(NULL, NULL);
  CHECK_EQ(obj_live_count(), leaks_told);
  if (leaks_told) CHECK(obj_is_immortal(object));
  return GILRT_OK;
}

static obj_channel_t *channel;

static int make_channel(void) { return obj_channel_new(100, &channel); }
static void free_channel(void) { obj_channel_free(channel); }

static void make_object_and_channel(void) {
  make_object_and_leave();
  CHECK_STATUS(make_channel(), GILRT_OK);
}

/* As many as there is room for, a wait, and the way back: nothing of that needs memory. */
static int fill_and_empty_channel(void) {
  obj_t *out = NULL;
  for (unsigned i = 0; i < 100; i++) CHECK_STATUS(obj_send(channel, obj_newref(object), 0), GILRT_OK);
  CHECK_STATUS(obj_send(channel, object, 1000), GILRT_ERR_TIMEOUT);
  for (unsigned i = 0; i < 50; i++) {
    CHECK_STATUS(obj_receive(channel, 0, &out), GILRT_OK);
    CHECK(out == object);
    obj_decref(out);
  }
  obj_channel_close(channel);
  CHECK_EQ(obj_refcount(object), 1);
  CHECK(!an_allocation_failed());
  return GILRT_OK;
}

static void free_channel_and_object(void) {
  free_channel();
  attach();
  drop_object();
}

static int weigh(void) { return gil_set_thread_weight(2048); }

static void be_known(void) { CHECK_STATUS(weigh(), GILRT_OK); }

static int set_interval(void) { return gil_set_switch_interval(1000000); }

static int figures(void) {
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  return gilrt_stats_get(NULL, &stats);
}

static int nothing(void *unused) {
  (void)unused;
  return 0;
}

static int call_soon_and_poll(void) {
  int status = gil_call_soon(nothing, NULL);
  return status == GILRT_OK ? gil_poll() : status;
}

static int open_module(void) { return gilrt_module_open(module_path, &library); }
static void close_module(void) { gilrt_module_close(library); }

static void open_before(void) { CHECK_STATUS(open_module(), GILRT_OK); }

static int call_module(void) {
  gilrt_call_t call = {.struct_size = sizeof call};
  return gilrt_module_call(library, "greet", &call);
}

/* A failure that has to be told in words, whatever memory there is for them. */
static int fails_with(const char *words, int status) {
  if (status == GILRT_ERR_NOMEM) return status;
  CHECK_STATUS(status, GILRT_ERR_MODULE);
  CHECK(strstr(gilrt_error_text(), words));
  return GILRT_OK;
}

static int call_unknown(void) {
  gilrt_call_t call = {.struct_size = sizeof call};
  return fails_with("no such function", gilrt_module_call(library, "no such function", &call));
}

static int open_nowhere(void) {
  gilrt_library_t *unchanged = NULL;
  int status = fails_with("nowhere.so", gilrt_module_open("nowhere.so", &unchanged));
  CHECK(!unchanged);
  return status;
}

static int close_and_end(void) {
  gilrt_module_close(library);
  return gilrt_finalize(FOREVER);
}

/* As many threads as make every table grow, all of them known at once. */
#define THREADS 40
static atomic_int status_of_threads;
static pthread_barrier_t all_done;

static void *become_known(void *unused) {
  fail_here_too(true);
  int status = gil_acquire();
  if (status == GILRT_OK) CHECK_STATUS(gil_release(), GILRT_OK);
  else CHECK(!gil_held() && gil_thread_id() == 0);
  fail_here_too(false);
  if (status != GILRT_OK) atomic_store(&status_of_threads, status);
  pthread_barrier_wait(&all_done);
  return unused;
}

static int threads(void) {
  pthread_t thread[THREADS];
  atomic_store(&status_of_threads, GILRT_OK);
  fail_here_too(false);
  CHECK_EQ(pthread_barrier_init(&all_done, NULL, THREADS), 0);
  for (unsigned i = 0; i < THREADS; i++) CHECK_EQ(pthread_create(&thread[i], NULL, become_known, NULL), 0);
  for (unsigned i = 0; i < THREADS; i++) CHECK_EQ(pthread_join(thread[i], NULL), 0);
  return atomic_load(&status_of_threads);
}

static const scenario_t scenarios[] = {
    {.name = "the start", .call = start},
    {.name = "the first acquire", .call = gil_acquire, .undo = detach, .least = 3},
    {.name = "the first type", .call = make_type, .least = 1},
    {.name = "the end at once", .call = start_and_end, .least = 1},
    {.name = "a weight", .call = weigh, .least = 3},
    {.name = "an interval", .call = set_interval},
    {.name = "figures", .call = figures},
    {.name = "a call", .prepare = attach, .call = call_soon_and_poll, .undo = detach},
    {.name = "an acquire", .prepare = be_known, .call = gil_acquire, .undo = detach},
    {.name = "a type", .prepare = attach, .call = make_type, .undo = detach, .least = 1},
    {.name = "an object", .prepare = attach_and_make_type, .call = make_object, .undo = drop_object, .least = 1},
    {.name = "a larger object", .prepare = attach_and_make_type, .call = make_larger_object, .undo = drop_object, .least = 1},
    {.name = "many objects", .prepare = attach_and_make_type, .call = make_objects, .undo = drop_objects, .least = MANY},
    {.name = "a reference that is handed over", .prepare = make_object_and_leave, .call = drop_detached},
    {.name = "a module", .call = open_module, .undo = close_module, .least = 5, .other = GILRT_ERR_MODULE},
    {.name = "no module", .call = open_nowhere},
    {.name = "a module's function", .prepare = open_before, .call = call_module, .undo = close_module},
    {.name = "no function", .prepare = open_before, .call = call_unknown, .undo = close_module},
    {.name = "the end of a module", .prepare = open_before, .call = close_and_end},
    {.name = "a channel", .call = make_channel, .undo = free_channel, .least = 3},
    {.name = "what goes through a channel",
     .prepare = make_object_and_channel,
     .call = fill_and_empty_channel,
     .undo = free_channel_and_object},
    {.name = "threads", .call = threads, .least = 5},
};

int main(int argc, char **argv) {
  CHECK_EQ(argc, 2);
  module_path = argv[1];
  return try_all(scenarios, sizeof scenarios / sizeof *scenarios);
}
