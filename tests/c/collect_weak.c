/* Weak references to garbage: all cleared before the first finalizer runs, none made afterwards; and whoever got hold of an
   object through one before that keeps it whole. */
#include "graph.h"

#include <sched.h>

#define RING 16u
#define CLEARED UINT64_MAX

static obj_weak_t *weak[RING];
static unsigned finalized;
static obj_t *revived;
static bool revive;

static void look_around(obj_t *self) {
  finalized++;
  for (unsigned i = 0; i < RING; i++) CHECK(!obj_weak_get(weak[i]));
  /* Neither to itself nor to what is not finalized yet. */
  for (obj_t *at = self;;) {
    obj_weak_t *none = NULL;
    CHECK_STATUS(obj_weak_new(at, &none), GILRT_ERR_CLOSED);
    CHECK(!none);
    at = nth(at, 1);
    if (at == self) break;
  }
  if (revive && !revived) revived = obj_newref(self);
}

static obj_t *watched_ring(obj_type_t *type) {
  obj_t *ring = ring_new(type, RING);
  for (unsigned i = 0; i < RING; i++) CHECK_STATUS(obj_weak_new(nth(ring, i), &weak[i]), GILRT_OK);
  return ring;
}

static void free_weak(void) {
  for (unsigned i = 0; i < RING; i++) {
    CHECK(!obj_weak_get(weak[i]));
    obj_weak_free(weak[i]);
  }
}

static void they_are_cleared_first(obj_type_t *type) {
  obj_t *ring = watched_ring(type);
  finalized = 0;
  CHECK_EQ(obj_collect(), 0);
  for (unsigned i = 0; i < RING; i++) {
    obj_t *object = obj_weak_get(weak[i]);
    CHECK(object == nth(ring, i));
    obj_decref(object);
  }
  obj_decref(ring);
  CHECK_EQ(obj_collect(), RING);
  CHECK_EQ(finalized, RING);
  free_weak();
  CHECK_EQ(obj_live_count(), 0);
}

/* As one who holds it sees it: the cycle is back, but nobody finds it as before. */
static void they_stay_cleared_when_the_cycle_is_revived(obj_type_t *type) {
  obj_decref(watched_ring(type));
  finalized = 0;
  revive = true;
  CHECK_EQ(obj_collect(), 0);
  revive = false;
  CHECK_EQ(finalized, RING);
  CHECK_EQ(obj_live_count(), RING);
  free_weak();
  obj_weak_t *none = NULL;
  CHECK_STATUS(obj_weak_new(revived, &none), GILRT_ERR_CLOSED);
  obj_decref(revived);
  revived = NULL;
  CHECK_EQ(obj_collect(), RING);
  CHECK_EQ(finalized, RING);
  CHECK_EQ(obj_live_count(), 0);
}

/* What hung off the revived one was never finalized: it can be referred to anew. */
static void what_was_garbage_for_a_moment_can_have_new_ones(obj_type_t *type, obj_type_t *plain) {
  obj_t *ring = watched_ring(type), *tail = ring_new(plain, 3);
  obj_weak_t *to_tail = NULL, *again = NULL;
  CHECK_STATUS(obj_weak_new(tail, &to_tail), GILRT_OK);
  node_link(ring, 1, tail);
  obj_decref(ring);
  revive = true;
  CHECK_EQ(obj_collect(), 0);
  revive = false;
  CHECK(!obj_weak_get(to_tail));
  CHECK_STATUS(obj_weak_new(tail, &again), GILRT_OK);
  CHECK(obj_weak_get(again) == tail);
  obj_decref(tail);
  obj_decref(revived);
  revived = NULL;
  CHECK_EQ(obj_collect(), RING + 3);
  CHECK(!obj_weak_get(again));
  obj_weak_free(again);
  obj_weak_free(to_tail);
  free_weak();
  CHECK_EQ(obj_live_count(), 0);
}

/* Threads without the lock get hold of members while they become garbage. */
#define ROUNDS 400u
#define THREADS 3u

static _Atomic(obj_weak_t *) current;
static atomic_uint readers, found;
static atomic_bool over;

static void mark_cleared(obj_t *self) {
  OBJ_PAYLOAD(self, node_t)->number = CLEARED;
  node_clear(self);
}

static void *upgrade(void *argument) {
  (void)argument;
  while (!atomic_load(&over)) {
    atomic_fetch_add(&readers, 1);
    obj_weak_t *reference = atomic_load(&current);
    obj_t *object = obj_weak_get(reference);
    atomic_fetch_sub(&readers, 1);
    if (!object) continue;
    atomic_fetch_add(&found, 1);
    for (unsigned i = 0; i < 20; i++) {
      CHECK(OBJ_PAYLOAD(object, node_t)->number != CLEARED);
      sched_yield();
    }
    obj_decref(object);
  }
  return NULL;
}

static void who_gets_hold_of_garbage_keeps_it(obj_type_t *type) {
  pthread_t threads[THREADS];
  for (unsigned i = 0; i < THREADS; i++) CHECK_EQ(pthread_create(&threads[i], NULL, upgrade, NULL), 0);
  for (unsigned round = 0; round < ROUNDS; round++) {
    obj_t *ring = ring_new(type, 1 + round % 40);
    obj_weak_t *reference = NULL;
    CHECK_STATUS(obj_weak_new(nth(ring, round % 7), &reference), GILRT_OK);
    atomic_store(&current, reference);
    if (round % 4 == 0) {
      unsigned seen = atomic_load(&found);
      AWAIT(atomic_load(&found) != seen);
    }
    obj_decref(ring);
    CHECK(obj_collect() >= 0);
    CHECK(obj_collect() >= 0);
    atomic_store(&current, NULL);
    AWAIT(atomic_load(&readers) == 0);
    obj_weak_free(reference);
  }
  atomic_store(&over, true);
  for (unsigned i = 0; i < THREADS; i++) CHECK_EQ(pthread_join(threads[i], NULL), 0);
  CHECK(atomic_load(&found) >= ROUNDS / 4);
  CHECK(obj_collect() >= 0);
  CHECK_EQ(obj_live_count(), 0);
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 2);
  const gilrt_config_t config = {.struct_size = sizeof config, .count = atoi(argv[1])};
  CHECK_STATUS(gilrt_init(&config), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_type_t *type = node_type("node", look_around, node_clear);
  obj_type_t *plain = node_type("plain node", NULL, node_clear);
  they_are_cleared_first(type);
  they_stay_cleared_when_the_cycle_is_revived(type);
  what_was_garbage_for_a_moment_can_have_new_ones(type, plain);
  who_gets_hold_of_garbage_keeps_it(node_type("marked node", NULL, mark_cleared));
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
