/* Objects travel through channels between threads of several interpreters, counted on the way: channel_stress THREADS INTERPRETERS
   MODE, where MODE is locked, shared (one lock for all), free, mixed, or switching all the time. Every count is exact at the end, and
   every object is finalized once, in its own interpreter, by a thread that is attached there. */
#include "check.h"

#define INTERPRETERS_MOST 4u
#define CHANNELS 4u
#define OBJECTS 200u /* by each thread */
#define HOPS 6u

static unsigned threads, interpreters;

static struct {
  gil_interp_t *interp;
  obj_type_t *type;
  uint64_t plain; /* guarded by the lock, if there is one: the witness of exclusion */
  bool locked;
  atomic_ulong exact;
  atomic_uint made, finalized;
} worlds[INTERPRETERS_MOST];

/* Of different sizes, the first of none. */
static obj_channel_t *channels[CHANNELS];
static atomic_uint travelling; /* objects of which a thread or a channel has the reference that travels */
static atomic_ulong received;

typedef struct traveller {
  unsigned home;
  atomic_uint hops;
} traveller_t;

static void witness(unsigned home) {
  if (!worlds[home].locked) return;
  worlds[home].plain++;
  atomic_fetch_add(&worlds[home].exact, 1);
}

static void finalize(obj_t *self) {
  traveller_t *traveller = OBJ_PAYLOAD(self, traveller_t);
  unsigned home = traveller->home;
  CHECK(gil_held());
  CHECK(gil_interp_current() == worlds[home].interp);
  CHECK_EQ(atomic_load(&traveller->hops), HOPS);
  witness(home);
  atomic_fetch_add(&worlds[home].finalized, 1);
}

static uint32_t draw(uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 16;
}

/* What a receiver may do with an object, from whichever interpreter it is. */
static void use(obj_t *o, uint32_t *seed) {
  obj_weak_t *weak = NULL;
  obj_t *found = NULL;
  switch (draw(seed) % 4) {
    case 0:
      obj_incref(o);
      obj_decref(o);
      break;
    case 1:
      CHECK_STATUS(obj_weak_new(o, &weak), GILRT_OK);
      found = obj_weak_get(weak);
      CHECK(found == o);
      obj_decref(found);
      obj_weak_free(weak);
      break;
    case 2:
      GIL_BEGIN_ALLOW_THREADS
      obj_incref(o);
      GIL_END_ALLOW_THREADS
      obj_decref(o);
      break;
    default: CHECK(obj_refcount(o) >= 1);
  }
}

static uint64_t patience(uint32_t *seed) {
  static const uint64_t patiences[] = {0, 1, 1000, 50000, 1000000};
  return patiences[draw(seed) % (sizeof patiences / sizeof *patiences)];
}

/* Objects of a thread: it makes one when it has none, so that not all hands and all channels are ever full at once. */
#define HAND 4u

typedef struct hand {
  obj_t *objects[HAND];
  unsigned size;
  uint32_t seed;
} hand_t;

static void send_one(hand_t *hand, obj_channel_t *ch) {
  obj_t *o = hand->objects[hand->size - 1];
  if (atomic_load(&OBJ_PAYLOAD(o, traveller_t)->hops) == HOPS) {
    obj_decref(o);
    atomic_fetch_sub(&travelling, 1);
  } else {
    int status = obj_send(ch, o, patience(&hand->seed));
    if (status != GILRT_OK) {
      CHECK_STATUS(status, GILRT_ERR_TIMEOUT);
      use(o, &hand->seed);
      return;
    }
  }
  hand->size--;
}

static void receive_one(hand_t *hand, obj_channel_t *ch) {
  obj_t *o = NULL;
  int status = obj_receive(ch, patience(&hand->seed), &o);
  if (status != GILRT_OK) {
    CHECK_STATUS(status, GILRT_ERR_TIMEOUT);
    CHECK(!o);
    return;
  }
  atomic_fetch_add(&OBJ_PAYLOAD(o, traveller_t)->hops, 1);
  atomic_fetch_add(&received, 1);
  use(o, &hand->seed);
  hand->objects[hand->size++] = o;
}

static void step(hand_t *hand) {
  obj_channel_t *ch = channels[draw(&hand->seed) % CHANNELS];
  bool sends = hand->size == HAND || (hand->size > 0 && draw(&hand->seed) % 2);
  if (sends) send_one(hand, ch);
  else receive_one(hand, ch);
}

static void make_one(hand_t *hand, unsigned home) {
  obj_t *o = NULL;
  CHECK_STATUS(obj_new(worlds[home].type, 0, &o), GILRT_OK);
  OBJ_PAYLOAD(o, traveller_t)->home = home;
  atomic_fetch_add(&worlds[home].made, 1);
  hand->objects[hand->size++] = o;
}

static void travel(unsigned index, void *unused) {
  (void)unused;
  unsigned home = index % interpreters, left = OBJECTS;
  hand_t hand = {.seed = index * 7919u + 1};
  CHECK_STATUS(gil_interp_enter(worlds[home].interp, NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  while (atomic_load(&travelling) > 0) {
    witness(home);
    if (hand.size == 0 && left > 0) {
      left--;
      make_one(&hand, home);
    }
    if (draw(&hand.seed) % 4 == 0) {
      uint32_t depth = gil_detach();
      step(&hand);
      CHECK_STATUS(gil_attach(depth), GILRT_OK);
    } else {
      step(&hand);
    }
    CHECK(gil_held());
    CHECK_STATUS(gil_poll(), GILRT_OK);
  }
  CHECK_EQ(hand.size + left, 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

/* Moves on what it receives, and never attaches anywhere. */
static void *carry(void *unused) {
  hand_t hand = {.seed = 4711};
  while (atomic_load(&travelling) > 0) step(&hand);
  CHECK_EQ(hand.size, 0);
  CHECK_EQ(gil_thread_id(), 0);
  return unused;
}

/* Gives each interpreter a lock and takes it away again, and never attaches anywhere. */
static void *keep_switching(void *unused) {
  for (unsigned i = 0; atomic_load(&travelling) > 0; i++) {
    CHECK_STATUS(gil_interp_set_mode(worlds[i % interpreters].interp, i & 4 ? GIL_MODE_LOCKED : GIL_MODE_FREE), GILRT_OK);
    sleep_us(500);
  }
  return unused;
}

static void finalizers_run(unsigned home) {
  CHECK_STATUS(gil_interp_enter(worlds[home].interp, NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(gil_poll(), GILRT_OK);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_EQ(obj_type_live_count(worlds[home].type), 0);
  CHECK_EQ(atomic_load(&worlds[home].finalized), atomic_load(&worlds[home].made));
  CHECK_EQ(worlds[home].plain, atomic_load(&worlds[home].exact));
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
}

int main(int argc, char **argv) {
  pthread_t carrier, switcher;
  unsigned finalized = 0;
  CHECK_EQ(argc, 4);
  threads = (unsigned)atoi(argv[1]);
  interpreters = (unsigned)atoi(argv[2]);
  bool switching = strcmp(argv[3], "switching") == 0;
  CHECK(interpreters >= 1 && interpreters <= INTERPRETERS_MOST);
  for (unsigned i = 0; i < interpreters; i++) {
    bool is_free = strcmp(argv[3], "free") == 0 || (strcmp(argv[3], "mixed") == 0 && i % 2);
    bool shares = strcmp(argv[3], "shared") == 0 && i > 0;
    const gil_interp_config_t config = {.struct_size = sizeof config,
                                        .name = "one of several",
                                        .mode = is_free ? GIL_MODE_FREE : shares ? GIL_MODE_SHARED : GIL_MODE_LOCKED,
                                        .share_with = shares ? worlds[0].interp : NULL};
    const obj_type_config_t type = {.struct_size = sizeof type,
                                    .name = "traveller",
                                    .payload_size = sizeof(traveller_t),
                                    .flags = i % 2 ? OBJ_TYPE_TRY : 0,
                                    .finalize = finalize};
    worlds[i].locked = !is_free && !switching;
    CHECK_STATUS(gil_interp_new(&config, &worlds[i].interp), GILRT_OK);
    CHECK_STATUS(gil_interp_enter(worlds[i].interp, NULL), GILRT_OK);
    CHECK_STATUS(obj_type_new(&type, &worlds[i].type), GILRT_OK);
  }
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
  for (unsigned i = 0; i < CHANNELS; i++) CHECK_STATUS(obj_channel_new(i, &channels[i]), GILRT_OK);
  atomic_store(&travelling, threads * OBJECTS);
  CHECK_EQ(pthread_create(&carrier, NULL, carry, NULL), 0);
  if (switching) CHECK_EQ(pthread_create(&switcher, NULL, keep_switching, NULL), 0);
  team_run(threads, travel, NULL);
  if (switching) CHECK_EQ(pthread_join(switcher, NULL), 0);
  CHECK_EQ(pthread_join(carrier, NULL), 0);
  CHECK_EQ(atomic_load(&received), (unsigned long)threads * OBJECTS * HOPS);
  for (unsigned i = 0; i < CHANNELS; i++) {
    obj_t *none = NULL;
    CHECK_STATUS(obj_receive(channels[i], 0, &none), GILRT_ERR_TIMEOUT);
    obj_channel_free(channels[i]);
  }
  for (unsigned i = 0; i < interpreters; i++) {
    finalizers_run(i);
    finalized += atomic_load(&worlds[i].finalized);
    CHECK_STATUS(gil_interp_close(worlds[i].interp, FOREVER), GILRT_OK);
  }
  CHECK_EQ(finalized, threads * OBJECTS);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
