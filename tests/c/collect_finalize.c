/* Finalizers of garbage: all before any clear, each once in the life of its object, with what they may do: revive, drop,
   make, let go of the lock, start threads, ask for a collection. */
#include "graph.h"

static unsigned finalized, cleared;
static void (*in_finalizer)(obj_t *self);
static void (*in_clear)(obj_t *self);

static void finalize(obj_t *self) {
  CHECK(gil_held());
  CHECK_EQ(cleared, 0); /* of the same garbage */
  CHECK(OBJ_PAYLOAD(self, node_t)->child[0]);
  CHECK(obj_refcount(self) >= 1);
  finalized++;
  if (in_finalizer) in_finalizer(self);
}

static void clear(obj_t *self) {
  CHECK(gil_held());
  cleared++;
  if (in_clear) in_clear(self);
  node_clear(self);
}

static obj_type_t *type, *plain_type;

static void collected(int64_t expected) {
  finalized = cleared = 0;
  CHECK_EQ(obj_collect(), expected);
}

static void each_runs_once_and_before_any_clear(void) {
  obj_decref(ring_new(type, 100));
  obj_decref(ring_new(type, 1));
  collected(101);
  CHECK_EQ(finalized, 101);
  CHECK_EQ(cleared, 101);
}

static obj_t *saved;

static void save_number_three(obj_t *self) {
  if (OBJ_PAYLOAD(self, node_t)->number == 3) saved = obj_newref(self);
}

static void a_finalizer_revives_its_whole_cycle_and_no_other(void) {
  obj_t *ring = ring_new(type, 10);
  node_link(nth(ring, 7), 1, ring_new(plain_type, 4)); /* reachable from it, too */
  obj_decref(ring);
  obj_decref(ring_new(type, 2));
  in_finalizer = save_number_three;
  collected(2);
  in_finalizer = NULL;
  CHECK_EQ(finalized, 12);
  CHECK_EQ(cleared, 2);
  CHECK_EQ(obj_live_count(), 14);
  CHECK_EQ(OBJ_PAYLOAD(saved, node_t)->number, 3);
  CHECK_EQ(OBJ_PAYLOAD(nth(saved, 9), node_t)->number, 2);
  CHECK_EQ(obj_refcount(saved), 2);
  collected(0);
  /* Once more garbage, it goes without being finalized again. */
  obj_decref(saved);
  collected(14);
  CHECK_EQ(finalized, 0);
  CHECK_EQ(cleared, 10);
}

static void cut(obj_t *self) { node_link(self, 0, NULL); }

/* Most of the garbage dies in the finalizer of something else. */
static void a_finalizer_may_take_the_cycle_apart(void) {
  obj_type_t *cutter = node_type("cutter", cut, node_clear);
  obj_decref(ring_new(cutter, 50));
  collected(50);
  CHECK_EQ(obj_live_count(), 0);
}

static void make_more_garbage(obj_t *self) {
  (void)self;
  obj_decref(ring_new(plain_type, 3));
}

static void what_a_finalizer_makes_is_for_the_next_collection(void) {
  obj_decref(ring_new(type, 5));
  in_finalizer = make_more_garbage;
  collected(5);
  in_finalizer = NULL;
  CHECK_EQ(obj_live_count(), 15);
  collected(15);
  CHECK_EQ(obj_live_count(), 0);
}

static void *visitor(void *argument) {
  (void)argument;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_EQ(obj_collect(), GILRT_ERR_BUSY);
  obj_t *ring = ring_new(plain_type, 3);
  obj_decref(node_new(plain_type));
  obj_decref(ring);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

static void do_what_is_allowed(obj_t *self) {
  CHECK_EQ(obj_collect(), GILRT_ERR_BUSY);
  obj_t *kept = obj_newref(self);
  GIL_BEGIN_ALLOW_THREADS
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, NULL, visitor, NULL), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  GIL_END_ALLOW_THREADS
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  uint32_t depth = gil_detach();
  obj_incref(kept); /* counted from outside, atomically */
  obj_decref(kept);
  CHECK_STATUS(gil_attach(depth), GILRT_OK);
  (void)gil_poll();
  (void)gil_yield();
  obj_decref(kept);
  /* The acquire stays open, and `let_go` leaves detached: what is left behind is put right. */
}

static void let_go(obj_t *self) {
  do_what_is_allowed(self);
  gil_detach();
}

static void callbacks_may_do_anything(void) {
  obj_decref(ring_new(type, 20));
  in_finalizer = do_what_is_allowed;
  collected(20);
  CHECK_EQ(finalized, 20);
  CHECK_EQ(cleared, 20);
  in_finalizer = NULL;
  obj_decref(ring_new(type, 20));
  in_clear = let_go;
  finalized = cleared = 0;
  CHECK(obj_collect() >= 20 + 60);
  in_clear = NULL;
  CHECK(gil_held());
  CHECK(obj_collect() >= 0);
  CHECK_EQ(obj_live_count(), 0);
}

/* A type without clear drops its children in finalize, and its memory with them. */
typedef struct owner {
  obj_t **children;
} owner_t;

static int owner_traverse(obj_t *self, obj_visit_fn visit, void *user) {
  owner_t *owner = OBJ_PAYLOAD(self, owner_t);
  return owner->children ? visit(owner->children[0], user) : 0; /* what finalize has freed is not asked for */
}

static void owner_finalize(obj_t *self) {
  owner_t *owner = OBJ_PAYLOAD(self, owner_t);
  obj_t *child = owner->children[0];
  free(owner->children);
  obj_decref(child);
}

static void a_cycle_is_freed_by_finalizers_alone(void) {
  obj_type_t *owners = type_with("owner", owner_finalize, owner_traverse, NULL);
  obj_t *made[5];
  for (unsigned i = 0; i < 5; i++) {
    made[i] = node_new(owners);
    OBJ_PAYLOAD(made[i], owner_t)->children = malloc(sizeof(obj_t *));
    CHECK(OBJ_PAYLOAD(made[i], owner_t)->children);
  }
  for (unsigned i = 0; i < 5; i++) OBJ_PAYLOAD(made[i], owner_t)->children[0] = made[(i + 1) % 5];
  CHECK_EQ(obj_live_count(), 5);
  CHECK_EQ(obj_collect(), 5);
  CHECK_EQ(obj_live_count(), 0);
}

static void a_cycle_without_clear_or_finalize_stays(void) {
  obj_type_t *stuck = node_type("stuck", NULL, NULL);
  obj_t *ring = ring_new(stuck, 4);
  obj_decref(ring);
  CHECK_EQ(obj_collect(), 0);
  CHECK_EQ(obj_collect(), 0);
  CHECK_EQ(obj_live_count(), 4);
  /* Taken apart by hand. */
  obj_t *next = ring;
  obj_incref(ring);
  for (unsigned i = 0; i < 4; i++) {
    obj_t *self = next;
    next = obj_newref(nth(self, 1));
    node_link(self, 0, NULL);
    obj_decref(self);
  }
  obj_decref(next);
  CHECK_EQ(obj_live_count(), 0);
}

/* R11: the collector meets an object whose destructor is blocked. */
static atomic_bool blocked, go_on;
static unsigned begun;

static void block(obj_t *self) {
  (void)self;
  begun++;
  GIL_BEGIN_ALLOW_THREADS
  atomic_store(&blocked, true);
  AWAIT(atomic_load(&go_on));
  GIL_END_ALLOW_THREADS
}

static void block_in_clear(obj_t *self) {
  block(self);
  node_clear(self);
}

static atomic_bool owner_is_away;

/* While the owner is detached, or without a lock it might get the last reference, and leave the destructor to whoever comes. */
static void *drop_last(void *argument) {
  AWAIT(atomic_load(&owner_is_away));
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_decref(argument);
  CHECK_STATUS(gil_release(), GILRT_OK);
  return NULL;
}

static void the_dying_are_left_alone(void (*finalizer)(obj_t *), void (*clearer)(obj_t *)) {
  obj_type_t *blocking = node_type("blocking", finalizer, clearer);
  obj_t *object = node_new(blocking);
  node_link(object, 0, ring_new(plain_type, 5)); /* only the dying one refers to it */
  blocked = go_on = false;
  begun = 0;
  pthread_t thread;
  atomic_store(&owner_is_away, false);
  CHECK_EQ(pthread_create(&thread, NULL, drop_last, object), 0);
  GIL_BEGIN_ALLOW_THREADS
  atomic_store(&owner_is_away, true);
  AWAIT(atomic_load(&blocked));
  GIL_END_ALLOW_THREADS
  for (unsigned i = 0; i < 3; i++) CHECK_EQ(obj_collect(), 0);
  CHECK_EQ(obj_live_count(), 6);
  GIL_BEGIN_ALLOW_THREADS
  atomic_store(&go_on, true);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  GIL_END_ALLOW_THREADS
  CHECK_EQ(begun, 1);
  CHECK_EQ(obj_live_count(), 5);
  CHECK_EQ(obj_collect(), 5);
}

/* Dropped without the lock: dead, and its destructor is pending. */
static void *drop_detached(void *argument) {
  obj_decref(argument);
  return NULL;
}

static void pending_destructors_run_first(void) {
  obj_t *object = node_new(type);
  node_link(object, 0, ring_new(type, 3));
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, NULL, drop_detached, object), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  CHECK_EQ(obj_live_count(), 4);
  finalized = cleared = 0;
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_EQ(obj_live_count(), 3);
  collected(3);
  object = node_new(plain_type);
  node_link(object, 0, ring_new(plain_type, 3));
  CHECK_EQ(pthread_create(&thread, NULL, drop_detached, object), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
  CHECK_EQ(obj_live_count(), 4);
  collected(3);
  CHECK_EQ(obj_live_count(), 0);
}

int main(int argc, char **argv) {
  CHECK_EQ(argc, 2);
  const gilrt_config_t config = {.struct_size = sizeof config, .count = atoi(argv[1])};
  CHECK_STATUS(gilrt_init(&config), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  type = node_type("finalized node", finalize, clear);
  plain_type = node_type("node", NULL, node_clear);
  each_runs_once_and_before_any_clear();
  a_finalizer_revives_its_whole_cycle_and_no_other();
  a_finalizer_may_take_the_cycle_apart();
  what_a_finalizer_makes_is_for_the_next_collection();
  callbacks_may_do_anything();
  a_cycle_is_freed_by_finalizers_alone();
  a_cycle_without_clear_or_finalize_stays();
  the_dying_are_left_alone(block, node_clear);
  the_dying_are_left_alone(NULL, block_in_clear);
  pending_destructors_run_first();
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
