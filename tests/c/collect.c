/* The cycle collector: what it frees, what it keeps, and when it runs by itself. */
#include "graph.h"

static void cycles_of_all_sizes_die(obj_type_t *type) {
  for (size_t size = 1; size <= 100; size++) {
    int64_t before = obj_live_count();
    obj_decref(ring_new(type, size));
    CHECK_EQ(obj_live_count(), before + (int64_t)size); /* a ring of one refers to itself */
    CHECK_EQ(obj_collect(), size);
    CHECK_EQ(obj_live_count(), before);
    CHECK_EQ(obj_collect(), 0);
  }
}

static void what_is_referred_to_stays_with_all_that_is_reachable(obj_type_t *type) {
  obj_t *ring = ring_new(type, 50);
  obj_t *tail = node_new(type);
  node_link(nth(ring, 25), 1, ring_new(type, 7)); /* hangs off the ring, and nobody else knows of it */
  node_link(tail, 0, obj_newref(ring));           /* refers to the ring from outside, and from nowhere itself */
  CHECK_EQ(obj_collect(), 0);
  obj_decref(ring);
  CHECK_EQ(obj_collect(), 0);
  CHECK_EQ(obj_live_count(), 58);
  /* A reference into the middle of it keeps all of it. */
  obj_t *middle = obj_newref(nth(ring, 33));
  obj_decref(tail);
  CHECK_EQ(obj_collect(), 0);
  CHECK_EQ(obj_live_count(), 57);
  obj_decref(middle);
  CHECK_EQ(obj_collect(), 57);
  CHECK_EQ(obj_live_count(), 0);
}

/* In whichever order the members were made and are looked at. */
static void random_graphs_lose_exactly_what_is_unreachable(obj_type_t *type) {
  enum { NODES = 60 };
  uint32_t random = 1;
  for (unsigned round = 0; round < 300; round++) {
    obj_t *nodes[NODES];
    bool held[NODES], reachable[NODES] = {false};
    unsigned edges[NODES][2];
    for (unsigned i = 0; i < NODES; i++) nodes[i] = node_new(type);
    for (unsigned i = 0; i < NODES; i++) {
      for (unsigned slot = 0; slot < 2; slot++) {
        random = random * 1664525u + 1013904223u;
        edges[i][slot] = (random >> 8) % (NODES + 30); /* a third of the slots stays empty */
        if (edges[i][slot] < NODES) node_link(nodes[i], slot, obj_newref(nodes[edges[i][slot]]));
      }
      held[i] = (random >> 28) == 0;
    }
    int64_t expected = 0;
    for (unsigned i = 0; i < NODES; i++) reachable[i] = held[i];
    for (unsigned again = 0; again < NODES; again++) {
      for (unsigned i = 0; i < NODES; i++) {
        for (unsigned slot = 0; reachable[i] && slot < 2; slot++)
          if (edges[i][slot] < NODES) reachable[edges[i][slot]] = true;
      }
    }
    for (unsigned i = 0; i < NODES; i++) expected += reachable[i];
    for (unsigned i = 0; i < NODES; i++)
      if (!held[i]) obj_decref(nodes[i]);
    CHECK(obj_collect() >= 0);
    CHECK_EQ(obj_live_count(), expected);
    for (unsigned i = 0; i < NODES; i++)
      if (held[i]) obj_decref(nodes[i]);
    CHECK(obj_collect() >= 0);
    CHECK_EQ(obj_live_count(), 0);
  }
}

static void immortal_objects_keep_what_they_refer_to(obj_type_t *type) {
  obj_t *ring = ring_new(type, 10);
  obj_incref(ring);
  CHECK_STATUS(obj_immortalize(ring), GILRT_OK);
  obj_decref(ring);
  CHECK_EQ(obj_collect(), 0);
  CHECK_EQ(obj_live_count(), 10);
  /* Cut by hand: nine have nobody left, and the immortal one is for ever. */
  node_link(ring, 0, NULL);
  CHECK_EQ(obj_live_count(), 1);
}

static void leaves_go_with_the_garbage(obj_type_t *type, obj_type_t *leaf) {
  int64_t before = obj_live_count();
  obj_t *ring = ring_new(type, 5), *kept = NULL;
  for (size_t i = 0; i < 5; i++) node_link(nth(ring, i), 1, node_new(leaf));
  kept = obj_newref(OBJ_PAYLOAD(ring, node_t)->child[1]);
  obj_decref(ring);
  CHECK_EQ(obj_live_count(), before + 10);
  CHECK_EQ(obj_collect(), 5);
  CHECK_EQ(obj_live_count(), before + 1);
  obj_decref(kept);
  CHECK_EQ(obj_live_count(), before);
}

/* With extra bytes there are sixteen more before the links. */
static void objects_with_extra_bytes_are_tracked_too(obj_type_t *type) {
  int64_t before = obj_live_count();
  for (size_t extra = 1; extra < 2000; extra += 111) {
    obj_t *object = NULL;
    CHECK_STATUS(obj_new(type, extra, &object), GILRT_OK);
    CHECK_EQ((uintptr_t)object % 16, 0);
    memset(OBJ_PAYLOAD(object, char) + sizeof(node_t), 0xA5, extra);
    node_link(object, 0, object);
  }
  CHECK_EQ(obj_collect(), 19);
  CHECK_EQ(obj_live_count(), before);
}

static void it_is_answered_when_it_cannot_run(void) {
  uint32_t depth = gil_detach();
  CHECK_EQ(obj_collect(), GILRT_ERR_NOT_ATTACHED);
  CHECK_STATUS(gil_attach(depth), GILRT_OK);
  CHECK_STATUS(obj_set_collect_threshold(-1, 1), GILRT_ERR_INVALID);
  CHECK_STATUS(obj_set_collect_threshold(3, 1), GILRT_ERR_INVALID);
}

/* A cycle of which nothing is left but the memory. */
static void leave_cycle(obj_type_t *type) { obj_decref(ring_new(type, 2)); }

static uint64_t collections(void) { return figures().collections; }

static void it_runs_by_itself_when_enough_was_made(obj_type_t *type) {
  int64_t before = obj_live_count();
  CHECK_STATUS(obj_set_collect_threshold(0, 100), GILRT_OK);
  CHECK(obj_collect() >= 0);
  uint64_t ran = collections();
  for (unsigned i = 0; i < 50; i++) leave_cycle(type);
  CHECK_EQ(collections(), ran);
  CHECK_EQ(obj_live_count(), before + 100);
  leave_cycle(type);
  CHECK_EQ(collections(), ran + 1);
  CHECK_EQ(obj_live_count(), before + 2);
  /* What is freed otherwise was not made. */
  for (unsigned i = 0; i < 1000; i++) obj_decref(node_new(type));
  CHECK_EQ(collections(), ran + 1);
  /* Leaves do not count. */
  CHECK_EQ(obj_collect_enable(false), 1);
  for (unsigned i = 0; i < 500; i++) leave_cycle(type);
  CHECK_EQ(collections(), ran + 1);
  CHECK_EQ(obj_collect_enable(false), 0);
  CHECK_EQ(obj_collect(), 1002); /* also when it does not run by itself */
  CHECK_EQ(obj_collect_enable(true), 0);
  CHECK_STATUS(obj_set_collect_threshold(0, 0), GILRT_OK);
  for (unsigned i = 0; i < 500; i++) leave_cycle(type);
  CHECK_EQ(collections(), ran + 2);
  CHECK_EQ(obj_collect(), 1000);
  CHECK_EQ(obj_live_count(), before);
}

/* An old cycle is not seen by collections of the young: it lives until a full one. */
static void what_survives_grows_old(obj_type_t *type) {
  int64_t before = obj_live_count();
  CHECK(obj_collect() >= 0);
  CHECK_STATUS(obj_set_collect_threshold(0, 10), GILRT_OK);
  CHECK_STATUS(obj_set_collect_threshold(1, 2), GILRT_OK);
  CHECK_STATUS(obj_set_collect_threshold(2, 0), GILRT_OK);
  uint64_t ran = collections();
  obj_t *old = ring_new(type, 5);
  while (collections() < ran + 1) leave_cycle(type); /* survives: middle */
  ran = collections();
  obj_t *middle = ring_new(type, 3);
  while (collections() < ran + 1) leave_cycle(type); /* likewise */
  ran = collections();
  obj_decref(middle);
  int64_t now = obj_live_count();
  while (collections() < ran + 1) leave_cycle(type);
  CHECK(obj_live_count() <= now + 12 - 10); /* the young ones went, the three are still there */
  CHECK(obj_live_count() >= before + 8);
  ran = collections();
  while (collections() < ran + 1) leave_cycle(type); /* the fourth takes the middle ones with it */
  CHECK_EQ(obj_live_count(), before + 5 + 2);
  /* Now the other ring is old, and no number of collections finds it. */
  obj_decref(old);
  ran = collections();
  while (collections() < ran + 50) leave_cycle(type);
  CHECK(obj_live_count() >= before + 5);
  CHECK_STATUS(obj_set_collect_threshold(2, 1), GILRT_OK);
  /* A quarter of what is old must have been added, too: of next to nothing here. */
  obj_t *more[64];
  for (unsigned i = 0; i < 64; i++) {
    more[i] = node_new(type);
    leave_cycle(type);
  }
  while (collections() < ran + 100) leave_cycle(type);
  CHECK(obj_live_count() <= before + 64 + 12);
  for (unsigned i = 0; i < 64; i++) obj_decref(more[i]);
  CHECK_STATUS(obj_set_collect_threshold(0, 2000), GILRT_OK);
  CHECK_STATUS(obj_set_collect_threshold(1, 10), GILRT_OK);
  CHECK_STATUS(obj_set_collect_threshold(2, 10), GILRT_OK);
  CHECK(obj_collect() >= 0);
  CHECK_EQ(obj_live_count(), before);
}

static void the_figures_are_exact(obj_type_t *type) {
  gilrt_stats_t before = figures();
  for (unsigned i = 0; i < 3; i++) {
    obj_decref(ring_new(type, 1000));
    CHECK_EQ(obj_collect(), 1000);
  }
  gilrt_stats_t after = figures();
  CHECK_EQ(after.collections, before.collections + 3);
  CHECK_EQ(after.collected, before.collected + 3000);
  CHECK(after.collect_ns_total > before.collect_ns_total);
  CHECK(after.collect_ns_max > 0 && after.collect_ns_max <= after.collect_ns_total);
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 2);
  const gilrt_config_t config = {.struct_size = sizeof config, .count = atoi(argv[1])};
  CHECK_STATUS(gilrt_init(&config), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_type_t *type = node_type("node", NULL, node_clear);
  obj_type_t *leaf = leaf_type();
  CHECK_EQ(obj_collect(), 0);
  cycles_of_all_sizes_die(type);
  what_is_referred_to_stays_with_all_that_is_reachable(type);
  random_graphs_lose_exactly_what_is_unreachable(type);
  leaves_go_with_the_garbage(type, leaf);
  objects_with_extra_bytes_are_tracked_too(type);
  it_is_answered_when_it_cannot_run();
  it_runs_by_itself_when_enough_was_made(type);
  what_survives_grows_old(type);
  the_figures_are_exact(type);
  CHECK_EQ(obj_live_count(), 0);
  immortal_objects_keep_what_they_refer_to(type);
  CHECK_EQ(obj_live_count(), 1);
  leave_cycle(type);
  CHECK_STATUS(gil_release(), GILRT_OK);
  /* The end collects once more. */
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  CHECK_LEFT_AT_THE_END(1);
  return 0;
}
