/* Numbers at their ends and beyond: weights, intervals, time-outs, depths; and a lock that is released by whoever does not
   hold it (L11, L13). */
#include "check.h"

static atomic_bool held, let_go;

static void weights(void) {
  const uint32_t allowed[] = {1, 2, 1023, 1024, 1025, 1048576}, absurd[] = {0, 1048577, UINT32_MAX};
  for (unsigned i = 0; i < 6; i++) CHECK_STATUS(gil_set_thread_weight(allowed[i]), GILRT_OK);
  for (unsigned i = 0; i < 3; i++) CHECK_STATUS(gil_set_thread_weight(absurd[i]), GILRT_ERR_INVALID);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_set_thread_weight(1024), GILRT_OK); /* the holder may, too */
  CHECK(gil_held());
  CHECK_STATUS(gil_release(), GILRT_OK);
}

static void *weigh_a_stranger(void *unused) {
  CHECK_EQ(gil_thread_id(), 0);
  CHECK_STATUS(gil_set_thread_weight(0), GILRT_ERR_INVALID);
  CHECK_EQ(gil_thread_id(), 0);
  CHECK_STATUS(gil_set_thread_weight(1), GILRT_OK); /* makes it known, and does not attach it */
  CHECK(gil_thread_id() != 0);
  CHECK(!gil_held());
  return unused;
}

static void body(unsigned index, void *served) {
  if (index == 0) {
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    while (atomic_load((atomic_uint *)served) < 3) CHECK_STATUS(gil_poll(), GILRT_OK);
    CHECK_STATUS(gil_release(), GILRT_OK);
    return;
  }
  CHECK_STATUS(gil_set_thread_weight(index == 1 ? 1 : index == 2 ? 1048576 : 1024), GILRT_OK);
  for (unsigned i = 0; i < 50; i++) {
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    CHECK_STATUS(gil_poll(), GILRT_OK);
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
  atomic_fetch_add((atomic_uint *)served, 1);
}

static void intervals(void) {
  const uint64_t allowed[] = {1000, 1001, 5000000, 10000000000u}, absurd[] = {0, 1, 999, 10000000001u, UINT64_MAX};
  for (unsigned i = 0; i < 5; i++) CHECK_STATUS(gil_set_switch_interval(absurd[i]), GILRT_ERR_INVALID);
  for (unsigned i = 0; i < 4; i++) {
    CHECK_STATUS(gil_set_switch_interval(allowed[i]), GILRT_OK);
    CHECK_EQ((long long)gil_switch_interval(), (long long)allowed[i]);
  }
  CHECK_STATUS(gil_set_switch_interval(1000), GILRT_OK);
  atomic_uint served = 0;
  team_run(4, body, &served); /* hectic, and everybody gets on */
}

static void *hold(void *unused) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  atomic_store(&held, true);
  AWAIT(atomic_load(&let_go));
  CHECK_STATUS(gil_release(), GILRT_OK); /* nobody else has released it */
  CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
  return unused;
}

static pthread_t start_holder(void) {
  pthread_t holder;
  atomic_store(&held, false);
  atomic_store(&let_go, false);
  CHECK_EQ(pthread_create(&holder, NULL, hold, NULL), 0);
  AWAIT(atomic_load(&held));
  return holder;
}

static void wait_long(unsigned index, void *unused) {
  const uint64_t timeouts[] = {UINT64_MAX, UINT64_MAX - 1, UINT64_MAX / 2 + 1, INT64_MAX, INT64_MAX - 1, 1ull << 62};
  (void)unused;
  CHECK_STATUS(gil_acquire_for(timeouts[index]), GILRT_OK);
  CHECK(gil_held());
  CHECK_STATUS(gil_release(), GILRT_OK);
}

/* A time-out so far away that its date does not fit is for ever, not in the past. */
static void timeouts(void) {
  const uint64_t shortest[] = {0, 1, 999, 1000};
  pthread_t holder = start_holder();
  team_t team;
  for (unsigned i = 0; i < 4; i++) CHECK_STATUS(gil_acquire_for(shortest[i]), GILRT_ERR_TIMEOUT);
  team_start(&team, 6, wait_long, NULL);
  AWAIT(waiting_threads() == 6);
  sleep_us(2000);
  CHECK_EQ(waiting_threads(), 6);
  CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
  CHECK_EQ(gil_detach(), 0);
  CHECK_EQ(waiting_threads(), 6);
  atomic_store(&let_go, true);
  CHECK_EQ(pthread_join(holder, NULL), 0);
  team_join(&team);
  for (unsigned i = 0; i < 4; i++) {
    CHECK_STATUS(gil_acquire_for(shortest[i]), GILRT_OK);
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
}

static void depths(void) {
  CHECK_STATUS(gil_attach(0), GILRT_OK);
  CHECK(!gil_held());
  CHECK_STATUS(gil_attach(UINT32_MAX), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_ERR_LIMIT); /* one more would be depth 0 */
  CHECK(gil_held());
  CHECK_EQ(gil_detach(), UINT32_MAX);
  CHECK(!gil_held());
  CHECK_STATUS(gil_attach(UINT32_MAX - 1), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_ERR_LIMIT);
  GIL_BEGIN_ALLOW_THREADS
  CHECK(!gil_held());
  GIL_END_ALLOW_THREADS
  CHECK_EQ(gil_detach(), UINT32_MAX);
  gil_region_end(0);
  CHECK(!gil_held());
}

int main(void) {
  pthread_t stranger;
  weights();
  CHECK_EQ(pthread_create(&stranger, NULL, weigh_a_stranger, NULL), 0);
  CHECK_EQ(pthread_join(stranger, NULL), 0);
  intervals();
  timeouts();
  depths();
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
