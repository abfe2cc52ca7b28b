/* A thousand threads at once, each of which comes, yields, leaves and ends; then a thousand one after another, which take
   over one another's places (L6). */
#include "check.h"

#define THREADS 1000u

static uint64_t plain; /* guarded by the lock */
static atomic_int inside;

static void touch(void) {
  CHECK(gil_held());
  CHECK_EQ(atomic_fetch_add(&inside, 1), 0);
  plain++;
  CHECK_EQ(atomic_fetch_sub(&inside, 1), 1);
}

static void *come_and_go(void *unused) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  touch();
  CHECK_STATUS(gil_yield(), GILRT_OK);
  touch();
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  uint32_t depth = gil_detach();
  CHECK_EQ(depth, 2);
  CHECK(!gil_held());
  CHECK_STATUS(gil_attach(depth), GILRT_OK);
  touch();
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
  return unused;
}

static gilrt_stats_t stats(void) {
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  CHECK_STATUS(gilrt_stats_get(NULL, &stats), GILRT_OK);
  return stats;
}

int main(void) {
  static pthread_t threads[THREADS];
  pthread_attr_t small;
  CHECK_EQ(pthread_attr_init(&small), 0);
  CHECK_EQ(pthread_attr_setstacksize(&small, 256 * 1024), 0);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (unsigned i = 0; i < THREADS; i++) CHECK_EQ(pthread_create(&threads[i], &small, come_and_go, NULL), 0);
  AWAIT(waiting_threads() == THREADS);
  CHECK_EQ(stats().threads, THREADS + 1);
  CHECK_STATUS(gil_release(), GILRT_OK);
  for (unsigned i = 0; i < THREADS; i++) CHECK_EQ(pthread_join(threads[i], NULL), 0);
  CHECK_EQ(plain, 3 * THREADS);
  CHECK_EQ(stats().waiters, 0);
  CHECK_EQ(stats().threads, 1);
  CHECK_EQ(stats().acquires, 1 + 2 * THREADS);
  for (unsigned i = 0; i < THREADS; i++) {
    CHECK_EQ(pthread_create(&threads[0], &small, come_and_go, NULL), 0);
    CHECK_EQ(pthread_join(threads[0], NULL), 0);
  }
  CHECK_EQ(plain, 6 * THREADS);
  CHECK_EQ(stats().threads, 1);
  CHECK_EQ(stats().acquires, 1 + 4 * THREADS);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
