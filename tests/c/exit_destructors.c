/* Destructors of the host's thread-specific data that use the lock while their thread ends, before and after the library's
   own exit hook has run (L16). */
#include "check.h"

#define THREADS 20u

static pthread_key_t before, after; /* made before and after the library's own: they are run in this order */
static pthread_key_t stubborn;      /* comes back as often as there are rounds */
static obj_type_t *type;
static unsigned runs_before, runs_after, runs_stubborn; /* guarded by the lock */
static bool leave_it_held;

static void visit(unsigned *runs) {
  obj_t *object = NULL;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK(gil_held());
  ++*runs;
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  obj_decref(object);
  if (!leave_it_held) CHECK_STATUS(gil_release(), GILRT_OK);
}

static void run_before(void *unused) {
  (void)unused;
  visit(&runs_before);
}

static void run_after(void *unused) {
  (void)unused;
  visit(&runs_after);
}

static void run_stubborn(void *again) {
  visit(&runs_stubborn);
  CHECK_EQ(pthread_setspecific(stubborn, again), 0);
}

static void *live(void *keys) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  pthread_setspecific(before, keys);
  pthread_setspecific(after, keys);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

static void *live_stubbornly(void *keys) {
  pthread_setspecific(stubborn, keys);
  return NULL;
}

static void ignore(int level, const char *message, void *user) {
  (void)user;
  CHECK_EQ(level, 2);
  CHECK(strstr(message, "ended while it was attached"));
}

static void end_threads(void *(*body)(void *)) {
  pthread_t threads[THREADS];
  for (unsigned i = 0; i < THREADS; i++) CHECK_EQ(pthread_create(&threads[i], NULL, body, &threads), 0);
  for (unsigned i = 0; i < THREADS; i++) CHECK_EQ(pthread_join(threads[i], NULL), 0);
  CHECK_STATUS(gil_try_acquire(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

static unsigned known_threads(void) {
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  CHECK_STATUS(gilrt_stats_get(NULL, &stats), GILRT_OK);
  return stats.threads;
}

int main(void) {
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "thing"};
  CHECK_EQ(pthread_key_create(&before, run_before), 0);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_EQ(pthread_key_create(&after, run_after), 0);
  CHECK_EQ(pthread_key_create(&stubborn, run_stubborn), 0);
  gilrt_set_log(ignore, NULL);
  end_threads(live);
  CHECK_EQ(runs_before, THREADS);
  CHECK_EQ(runs_after, THREADS);
  leave_it_held = true;
  end_threads(live);
  CHECK_EQ(runs_before, 2 * THREADS);
  CHECK_EQ(runs_after, 2 * THREADS);
  CHECK_EQ(known_threads(), 1);
  leave_it_held = false;
  end_threads(live_stubbornly);
  CHECK(runs_stubborn >= 2 * THREADS);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
