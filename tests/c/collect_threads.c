/* Collections while other threads count: attached ones take turns, detached ones do not stop. What a thread has a reference
   to is never cleared (R15). */
#include "graph.h"

#include <gilrt_inline.h>

#define CLEARED UINT64_MAX
#define RING 64u
#define WALKERS 3u

static obj_type_t *type;
static atomic_uint cleared;

static void clear(obj_t *self) {
  OBJ_PAYLOAD(self, node_t)->number = CLEARED;
  atomic_fetch_add(&cleared, 1);
  node_clear(self);
}

/* Each thread makes cycles, keeps some for a while, hands some to the others, and never collects by itself. */
#define SHELF 16u

static obj_t *_Atomic shelf[SHELF]; /* whoever takes a reference out has it */

static void make_cycles(unsigned index, void *rounds) {
  uint32_t random = index + 1;
  for (unsigned round = 0; round < *(unsigned *)rounds; round++) {
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    random = random * 1664525u + 1013904223u;
    obj_t *ring = ring_new(type, 1 + (random >> 20) % 20);
    obj_t *_Atomic *place = &shelf[(random >> 8) % SHELF];
    obj_t *old = atomic_exchange(place, NULL);
    if (old && random >> 31) node_link(ring, 1, obj_newref(old));
    obj_decref(atomic_exchange(place, ring)); /* of another thread, where there is no lock */
    if (old) {
      CHECK(OBJ_PAYLOAD(old, node_t)->number != CLEARED);
      uint32_t depth = random >> 30 & 1 ? gil_detach() : 0;
      obj_decref(old);
      CHECK_STATUS(gil_attach(depth), GILRT_OK);
    }
    CHECK_STATUS(gil_poll(), GILRT_OK);
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
}

static void threads_make_cycles_faster_than_they_need(unsigned threads, unsigned rounds) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_set_collect_threshold(0, 200), GILRT_OK);
  uint64_t before = figures().collections;
  CHECK_STATUS(gil_release(), GILRT_OK);
  team_run(threads, make_cycles, &rounds);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK(figures().collections > before);
  CHECK(obj_live_count() < 200 + 2 * 20 * (int64_t)SHELF * 40);
  for (unsigned i = 0; i < SHELF; i++) {
    obj_decref(shelf[i]);
    shelf[i] = NULL;
  }
  CHECK(obj_collect() >= 0);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(obj_set_collect_threshold(0, 2000), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

/* A walker holds one node of a ring at a time, and goes from one to the next without the lock: the reference to the next
   first, then the one that it had is dropped. The ring does not change until it is cleared, so the pointers are good as
   long as it holds one. */
typedef struct walk {
  obj_t *nodes[RING];
  unsigned at;
  bool is_inline;
  atomic_bool stop;
  atomic_ullong steps;
} walk_t;

static void *walker(void *argument) {
  walk_t *walk = argument;
  uint32_t random = 7;
  while (!atomic_load(&walk->stop)) {
    random = random * 1664525u + 1013904223u;
    unsigned next = (random >> 8) % RING;
    obj_t *there = walk->nodes[next], *here = walk->nodes[walk->at];
    if (walk->is_inline) {
      obj_incref_inline(there);
      obj_decref_inline(here);
    } else {
      obj_incref(there);
      obj_decref(here);
    }
    walk->at = next;
    atomic_fetch_add_explicit(&walk->steps, 1, memory_order_relaxed);
  }
  return NULL;
}

static void what_a_detached_thread_holds_is_not_cleared(unsigned collections) {
  walk_t walks[WALKERS];
  pthread_t threads[WALKERS];
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (unsigned w = 0; w < WALKERS; w++) {
    obj_t *ring = ring_new(type, RING);
    for (unsigned i = 0; i < RING; i++) walks[w].nodes[i] = nth(ring, i);
    walks[w].at = 0;
    walks[w].is_inline = w % 2 == 0;
    walks[w].stop = false;
    walks[w].steps = 0;
    CHECK_EQ(pthread_create(&threads[w], NULL, walker, &walks[w]), 0);
  }
  cleared = 0;
  for (unsigned i = 0; i < collections; i++) {
    CHECK_EQ(obj_collect(), 0);
    CHECK_EQ(cleared, 0);
  }
  for (unsigned w = 0; w < WALKERS; w++) {
    AWAIT(atomic_load(&walks[w].steps) > 1000);
    atomic_store(&walks[w].stop, true);
    CHECK_EQ(pthread_join(threads[w], NULL), 0);
    CHECK_EQ(obj_collect(), 0);
    obj_decref(walks[w].nodes[walks[w].at]);
    CHECK_EQ(obj_collect(), RING);
    CHECK_EQ(cleared, RING * (w + 1));
  }
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 2);
  const gilrt_config_t config = {.struct_size = sizeof config, .count = atoi(argv[1])};
  CHECK_STATUS(gilrt_init(&config), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  type = node_type("node", NULL, clear);
  CHECK_STATUS(gil_release(), GILRT_OK);
  threads_make_cycles_faster_than_they_need(2, 600);
  threads_make_cycles_faster_than_they_need(16, 80);
  what_a_detached_thread_holds_is_not_cleared(1000);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  CHECK_LEFT_AT_THE_END(0);
  return 0;
}
