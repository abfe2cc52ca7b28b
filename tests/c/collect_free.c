/* Collections in an interpreter without a lock: threads make cycles at once, hand them to one another, hold some of them while
   they are detached, and collect when it is due or when they like. What a thread can reach is never cleared, and in the end
   nothing is left. */
#include "graph.h"

#define CLEARED UINT64_MAX
#define SHELF 24u

static gil_interp_t *interp;
static obj_type_t *type;
static _Atomic(obj_t *) shelf[SHELF];
static atomic_ullong finalized;

static void finalize(obj_t *self) {
  CHECK(gil_held());
  CHECK(OBJ_PAYLOAD(self, node_t)->number != CLEARED);
  atomic_fetch_add(&finalized, 1);
}

static void clear(obj_t *self) {
  OBJ_PAYLOAD(self, node_t)->number = CLEARED;
  node_clear(self);
}

static void enter(void) {
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
}

static void make_cycles(unsigned index, void *rounds) {
  uint32_t random = index + 1;
  enter();
  for (unsigned round = 0; round < *(unsigned *)rounds; round++) {
    random = random * 1664525u + 1013904223u;
    obj_t *ring = ring_new(type, 1 + (random >> 20) % 20);
    obj_t *old = atomic_exchange(&shelf[(random >> 8) % SHELF], ring);
    if (old != NULL) {
      CHECK(OBJ_PAYLOAD(old, node_t)->number != CLEARED);
      obj_weak_t *weak = NULL;
      CHECK_STATUS(obj_weak_new(old, &weak), GILRT_OK);
      if (random >> 30 == 0) {
        GIL_BEGIN_ALLOW_THREADS
        obj_t *again = obj_weak_get(weak);
        CHECK(again == old);
        obj_decref(again);
        GIL_END_ALLOW_THREADS
      }
      obj_decref(old); /* the ring is garbage now, but for what the collector does not know yet */
      obj_t *found = obj_weak_get(weak);
      if (found != NULL) CHECK(OBJ_PAYLOAD(found, node_t)->number != CLEARED);
      obj_decref(found);
      obj_weak_free(weak);
    }
    if (random >> 26 == 3) {
      int64_t freed = obj_collect();
      CHECK(freed >= 0 || freed == GILRT_ERR_BUSY);
    }
    CHECK_STATUS(gil_poll(), GILRT_OK);
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
}

static uint64_t collections(void) {
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  CHECK_STATUS(gilrt_stats_get(interp, &stats), GILRT_OK);
  return stats.collections;
}

static void threads_that_run_at_once_make_cycles(unsigned threads, unsigned rounds) {
  uint64_t before = collections();
  team_run(threads, make_cycles, &rounds);
  CHECK(collections() > before);
  enter();
  for (unsigned i = 0; i < SHELF; i++) obj_decref(atomic_exchange(&shelf[i], NULL));
  while (obj_collect() > 0) {
  }
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

int main(void) {
  gil_interp_config_t config = {.struct_size = sizeof config, .mode = GIL_MODE_FREE};
  CHECK_STATUS(gil_interp_new(&config, &interp), GILRT_OK);
  enter();
  type = node_type("node", finalize, clear);
  CHECK_STATUS(obj_set_collect_threshold(0, 200), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  threads_that_run_at_once_make_cycles(2, 2000);
  threads_that_run_at_once_make_cycles(8, 500);
  CHECK(atomic_load(&finalized) > 0);
  /* What is left in cycles dies with its interpreter. */
  enter();
  atomic_store(&finalized, 0);
  obj_decref(ring_new(type, 30));
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
  CHECK_STATUS(gil_interp_close(interp, FOREVER), GILRT_OK);
  CHECK_EQ(atomic_load(&finalized), 30);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
