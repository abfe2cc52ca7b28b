/* Linked to a program of this folder, it makes the program run in another mode than it was written for, which the environment
   names: GILRT_TEST_MODE.

   main       in the main interpreter, whatever GILRT_MODE says of it
   own        in an interpreter beside it, with a GIL of its own
   shared     the same, with the GIL of the main interpreter
   busy       the same, while another thread runs in the main interpreter
   forced     in the main interpreter, where the module GILRT_TEST_MODULE is open, which needs a GIL
   switching  in the main interpreter, whose mode another thread changes every few milliseconds

   The program is not changed: the linker's --wrap leads its calls here. Its main interpreter is the one of its mode, which a thread
   enters with its first call that attaches; a thread that never attaches stays unknown to the library. */
#include "check.h"

#include <signal.h>
#include <sys/types.h>

/* What the program calls, and what it means. */
#define WRAPPED(type, name, ...)                                                                                       \
  type __real_##name(__VA_ARGS__);                                                                                     \
  type __wrap_##name(__VA_ARGS__);                                                                                     \
  type __wrap_##name(__VA_ARGS__)

gil_interp_t *__real_gil_interp_main(void);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic(gil_interp_t *) home; /* instead of the main interpreter; NULL: the main one itself */
static int32_t policy, count;        /* what the program asked for at the start */
static uint64_t switch_interval_ns;

static atomic_bool has_begun;
static atomic_int companions_known; /* to the library */
static pthread_t companion; /* in the modes that have another thread */
static pid_t companions_process;
static atomic_bool companion_leaves;

static bool mode_is(const char *name) {
  const char *mode = getenv("GILRT_TEST_MODE");
  CHECK(mode);
  return strcmp(mode, name) == 0;
}

static void start_companion(void *(*body)(void *)) {
  CHECK_EQ(pthread_create(&companion, NULL, body, NULL), 0);
  companions_process = getpid();
}

/* It does not exist in a forked child. */
static void end_companion(void) {
  if (companions_process != getpid()) return;
  atomic_store(&companion_leaves, true);
  CHECK_EQ(pthread_join(companion, NULL), 0);
  companions_process = 0;
}

static void make_home(int32_t mode) {
  const gil_interp_config_t config = {.struct_size = sizeof config,
                                      .name = "home",
                                      .mode = mode,
                                      .policy = policy,
                                      .switch_interval_ns = switch_interval_ns,
                                      .count = count,
                                      .share_with = mode == GIL_MODE_SHARED ? __real_gil_interp_main() : NULL};
  gil_interp_t *made;
  CHECK_STATUS(gil_interp_new(&config, &made), GILRT_OK);
  atomic_store(&home, made);
}

int __real_gil_acquire(void);

/* Holds the shared GIL now and then, in the other interpreter. */
static void *neighbour(void *unused) {
  while (!atomic_load(&companion_leaves) && __real_gil_acquire() == GILRT_OK) {
    atomic_store(&companions_known, 1);
    for (int i = 0; i < 100; i++) gil_poll();
    CHECK_STATUS(gil_release(), GILRT_OK);
    sleep_us(500);
  }
  atomic_store(&companions_known, 1); /* the end of the runtime may come before its first acquire; others wait for it */
  return unused;
}

static void *switcher(void *unused) {
  for (int mode = GIL_MODE_LOCKED; !atomic_load(&companion_leaves); mode = GIL_MODE_FREE - mode) {
    int status = gil_interp_set_mode(__real_gil_interp_main(), mode);
    atomic_store(&companions_known, 1);
    /* Busy: a module is open that needs the GIL. Closed: so is the runtime. */
    if (status != GILRT_ERR_BUSY && status != GILRT_ERR_CLOSED) CHECK_STATUS(status, GILRT_OK);
    sleep_us(2000);
  }
  return unused;
}

int __real_gilrt_module_open(const char *path, gilrt_library_t **out);
void __real_gilrt_set_log(void (*log)(int level, const char *message, void *user), void *user);

static void (*programs_log)(int level, const char *message, void *user);
static void *programs_log_user;

static void quiet(int level, const char *message, void *user) { (void)level, (void)message, (void)user; }

/* In a thread of its own, so that nobody else becomes known to the library by it. */
static void *force(void *unused) {
  gilrt_library_t *library;
  int status = __real_gilrt_module_open(getenv("GILRT_TEST_MODULE"), &library);
  if (status != GILRT_OK) check_fail(__FILE__, __LINE__, "%s", gilrt_error_text());
  CHECK_EQ(gil_interp_mode(__real_gil_interp_main()), GIL_MODE_LOCKED);
  return unused;
}

static void have_forced(void) {
  pthread_t thread;
  uint32_t depth = gil_detach();
  __real_gilrt_set_log(quiet, NULL);
  CHECK_EQ(pthread_create(&thread, NULL, force, NULL), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  __real_gilrt_set_log(programs_log, programs_log_user);
  CHECK_STATUS(gil_attach(depth), GILRT_OK);
}

int __real_gilrt_stats_get(gil_interp_t *interp, gilrt_stats_t *out);

static uint64_t acquires_before; /* by what was done here */

static void begin(void) {
  if (mode_is("own")) make_home(GIL_MODE_LOCKED);
  else if (mode_is("shared") || mode_is("busy")) make_home(GIL_MODE_SHARED);
  else if (mode_is("forced")) have_forced();
  else CHECK(mode_is("main") || mode_is("switching"));
  if (mode_is("busy")) start_companion(neighbour);
  if (mode_is("switching")) start_companion(switcher);
  if (companions_process && !gil_held()) AWAIT(atomic_load(&companions_known));
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  gil_interp_t *there = atomic_load(&home);
  CHECK_STATUS(__real_gilrt_stats_get(there ? there : __real_gil_interp_main(), &stats), GILRT_OK);
  acquires_before = stats.acquires;
}

gil_interp_t *__real_gil_interp_current(void);

/* A signal handler may be the first to come, or come while others do. */
static void begin_once(void) {
  if (atomic_load(&has_begun)) return;
  sigset_t all, before;
  sigfillset(&all);
  CHECK_EQ(pthread_sigmask(SIG_SETMASK, &all, &before), 0);
  CHECK_EQ(pthread_once(&once, begin), 0);
  atomic_store(&has_begun, true);
  CHECK_EQ(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
}

/* The calling thread is in the interpreter of the mode, unless it has entered another one. */
static int arrive(void) {
  begin_once();
  gil_interp_t *there = atomic_load(&home);
  if (!there || __real_gil_interp_current() != __real_gil_interp_main()) return GILRT_OK;
  return gil_interp_enter(there, NULL);
}

WRAPPED(int, gilrt_init, const gilrt_config_t *config) {
  int status = __real_gilrt_init(config);
  if (status == GILRT_OK && config && config->struct_size >= sizeof *config) {
    policy = config->policy;
    count = config->count;
    switch_interval_ns = config->switch_interval_ns;
  }
  return status;
}

WRAPPED(void, gilrt_set_log, void (*log)(int level, const char *message, void *user), void *user) {
  programs_log = log;
  programs_log_user = user;
  __real_gilrt_set_log(log, user);
}

WRAPPED(int, gilrt_finalize, uint64_t timeout_ns) {
  end_companion();
  return __real_gilrt_finalize(timeout_ns);
}

WRAPPED(int, gil_acquire, void) {
  int status = arrive();
  return status == GILRT_OK ? __real_gil_acquire() : status;
}

/* Of the inline function, by a thread that is unknown to the library: it has attached nobody yet. */
WRAPPED(int, gil_acquire_slow, gil_thread_t *t) {
  begin_once();
  if (!atomic_load(&home) || __real_gil_interp_current() != __real_gil_interp_main()) return __real_gil_acquire_slow(t);
  return __wrap_gil_acquire();
}

WRAPPED(int, gil_try_acquire, void) {
  int status = arrive();
  return status == GILRT_OK ? __real_gil_try_acquire() : status;
}

WRAPPED(int, gil_acquire_for, uint64_t timeout_ns) {
  int status = arrive();
  return status == GILRT_OK ? __real_gil_acquire_for(timeout_ns) : status;
}

WRAPPED(int, gil_stop_world, void) {
  int status = arrive();
  return status == GILRT_OK ? __real_gil_stop_world() : status;
}

WRAPPED(int, obj_type_new, const obj_type_config_t *config, obj_type_t **out) {
  int status = arrive();
  return status == GILRT_OK ? __real_obj_type_new(config, out) : status;
}

/* Also in signal handlers: there the thread has arrived, or is unknown, or is just arriving. Then the handler is refused, with the
   answer that a program must expect of this function in a handler. */
WRAPPED(int, gil_call_soon, int (*fn)(void *user), void *user) {
  int status = arrive();
  if (status == GILRT_ERR_DEADLOCK) return GILRT_ERR_LIMIT;
  return status == GILRT_OK ? __real_gil_call_soon(fn, user) : status;
}

WRAPPED(int, gilrt_module_open, const char *path, gilrt_library_t **out) {
  int status = arrive();
  return status == GILRT_OK ? __real_gilrt_module_open(path, out) : status;
}

WRAPPED(int, gilrt_module_call, gilrt_library_t *library, const char *function, gilrt_call_t *call) {
  int status = arrive();
  return status == GILRT_OK ? __real_gilrt_module_call(library, function, call) : status;
}

WRAPPED(int, gil_set_switch_interval, uint64_t ns) {
  int status = arrive();
  return status == GILRT_OK ? __real_gil_set_switch_interval(ns) : status;
}

WRAPPED(int64_t, obj_live_count, void) {
  int status = arrive();
  return status == GILRT_OK ? __real_obj_live_count() : status;
}

WRAPPED(gil_interp_t *, gil_interp_main, void) {
  begin_once();
  gil_interp_t *there = atomic_load(&home);
  return there ? there : __real_gil_interp_main();
}

WRAPPED(gil_interp_t *, gil_interp_current, void) {
  gil_interp_t *current = __real_gil_interp_current();
  return current == __real_gil_interp_main() ? __wrap_gil_interp_main() : current;
}

WRAPPED(int, gilrt_stats_get, gil_interp_t *interp, gilrt_stats_t *out) {
  int status = __real_gilrt_stats_get(interp ? interp : __wrap_gil_interp_main(), out);
  if (status == GILRT_OK && (!interp || interp == __wrap_gil_interp_main())) {
    out->acquires -= acquires_before;
    out->threads -= (uint32_t)atomic_load(&companions_known);
  }
  return status;
}
