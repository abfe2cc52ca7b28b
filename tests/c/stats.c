/* The figures of the lock: acquisitions are counted exactly, the fast ones too (S4), and what must have happened has been
   noticed. */
#include "check.h"

#include <gilrt_inline.h>

static gilrt_stats_t stats(void) {
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  CHECK_STATUS(gilrt_stats_get(NULL, &stats), GILRT_OK);
  CHECK_EQ(stats.struct_size, sizeof stats);
  return stats;
}

#define COUNTS(expected, ...)                                                                                          \
  do {                                                                                                                 \
    uint64_t before_ = stats().acquires;                                                                               \
    __VA_ARGS__;                                                                                                       \
    CHECK_EQ(stats().acquires - before_, (expected));                                                                  \
  } while (0)

static void in_and_out(unsigned times) {
  for (unsigned i = 0; i < times; i++) {
    CHECK_STATUS(i % 2 ? gil_acquire() : gil_acquire_inline(), GILRT_OK);
    CHECK_STATUS(i % 3 ? gil_release() : gil_release_inline(), GILRT_OK);
  }
}

static void nested(unsigned times) {
  for (unsigned i = 0; i < times; i++) CHECK_STATUS(i % 2 ? gil_acquire() : gil_acquire_inline(), GILRT_OK);
  for (unsigned i = 0; i < times; i++) CHECK_STATUS(gil_release(), GILRT_OK);
}

static void regions(unsigned times) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (unsigned i = 0; i < times; i++) {
    if (i % 2) {
      GIL_BEGIN_ALLOW_THREADS
      GIL_END_ALLOW_THREADS
    } else {
      GIL_BEGIN_ALLOW_THREADS_INLINE
      GIL_END_ALLOW_THREADS_INLINE
    }
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
}

static void *in_and_out_elsewhere(void *times) {
  in_and_out(*(unsigned *)times);
  return NULL;
}

static void elsewhere(unsigned times) {
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, NULL, in_and_out_elsewhere, &times), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
}

static atomic_bool held, let_go;

static void *hold(void *unused) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  atomic_store(&held, true);
  AWAIT(atomic_load(&let_go));
  CHECK_STATUS(gil_release(), GILRT_OK);
  return unused;
}

static void refused(void) {
  pthread_t thread;
  atomic_store(&held, false);
  atomic_store(&let_go, false);
  CHECK_EQ(pthread_create(&thread, NULL, hold, NULL), 0);
  AWAIT(atomic_load(&held));
  CHECK_STATUS(gil_try_acquire(), GILRT_ERR_TIMEOUT);
  CHECK_STATUS(gil_acquire_for(1000), GILRT_ERR_TIMEOUT);
  atomic_store(&let_go, true);
  CHECK_EQ(pthread_join(thread, NULL), 0);
}

static void every_outermost_acquisition_counts_once(void) {
  COUNTS(1, in_and_out(1));
  COUNTS(3000, in_and_out(3000));
  COUNTS(1, nested(5));
  COUNTS(1 + 1000, regions(1000));
  COUNTS(3000, elsewhere(3000)); /* and those of a thread that is gone */
  COUNTS(1, refused());          /* the holder's */
}

static void work(unsigned index, void *unused) {
  (void)index, (void)unused;
  in_and_out(2000);
}

static void threads_together(void) { team_run(8, work, NULL); }

static void *wait_for_it(void *unused) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return unused;
}

/* One waits for at least 5 ms; the holder gives way, which is a handoff there and one back. */
static void waits_and_handoffs_are_noticed(int (*give_way)(void)) {
  pthread_t thread;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  gilrt_stats_t before = stats();
  CHECK_EQ(before.waiters, 0);
  CHECK_EQ(pthread_create(&thread, NULL, wait_for_it, NULL), 0);
  AWAIT(waiting_threads() == 1);
  CHECK_EQ(stats().threads, before.threads + 1);
  CHECK_EQ(stats().contended, before.contended + 1);
  sleep_us(5000);
  while (waiting_threads() == 1) CHECK_STATUS(give_way(), GILRT_OK);
  gilrt_stats_t after = stats();
  CHECK_EQ(after.waiters, 0);
  CHECK(after.handoffs > before.handoffs);
  CHECK(after.contended >= before.contended + 2); /* both have waited */
  CHECK(after.switches != before.switches);
  CHECK(after.wait_ns_total >= before.wait_ns_total + MILLISECONDS(5));
  CHECK(after.wait_ns_max >= MILLISECONDS(5));
  CHECK(after.wait_ns_p99 >= after.wait_ns_p50);
  CHECK(after.wait_ns_p50 > 0);
  CHECK(after.hold_ns_total >= before.hold_ns_total + MILLISECONDS(5));
  CHECK(after.hold_ns_max >= MILLISECONDS(5));
  if (give_way == gil_poll) {
    CHECK(after.drop_requests > before.drop_requests);
    CHECK_EQ(after.forced_drops, before.forced_drops + 1);
  } else {
    CHECK_EQ(after.forced_drops, before.forced_drops);
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_EQ(pthread_join(thread, NULL), 0);
}

/* The caller's structure may be shorter than the library's, from an older header, or longer. */
static void other_sizes_are_served_too(void) {
  struct {
    gilrt_stats_t stats;
    uint64_t more;
  } longer = {.stats = {.struct_size = sizeof longer}, .more = 77};
  gilrt_stats_t shorter;
  memset(&shorter, 0x55, sizeof shorter);
  shorter.struct_size = offsetof(gilrt_stats_t, contended);
  CHECK_STATUS(gilrt_stats_get(NULL, &shorter), GILRT_OK);
  CHECK_EQ(shorter.acquires, stats().acquires);
  CHECK_EQ(shorter.contended, 0x5555555555555555);
  CHECK_STATUS(gilrt_stats_get(gil_interp_main(), &longer.stats), GILRT_OK);
  CHECK_EQ(longer.stats.struct_size, sizeof longer);
  CHECK_EQ(longer.stats.acquires, shorter.acquires);
  CHECK_EQ(longer.more, 77);
}

int main(void) {
  /* Also where the library does not take a bias by itself. */
  const gilrt_config_t config = {.struct_size = sizeof config, .bias = GIL_BIAS_ALWAYS};
  CHECK_STATUS(gilrt_init(&config), GILRT_OK);
  CHECK_EQ(stats().acquires, 0);
  CHECK_EQ(stats().threads, 0);
  every_outermost_acquisition_counts_once();
  CHECK_EQ(stats().threads, 1);
  COUNTS(8 * 2000, threads_together());
  CHECK(stats().revocations > 0); /* this thread was alone for long */
  waits_and_handoffs_are_noticed(gil_poll);
  waits_and_handoffs_are_noticed(gil_yield);
  other_sizes_are_served_too();
  return 0;
}
