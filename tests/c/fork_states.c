/* A fork from every state that a thread can be in: the child keeps what the forking thread held and nothing else, can do
   everything that its parent can, and in the parent all goes on (L15, L24). */
#include "child.h"

#define WAITERS 3u

typedef struct state {
  unsigned depth; /* of the forking thread */
} state_t;

static obj_type_t *type;
static obj_t *object;
static unsigned finalized; /* guarded by the lock */
static uint64_t plain;     /* guarded by the lock */

static void finalize(obj_t *self) {
  (void)self;
  CHECK(gil_held());
  finalized++;
}

static void work(unsigned index, void *unused) {
  (void)unused;
  for (unsigned i = 0; i < 200; i++) {
    CHECK_STATUS(index % 2 ? gil_acquire() : gil_acquire_for(FOREVER), GILRT_OK);
    obj_incref(object);
    plain++;
    CHECK_STATUS(i % 16 ? gil_poll() : gil_yield(), GILRT_OK);
    obj_decref(object);
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
}

/* The fork is made inside a call: its thread will be attached again when the call is over, so it cannot end the runtime. */
static bool in_a_call;

static void grandchild(void *unused) {
  work(0, unused);
  CHECK_STATUS(gilrt_finalize(FOREVER), in_a_call ? GILRT_ERR_DEADLOCK : GILRT_OK);
}

static unsigned known_threads(void) {
  gilrt_stats_t stats = {.struct_size = sizeof stats};
  CHECK_STATUS(gilrt_stats_get(NULL, &stats), GILRT_OK);
  return stats.threads;
}

/* What the forking thread held is its own in the child too; those that waited are not there. */
static void child(void *argument) {
  const state_t *state = argument;
  CHECK_EQ(waiting_threads(), 0);
  CHECK_EQ(known_threads(), gil_thread_id() != 0);
  for (unsigned i = 0; i < state->depth; i++) {
    CHECK(gil_held());
    CHECK_STATUS(gil_poll(), GILRT_OK); /* asks that came from threads of the parent must not be answered */
    CHECK_STATUS(gil_yield(), GILRT_OK);
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
  CHECK(!gil_held());
  CHECK_STATUS(gil_release(), GILRT_ERR_NOT_ATTACHED);
  CHECK_STATUS(gil_try_acquire(), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  uint64_t before = plain;
  team_run(4, work, NULL);
  CHECK_EQ(plain, before + 4 * 200);
  in_child(grandchild, NULL);
  CHECK_EQ(obj_refcount(object), 1);
  obj_decref(object); /* the last one, without the lock */
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_EQ(finalized, 1);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), in_a_call ? GILRT_ERR_DEADLOCK : GILRT_OK);
}

static void fork_now(unsigned depth) {
  state_t state = {.depth = depth};
  CHECK_EQ(gil_held(), depth > 0);
  in_child(child, &state);
  CHECK_EQ(gil_held(), depth > 0);
}

static void to_depth(unsigned depth) {
  for (unsigned i = 0; i < depth; i++) CHECK_STATUS(gil_acquire(), GILRT_OK);
}

static void from_depth(unsigned depth) {
  for (unsigned i = 0; i < depth; i++) CHECK_STATUS(gil_release(), GILRT_OK);
}

static atomic_uint served;
static atomic_bool held, let_go;

static void wait_once(unsigned index, void *unused) {
  (void)index, (void)unused;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  atomic_fetch_add(&served, 1);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

/* The holder forks, at a depth, while others wait and have asked it to drop the lock. */
static void the_holder_forks(unsigned depth) {
  team_t team;
  to_depth(depth);
  atomic_store(&served, 0);
  team_start(&team, WAITERS, wait_once, NULL);
  AWAIT(waiting_threads() == WAITERS);
  sleep_us(3000); /* longer than the switch interval, so that the drop has been asked for; right if it has not, too */
  fork_now(depth);
  CHECK_EQ(atomic_load(&served), 0);
  from_depth(depth);
  team_join(&team);
  CHECK_EQ(atomic_load(&served), WAITERS);
}

static void *hold(void *depth) {
  to_depth(*(unsigned *)depth);
  atomic_store(&held, true);
  AWAIT(atomic_load(&let_go));
  from_depth(*(unsigned *)depth);
  return NULL;
}

/* A thread that does not hold forks while another does and others wait; the holder is not there in the child. */
static void a_thread_beside_the_holder_forks(void) {
  team_t team;
  pthread_t holder;
  unsigned depth = 2;
  atomic_store(&held, false);
  atomic_store(&let_go, false);
  CHECK_EQ(pthread_create(&holder, NULL, hold, &depth), 0);
  AWAIT(atomic_load(&held));
  fork_now(0); /* the holder has the bias, or soon after had */
  team_start(&team, WAITERS, wait_once, NULL);
  AWAIT(waiting_threads() == WAITERS);
  fork_now(0);
  atomic_store(&let_go, true);
  CHECK_EQ(pthread_join(holder, NULL), 0);
  team_join(&team);
}

static void earn_the_bias(void) {
  for (unsigned i = 0; i < 5000; i++) {
    CHECK_STATUS(gil_acquire(), GILRT_OK);
    CHECK_STATUS(gil_release(), GILRT_OK);
  }
}

static void the_owner_of_the_bias_forks(void) {
  earn_the_bias();
  fork_now(0);
  to_depth(1);
  fork_now(1);
  from_depth(1);
}

static void *be_alone_for_a_while(void *unused) {
  earn_the_bias();
  atomic_store(&held, true);
  AWAIT(atomic_load(&let_go));
  return unused;
}

static void another_than_the_owner_of_an_idle_bias_forks(void) {
  pthread_t owner;
  atomic_store(&held, false);
  atomic_store(&let_go, false);
  CHECK_EQ(pthread_create(&owner, NULL, be_alone_for_a_while, NULL), 0);
  AWAIT(atomic_load(&held));
  fork_now(0);
  atomic_store(&let_go, true);
  CHECK_EQ(pthread_join(owner, NULL), 0);
}

static void region_in_child(void *argument) {
  unsigned saved = *(unsigned *)argument;
  CHECK_STATUS(gilrt_finalize(0), GILRT_ERR_DEADLOCK); /* this thread is in its region, in the child too */
  gil_region_end(saved);
  CHECK(gil_held());
  from_depth(2);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
}

static void a_thread_inside_a_region_forks(void) {
  to_depth(2);
  unsigned saved = gil_region_begin();
  in_child(region_in_child, &saved);
  gil_region_end(saved);
  from_depth(2);
}

static int fork_in_a_call(void *unused) {
  (void)unused;
  in_a_call = true;
  fork_now(1);
  in_a_call = false;
  return 0;
}

static void a_call_at_a_safepoint_forks(void) {
  to_depth(1);
  CHECK_STATUS(gil_call_soon(fork_in_a_call, NULL), GILRT_OK);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  from_depth(1);
}

static void *fork_from_nowhere(void *unused) {
  CHECK_EQ(gil_thread_id(), 0);
  fork_now(0);
  CHECK_EQ(gil_thread_id(), 0);
  return unused;
}

int main(void) {
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "thing", .finalize = finalize};
  pthread_t stranger;
  CHECK_STATUS(gil_set_switch_interval(MILLISECONDS(1)), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  the_owner_of_the_bias_forks();
  the_holder_forks(1);
  the_holder_forks(3);
  a_thread_beside_the_holder_forks();
  another_than_the_owner_of_an_idle_bias_forks();
  the_owner_of_the_bias_forks();
  a_thread_inside_a_region_forks();
  a_call_at_a_safepoint_forks();
  CHECK_EQ(pthread_create(&stranger, NULL, fork_from_nowhere, NULL), 0);
  CHECK_EQ(pthread_join(stranger, NULL), 0);
  CHECK_EQ(finalized, 0);
  return 0;
}
