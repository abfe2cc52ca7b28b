/* The mode is changed to and fro while threads count, make objects, hand them to each other, use sections and weak references,
 * leave and come back: nothing is lost, and where there is a lock one thread at a time is inside. */
#include "check.h"
#include <gilrt_inline.h>
#include <sched.h>

#define OK(call) CHECK_STATUS(call, GILRT_OK)

enum { MOST = 16, SHELF = 64 };

static int threads, milliseconds;
static gil_interp_t *interp;
static obj_type_t *leaf, *node;
static atomic_bool over;
/* Counted in a section, which excludes in either mode. */
static long in_section;
static _Atomic long sections, made, finalized;
/* Each place holds a reference, or nothing. */
static obj_t *_Atomic shelf[SHELF];
static obj_t *counter;
static atomic_int inside;
static _Atomic long both, changes;

static void finalize(obj_t *o) {
  (void)o;
  CHECK(gil_held());
  CHECK(gil_interp_current() == interp);
  finalized++;
}

static int traverse(obj_t *self, obj_visit_fn visit, void *user) {
  return visit(*OBJ_PAYLOAD(self, obj_t *), user);
}

static void clear(obj_t *self) {
  obj_t *child = *OBJ_PAYLOAD(self, obj_t *);
  *OBJ_PAYLOAD(self, obj_t *) = NULL;
  obj_decref(child);
}

/* While this thread is inside, the mode does not change. */
static void witness(void) {
  int mode = gil_interp_mode(interp);
  int others = atomic_fetch_add(&inside, 1);
  if (others != 0) both++;
  CHECK(mode == GIL_MODE_FREE || others == 0);
  CHECK(gil_interp_mode(interp) == mode);
  atomic_fetch_sub(&inside, 1);
}

static void exchange(unsigned *seed) {
  obj_t *o;
  OK(obj_new(rand_r(seed) % 4 ? leaf : node, 0, &o));
  made++;
  if (obj_type_of(o) == node) *OBJ_PAYLOAD(o, obj_t *) = obj_newref(o); /* for the collector */
  obj_incref_inline(o);
  obj_t *old = atomic_exchange(&shelf[rand_r(seed) % SHELF], o);
  obj_decref_inline(o);
  if (old) obj_decref_inline(old);
}

static void count_in_section(void) {
  OBJ_BEGIN_SECTION(counter);
  in_section++;
  sections++;
  OBJ_END_SECTION
}

static void *work(void *argument) {
  unsigned seed = (unsigned)(size_t)argument * 77 + 1;
  OK(gil_interp_enter(interp, NULL));
  while (!over) {
    OK(gil_acquire_inline());
    for (int i = rand_r(&seed) % 50; i >= 0; i--) {
      witness();
      exchange(&seed);
      count_in_section();
      if (rand_r(&seed) % 8 == 0) gil_poll_inline();
      if (rand_r(&seed) % 64 == 0) {
        GIL_BEGIN_ALLOW_THREADS
        obj_t *old = atomic_exchange(&shelf[rand_r(&seed) % SHELF], NULL);
        obj_decref(old); /* detached */
        GIL_END_ALLOW_THREADS
      }
      if (rand_r(&seed) % 512 == 0) obj_collect();
      if (rand_r(&seed) % 512 == 0) {
        obj_weak_t *w;
        obj_t *o = obj_newref(counter);
        OK(obj_weak_new(o, &w));
        obj_decref(o);
        o = obj_weak_get(w);
        CHECK(o == counter);
        obj_decref(o);
        obj_weak_free(w);
      }
      if (rand_r(&seed) % 256 == 0) {
        int stopped = gil_stop_world();
        OK(stopped);
        CHECK(atomic_fetch_add(&inside, 1) == 0);
        CHECK(gil_interp_set_mode(interp, GIL_MODE_FREE) != GILRT_OK || gil_interp_mode(interp) == GIL_MODE_FREE);
        atomic_fetch_sub(&inside, 1);
        OK(gil_resume_world());
      }
    }
    OK(gil_release_inline());
  }
  return NULL;
}

/* A thread that comes, does something and ends. */
static void *brief(void *argument) {
  unsigned seed = (unsigned)(size_t)argument + 1000;
  OK(gil_interp_enter(interp, NULL));
  OK(gil_acquire());
  exchange(&seed);
  OK(gil_release());
  return NULL;
}

static void *stranger(void *argument) {
  unsigned seed = (unsigned)(size_t)argument;
  while (!over) {
    obj_t *old = atomic_exchange(&shelf[rand_r(&seed) % SHELF], NULL);
    obj_incref(old);
    obj_decref(old);
    obj_decref(old);
    sched_yield();
  }
  return NULL;
}

static void *change(void *argument) {
  bool attached = argument != NULL;
  if (attached) {
    OK(gil_interp_enter(interp, NULL));
    OK(gil_acquire());
  }
  uint64_t end = now_ns() + MILLISECONDS(milliseconds);
  while (now_ns() < end) {
    OK(gil_interp_set_mode(interp, changes++ % 2 ? GIL_MODE_LOCKED : GIL_MODE_FREE));
    CHECK(gil_held() == attached);
    GIL_BEGIN_ALLOW_THREADS
    pthread_t t;
    CHECK(pthread_create(&t, NULL, brief, (void *)(size_t)changes) == 0);
    sleep_us(10000);
    pthread_join(t, NULL);
    GIL_END_ALLOW_THREADS
  }
  if (attached) OK(gil_release());
  return NULL;
}

int main(int argc, char **argv) {
  threads = argc > 1 ? atoi(argv[1]) : 4;
  milliseconds = argc > 2 ? atoi(argv[2]) : 300;
  bool of_main = argc > 3 && !strcmp(argv[3], "main");
  if (of_main) {
    interp = gil_interp_main();
  } else {
    gil_interp_config_t config = {.struct_size = sizeof config, .name = "changing"};
    OK(gil_interp_new(&config, &interp));
  }
  OK(gil_interp_enter(interp, NULL));
  OK(gil_acquire());
  obj_type_config_t leaves = {.struct_size = sizeof leaves, .name = "leaf", .payload_size = 8, .finalize = finalize};
  obj_type_config_t nodes = {.struct_size = sizeof nodes, .name = "node", .payload_size = sizeof(obj_t *),
                             .finalize = finalize, .traverse = traverse, .clear = clear};
  OK(obj_type_new(&leaves, &leaf));
  OK(obj_type_new(&nodes, &node));
  OK(obj_new(leaf, 0, &counter));
  OK(gil_release());

  pthread_t t[MOST], other, changer, attached;
  for (int i = 0; i < threads; i++) CHECK(pthread_create(&t[i], NULL, work, (void *)(size_t)(i + 1)) == 0);
  CHECK(pthread_create(&other, NULL, stranger, (void *)5) == 0);
  CHECK(pthread_create(&changer, NULL, change, NULL) == 0);
  CHECK(pthread_create(&attached, NULL, change, &other) == 0);
  pthread_join(changer, NULL);
  pthread_join(attached, NULL);
  over = true;
  for (int i = 0; i < threads; i++) pthread_join(t[i], NULL);
  pthread_join(other, NULL);

  OK(gil_acquire());
  for (int i = 0; i < SHELF; i++) obj_decref(shelf[i]);
  obj_decref(counter);
  CHECK(obj_collect() >= 0);
  gil_poll();
  CHECK(obj_collect() >= 0);
  CHECK(obj_live_count() == 0);
  CHECK(finalized == made + 1);
  CHECK(in_section == sections);
  OK(gil_release());
  printf("%ld changes, %ld objects, %ld sections, %ld times two at once\n", changes, made, sections, both);
  if (!of_main) {
    OK(gil_interp_enter(gil_interp_main(), NULL));
    OK(gil_interp_close(interp, FOREVER));
  }
  OK(gilrt_finalize(FOREVER));
  return 0;
}
