/* The owner of the bias comes and goes by plain stores as fast as it can, and another thread takes the bias away as often as
   it can. Both count in plain memory: an increment is lost if both ever believed to have the lock (L20, L26).
   bias MILLISECONDS: for so long, or until the first loss, which ends it with status 3. */
#include "check.h"

#include <gilrt_inline.h>

#define ROUND_MILLISECONDS 50

static volatile uint64_t plain; /* guarded by the lock; volatile, so that it is neither kept in a register nor added up */
static atomic_bool stop;
static uint64_t visits[2];

static void visit(gil_thread_t *t) {
  (void)gil_acquire_inline_t(t);
  plain = plain + 1;
  (void)gil_release_inline_t(t);
}

static void own(void) {
  gil_thread_t *t = gil_thread_self();
  uint64_t n = 0;
  for (; !atomic_load_explicit(&stop, memory_order_relaxed); n++) visit(t);
  visits[0] += n;
}

/* Comes after pauses of all lengths, so that the owner has its bias back, and is met at every point of its loop. */
static void take_away(void) {
  gil_thread_t *t = gil_thread_self();
  uint32_t random = 12345;
  uint64_t n = 0;
  for (; !atomic_load_explicit(&stop, memory_order_relaxed); n++) {
    visit(t);
    random = random * 1664525u + 1013904223u;
    for (volatile uint32_t pause = random >> 22; pause > 0;) pause = pause - 1;
  }
  visits[1] += n;
}

static void body(unsigned index, void *unused) {
  (void)unused;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  if (index == 0) own();
  else take_away();
}

static void run_for(uint64_t ms) {
  team_t team;
  atomic_store(&stop, false);
  team_start(&team, 2, body, NULL);
  sleep_us((long)ms * 1000);
  atomic_store(&stop, true);
  team_join(&team);
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 2);
  uint64_t start = now_ns(), limit = MILLISECONDS(strtoull(argv[1], NULL, 10));
  do run_for(ROUND_MILLISECONDS);
  while (plain == visits[0] + visits[1] && now_ns() - start < limit);
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  CHECK_STATUS(gilrt_stats_get(NULL, &stats), GILRT_OK);
  printf("%llu ms, %llu visits, %llu revocations, %lld lost\n", (unsigned long long)((now_ns() - start) / 1000000),
         (unsigned long long)(visits[0] + visits[1]), (unsigned long long)stats.revocations,
         (long long)(visits[0] + visits[1] - plain));
  CHECK(stats.revocations > 0);
  return plain == visits[0] + visits[1] ? 0 : 3;
}
