/* Deep structures die on a stack of 256 KiB (R18), whatever their destructors do: lists, trees, rings, by their owner, by a
   thread without the lock, and by the collector. */
#include "graph.h"

static unsigned million = 1000000; /* less where a program is emulated: its argument */
#define MANY 200000u /* where one deep enough to overflow any recursion is enough */

static atomic_uint finalized;

static void count(obj_t *self) {
  (void)self;
  atomic_fetch_add(&finalized, 1);
}

static void drop_children(obj_t *self) {
  count(self);
  node_clear(self);
}

static obj_t *list_new(obj_type_t *type, size_t length) {
  obj_t *head = NULL;
  for (size_t i = 0; i < length; i++) {
    obj_t *node = node_new(type);
    node_link(node, 0, head);
    OBJ_PAYLOAD(node, node_t)->number = i;
    head = node;
  }
  return head;
}

/* One branch goes down all the way, now left, now right; on the other side there is something small each time. */
static obj_t *tree_new(obj_type_t *type, size_t depth) {
  obj_t *root = NULL;
  for (size_t i = 0; i < depth; i++) {
    obj_t *node = node_new(type);
    node_link(node, i % 3 == 0, root);
    node_link(node, i % 3 != 0, list_new(type, i % 2));
    root = node;
  }
  return root;
}

static void a_list_of_ten_million(void) {
  obj_type_t *type = type_with("element", NULL, NULL, node_clear);
  obj_decref(list_new(type, 10 * million));
  CHECK_EQ(obj_live_count(), 0);
}

static void a_tree_a_million_deep(void) {
  obj_type_t *type = type_with("tree", NULL, NULL, node_clear);
  obj_decref(tree_new(type, million));
  CHECK_EQ(obj_live_count(), 0);
}

static void finalizers_that_drop_the_children(void) {
  finalized = 0;
  obj_type_t *type = type_with("element", drop_children, NULL, NULL);
  obj_decref(list_new(type, MANY));
  CHECK_EQ(finalized, MANY);
  CHECK_EQ(obj_live_count(), 0);
}

static void tracked_ones(void) {
  obj_type_t *type = node_type("tracked", count, node_clear);
  finalized = 0;
  obj_decref(list_new(type, MANY));
  CHECK_EQ(finalized, MANY);
  CHECK_EQ(obj_live_count(), 0);
}

static void *drop_detached(void *argument) {
  obj_decref(argument);
  return NULL;
}

static void dropped_without_the_lock(void) {
  obj_type_t *type = type_with("element", count, NULL, node_clear);
  finalized = 0;
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, NULL, drop_detached, list_new(type, MANY)), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_EQ(finalized, MANY);
  CHECK_EQ(obj_live_count(), 0);
}

/* Linked in both directions, so that all of it hangs together. */
static obj_t *chain_new(obj_type_t *type, size_t length) {
  obj_t *ring = ring_new(type, length);
  for (obj_t *at = ring, *next = nth(ring, 1);; at = next, next = nth(next, 1)) {
    node_link(next, 1, obj_newref(at));
    if (next == ring) return ring;
  }
}

static void by_the_collector(void) {
  obj_type_t *type = node_type("ring", count, node_clear);
  obj_type_t *dropping = node_type("ring that finalizers take apart", drop_children, NULL);
  CHECK_EQ(obj_collect_enable(false), 1);
  finalized = 0;
  obj_decref(ring_new(type, million));
  CHECK_EQ(obj_collect(), million);
  obj_decref(chain_new(type, MANY));
  CHECK_EQ(obj_collect(), MANY);
  CHECK_EQ(finalized, million + MANY);
  obj_decref(ring_new(dropping, MANY));
  CHECK_EQ(obj_collect(), MANY);
  CHECK_EQ(finalized, million + 2 * MANY);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_EQ(obj_collect_enable(true), 0);
}

/* Every destructor of a long list does something else; what is revived, and what is dropped elsewhere, is found at the
   end. */
#define BUSY_LENGTH 100000u

static obj_type_t *busy, *other, *tracked;
static obj_t *revived, *others;
static unsigned revivals;

static void *drop_a_list(void *argument) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_decref(list_new(other, 1000));
  obj_decref(argument);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

static void start_thread(void) {
  pthread_t thread;
  obj_t *list = list_new(other, 100);
  GIL_BEGIN_ALLOW_THREADS
  CHECK_EQ(pthread_create(&thread, NULL, drop_a_list, list), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  GIL_END_ALLOW_THREADS
}

static void be_busy(obj_t *self) {
  uint64_t number = OBJ_PAYLOAD(self, node_t)->number;
  count(self);
  if (number % 5 == 0) {
    node_link(self, 1, revived); /* all that are revived, in a list */
    revived = obj_newref(self);
    revivals++;
  }
  if (number % 7 == 0) {
    uint32_t depth = gil_detach();
    CHECK(depth >= 1);
    obj_incref(self);
    obj_decref(self);
    CHECK_STATUS(gil_attach(depth), GILRT_OK);
  }
  if (number % 11 == 0 && others) {
    obj_t *rest = obj_newref(nth(others, 1));
    obj_decref(others);
    others = rest;
  }
  if (number % 4000 == 0) start_thread();
  if (number % 3000 == 0) obj_decref(ring_new(tracked, 10));
  if (number % 9000 == 0) CHECK(obj_collect() >= 0);
}

static void whatever_destructors_do(void) {
  busy = type_with("busy", be_busy, NULL, node_clear);
  other = type_with("other", NULL, NULL, node_clear);
  tracked = node_type("tracked", NULL, node_clear);
  finalized = 0;
  others = list_new(other, BUSY_LENGTH);
  obj_decref(list_new(busy, BUSY_LENGTH));
  /* Each that was revived kept the rest of the list, until it goes: then it is not finalized again. */
  while (revived) {
    obj_t *next = OBJ_PAYLOAD(revived, node_t)->child[1];
    OBJ_PAYLOAD(revived, node_t)->child[1] = NULL;
    obj_t *self = revived;
    revived = next;
    obj_decref(self);
  }
  CHECK_EQ(finalized, BUSY_LENGTH);
  CHECK_EQ(revivals, BUSY_LENGTH / 5);
  obj_decref(others);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK(obj_collect() >= 0);
  CHECK_EQ(obj_live_count(), 0);
}

static void *on_a_small_stack(void *argument) {
  (void)argument;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  a_list_of_ten_million();
  a_tree_a_million_deep();
  finalizers_that_drop_the_children();
  tracked_ones();
  dropped_without_the_lock();
  by_the_collector();
  whatever_destructors_do();
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc > 1) million = (unsigned)atoi(argv[1]);
  pthread_attr_t attributes;
  CHECK_EQ(pthread_attr_init(&attributes), 0);
  CHECK_EQ(pthread_attr_setstacksize(&attributes, 256 * 1024), 0);
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, &attributes, on_a_small_stack, NULL), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  CHECK_LEFT_AT_THE_END(0);
  return 0;
}
