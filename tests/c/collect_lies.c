/* Types whose traverse lies, or calls back: what is visited too often is kept, what is forgotten is found later or never,
   and whatever a traverse does to the lock or the objects, the lists stay whole. Each is reported by its type's name. */
#include "graph.h"

#define NAME "liar"

static atomic_uint reports, named;

static void on_log(int level, const char *message, void *user) {
  (void)user;
  CHECK_EQ(level, 1);
  CHECK(strstr(message, "collector: "));
  if (strstr(message, NAME)) atomic_fetch_add(&named, 1);
  atomic_fetch_add(&reports, 1);
}

static obj_type_t *honest;
static unsigned finalized;

static void count_finalized(obj_t *self) {
  (void)self;
  finalized++;
}

static int visit_twice(obj_t *self, obj_visit_fn visit, void *user) {
  (void)node_traverse(self, visit, user);
  return node_traverse(self, visit, user);
}

/* The child would have minus one. */
static void a_child_that_is_visited_too_often_is_kept(void) {
  obj_type_t *liar = type_with(NAME, NULL, visit_twice, node_clear);
  obj_t *parent = node_new(liar), *child = node_new(honest);
  node_link(parent, 0, child);
  node_link(child, 0, ring_new(honest, 5));
  reports = named = 0;
  for (unsigned i = 0; i < 3; i++) CHECK_EQ(obj_collect(), 0);
  CHECK_EQ(reports, 3);
  CHECK_EQ(named, 3);
  CHECK_EQ(obj_live_count(), 7);
  /* Also if nothing else keeps it: as garbage of its own. */
  node_link(parent, 1, obj_newref(parent));
  obj_decref(parent);
  CHECK_EQ(obj_collect(), 0);
  CHECK_EQ(reports, 4);
  CHECK_EQ(obj_live_count(), 7);
  node_link(parent, 1, NULL);
  CHECK_EQ(obj_collect(), 5);
  CHECK_EQ(obj_live_count(), 0);
}

/* What one reference too many takes away is another's from outside: the child is cleared in use. Nothing worse. */
static void a_child_that_is_visited_too_often_may_be_cleared(void) {
  obj_type_t *liar = type_with(NAME, NULL, visit_twice, node_clear);
  finalized = 0;
  obj_type_t *watched = node_type("watched", count_finalized, node_clear);
  obj_t *parent = node_new(liar), *child = node_new(watched);
  node_link(parent, 0, obj_newref(child));
  node_link(child, 0, ring_new(honest, 3));
  node_link(child, 1, obj_newref(parent));
  obj_decref(parent);
  CHECK(obj_collect() >= 0);
  CHECK(obj_refcount(child) >= 1);
  obj_decref(child);
  CHECK(obj_collect() >= 0);
  CHECK_EQ(finalized, 1);
  CHECK_EQ(obj_live_count(), 0);
}

static int visit_none(obj_t *self, obj_visit_fn visit, void *user) {
  (void)self, (void)visit, (void)user;
  return 0;
}

static void a_child_that_is_forgotten_is_never_collected(void) {
  obj_type_t *liar = type_with(NAME, NULL, visit_none, node_clear);
  obj_t *ring = ring_new(liar, 4);
  obj_t *next = ring_new(honest, 3);
  node_link(ring, 1, next);
  obj_decref(ring);
  for (unsigned i = 0; i < 3; i++) CHECK_EQ(obj_collect(), 0);
  CHECK_EQ(obj_live_count(), 7);
  node_link(ring, 0, NULL);
  CHECK_EQ(obj_live_count(), 3);
  CHECK_EQ(obj_collect(), 3);
}

static uint32_t random_bits = 1;

/* Never the same, and with an answer of its own. */
static int visit_at_random(obj_t *self, obj_visit_fn visit, void *user) {
  random_bits = random_bits * 1664525u + 1013904223u;
  node_t *node = OBJ_PAYLOAD(self, node_t);
  for (uint32_t bits = random_bits >> 24; bits; bits >>= 2)
    if (bits & 1) (void)visit(node->child[bits >> 1 & 1], user);
  return (int)(random_bits >> 16 & 1);
}

static void whatever_is_visited_the_lists_stay_whole(void) {
  obj_type_t *liar = type_with(NAME, NULL, visit_at_random, node_clear);
  for (unsigned round = 0; round < 200; round++) {
    obj_t *mixed = ring_new(round & 1 ? liar : honest, 1 + round % 9);
    node_link(mixed, 1, ring_new(round & 1 ? honest : liar, 1 + round % 7));
    CHECK(obj_collect() >= 0);
    CHECK(obj_refcount(mixed) >= 1);
    node_link(mixed, 0, NULL);
    node_link(mixed, 1, NULL);
    obj_decref(mixed);
  }
  /* The rings that are left lie at random, but not for ever. */
  while (obj_live_count() > 0) CHECK(obj_collect() >= 0);
}

static void (*misdeed)(obj_t *self);

static int misbehave(obj_t *self, obj_visit_fn visit, void *user) {
  misdeed(self);
  int answer = node_traverse(self, visit, user);
  misdeed(self);
  return answer;
}

static void release_once(obj_t *self) {
  (void)self;
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
}

static void release_for_good(obj_t *self) {
  (void)self;
  (void)gil_release();
}

static void detach(obj_t *self) {
  (void)self;
  (void)gil_detach();
}

static void acquire_too_often(obj_t *self) {
  (void)self;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
}

static void give_way(obj_t *self) {
  (void)self;
  (void)gil_yield();
  (void)gil_poll();
}

static void collect_inside(obj_t *self) {
  (void)self;
  int64_t answer = obj_collect();
  CHECK(answer == GILRT_ERR_BUSY || answer == GILRT_ERR_NOT_ATTACHED);
}

static void make_and_drop(obj_t *self) {
  (void)self;
  obj_decref(ring_new(honest, 3));
  obj_decref(node_new(honest)); /* dies at once, or rather: as soon as the finding is over */
}

static void count_child(obj_t *self) {
  obj_t *child = OBJ_PAYLOAD(self, node_t)->child[0];
  obj_incref(child);
  obj_decref(child);
}

/* Takes the last reference away from a member that is linked forwards only. */
static void drop_child(obj_t *self) { node_link(self, 1, NULL); }

static void all_of_it(obj_t *self) {
  if (!gil_held()) CHECK_STATUS(gil_acquire(), GILRT_OK);
  drop_child(self);
  make_and_drop(self);
  release_once(self);
  give_way(self);
  collect_inside(self);
  detach(self);
}

static atomic_bool over;

/* Changes the lists whenever it gets the lock. */
static void *neighbour(void *argument) {
  (void)argument;
  while (!atomic_load(&over)) {
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    obj_t *ring = ring_new(honest, 3);
    obj_decref(node_new(honest));
    CHECK_STATUS(gil_release(), GILRT_OK);
    sleep_us(50);
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    node_link(ring, 0, NULL);
    obj_decref(ring);
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
  return NULL;
}

static void a_traverse_that(void (*what)(obj_t *), bool is_reported) {
  obj_type_t *liar = type_with(NAME, NULL, misbehave, node_clear);
  misdeed = what;
  reports = named = 0;
  for (unsigned round = 0; round < 20; round++) {
    obj_t *ring = ring_new(liar, 10);
    for (size_t i = 0; i < 10; i++) node_link(nth(ring, i), 1, node_new(honest));
    node_link(nth(ring, 5), 1, ring_new(honest, 4));
    CHECK(obj_collect() >= 0);
    CHECK(gil_held());
    CHECK(obj_refcount(ring) >= 1);
    obj_decref(ring);
    CHECK(obj_collect() >= 0);
    CHECK(gil_held());
  }
  if (is_reported) CHECK(reports >= 1);
  CHECK_EQ(named, reports);
  misdeed = give_way;
  CHECK(obj_collect() >= 0);
  /* Attached once, not more. */
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK(!gil_held());
  CHECK_STATUS(gil_acquire(), GILRT_OK);
}

static void with_neighbours(void) {
  pthread_t threads[2];
  over = false;
  for (unsigned i = 0; i < 2; i++) CHECK_EQ(pthread_create(&threads[i], NULL, neighbour, NULL), 0);
  a_traverse_that(release_once, true);
  a_traverse_that(release_for_good, true);
  a_traverse_that(detach, true);
  a_traverse_that(acquire_too_often, false);
  a_traverse_that(give_way, false);
  a_traverse_that(collect_inside, false);
  a_traverse_that(make_and_drop, false);
  a_traverse_that(count_child, false);
  a_traverse_that(drop_child, false);
  a_traverse_that(all_of_it, true);
  GIL_BEGIN_ALLOW_THREADS
  atomic_store(&over, true);
  for (unsigned i = 0; i < 2; i++) CHECK_EQ(pthread_join(threads[i], NULL), 0);
  GIL_END_ALLOW_THREADS
  CHECK(obj_collect() >= 0);
  CHECK_EQ(obj_live_count(), 0);
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 2);
  const gilrt_config_t config = {.struct_size = sizeof config, .count = atoi(argv[1])};
  CHECK_STATUS(gilrt_init(&config), GILRT_OK);
  gilrt_set_log(on_log, NULL);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  honest = node_type("honest", NULL, node_clear);
  a_child_that_is_visited_too_often_is_kept();
  a_child_that_is_visited_too_often_may_be_cleared();
  a_child_that_is_forgotten_is_never_collected();
  whatever_is_visited_the_lists_stay_whole();
  with_neighbours();
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
