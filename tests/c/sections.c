/* Critical sections where threads run at once: they exclude, no order of nesting deadlocks, and whoever blocks or detaches
   gives them up until it is back. */
#include "check.h"

#include <gilrt_inline.h>

#define THREADS 16u
#define OBJECTS 4u
#define STEPS 1500u
#define DEEPEST 4u

typedef struct guarded {
  uint64_t count; /* plain */
  atomic_uint users;
} guarded_t;

static gil_interp_t *interp;
static obj_type_t *type;
static obj_t *objects[OBJECTS];
static atomic_ullong expected[OBJECTS];
static atomic_uint finalized;

static guarded_t *guarded(obj_t *o) { return OBJ_PAYLOAD(o, guarded_t); }

/* Byte 14 of an object holds its locks; bit 0 is that of sections, bit 1 says that somebody waits for it. */
static unsigned locks(obj_t *o) { return __atomic_load_n((unsigned char *)o + 14, __ATOMIC_RELAXED) & 3u; }

static obj_t *new_object(void) {
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  return object;
}

static void enter(void) {
  CHECK_STATUS(gil_interp_enter(interp, NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
}

static void leave(void) { CHECK_STATUS(gil_release(), GILRT_OK); }

static unsigned next(unsigned *random) {
  *random = *random * 1664525u + 1013904223u;
  return *random >> 16;
}

/* In the innermost section of `o`: nobody else is. */
static void use(obj_t *o) {
  CHECK_EQ(atomic_fetch_add(&guarded(o)->users, 1), 0);
  CHECK((locks(o) & 1) != 0);
  ++guarded(o)->count;
  CHECK_EQ(atomic_fetch_sub(&guarded(o)->users, 1), 1);
}

static void use_both(unsigned a, unsigned b, uint64_t *counts) {
  use(objects[a]);
  counts[a]++;
  if (b == a) return;
  use(objects[b]);
  counts[b]++;
}

/* Everything that lets go of sections, and some that does not. */
static void block(unsigned how) {
  int depth;
  switch (how % 8) {
    case 0:
      GIL_BEGIN_ALLOW_THREADS
      sleep_us(1);
      GIL_END_ALLOW_THREADS
      break;
    case 1:
      GIL_BEGIN_ALLOW_THREADS_INLINE
      GIL_END_ALLOW_THREADS_INLINE
      break;
    case 2:
      depth = (int)gil_detach();
      CHECK_STATUS(gil_attach((uint32_t)depth), GILRT_OK);
      break;
    case 3:
      CHECK_STATUS(gil_release_inline(), GILRT_OK);
      CHECK_STATUS(gil_acquire_inline(), GILRT_OK);
      break;
    case 4:
      CHECK_STATUS(obj_lock(objects[how / 8 % OBJECTS]), GILRT_OK);
      CHECK_STATUS(obj_unlock(objects[how / 8 % OBJECTS]), GILRT_OK);
      break;
    case 5:
      obj_decref(new_object());
      CHECK_STATUS(gil_poll(), GILRT_OK);
      break;
    case 6:
      CHECK_STATUS(gil_acquire(), GILRT_OK);
      CHECK_STATUS(gil_yield(), GILRT_OK);
      CHECK_STATUS(gil_release(), GILRT_OK);
      break;
    default:
      break;
  }
}

static void nest(unsigned *random, unsigned depth, uint64_t *counts) {
  unsigned a = next(random) % OBJECTS, b = next(random) % OBJECTS;
  bool two = next(random) % 2 == 0, deeper = depth < DEEPEST && next(random) % 4 != 0, blocks = next(random) % 4 == 0;
  if (!two) b = a;
#define INSIDE                                                                                                         \
  use_both(a, b, counts);                                                                                              \
  if (blocks) block(next(random));                                                                                     \
  use_both(a, b, counts);                                                                                              \
  if (deeper) nest(random, depth + 1, counts);                                                                         \
  use_both(a, b, counts);
  if (two) {
    OBJ_BEGIN_SECTION2(objects[a], objects[b])
    INSIDE
    OBJ_END_SECTION2
  } else {
    OBJ_BEGIN_SECTION(objects[a])
    INSIDE
    OBJ_END_SECTION
  }
}

static void nest_at_random(unsigned index, void *unused) {
  (void)unused;
  uint64_t counts[OBJECTS] = {0};
  unsigned random = index * 2654435761u + 1;
  enter();
  for (unsigned step = 0; step < STEPS; step++) nest(&random, 1, counts);
  leave();
  for (unsigned i = 0; i < OBJECTS; i++) atomic_fetch_add(&expected[i], counts[i]);
}

static void no_order_of_nesting_deadlocks_and_no_count_is_lost(void) {
  for (unsigned threads = 2; threads <= THREADS; threads *= 2) team_run(threads, nest_at_random, NULL);
  for (unsigned i = 0; i < OBJECTS; i++) {
    CHECK_EQ(guarded(objects[i])->count, atomic_load(&expected[i]));
    CHECK_EQ(locks(objects[i]), 0);
  }
}

static atomic_int step;

static void *go_in_while_it_is_away(void *unused) {
  (void)unused;
  enter();
  AWAIT(atomic_load(&step) == 1);
  OBJ_BEGIN_SECTION2(objects[0], objects[1])
  atomic_store(&step, 2);
  /* It wants its section back, and waits. */
  AWAIT(locks(objects[1]) == 3);
  atomic_store(&step, 3);
  OBJ_END_SECTION2
  atomic_store(&step, 4);
  leave();
  return NULL;
}

static void who_detaches_gives_all_up_and_has_the_innermost_when_it_is_back(void) {
  pthread_t other;
  CHECK_EQ(pthread_create(&other, NULL, go_in_while_it_is_away, NULL), 0);
  enter();
  OBJ_BEGIN_SECTION(objects[0])
  OBJ_BEGIN_SECTION(objects[1])
  CHECK_EQ(locks(objects[0]), 1);
  CHECK_EQ(locks(objects[1]), 1);
  GIL_BEGIN_ALLOW_THREADS
  atomic_store(&step, 1);
  AWAIT(atomic_load(&step) == 2);
  GIL_END_ALLOW_THREADS
  CHECK(atomic_load(&step) >= 3);
  CHECK_EQ(locks(objects[1]), 1);
  AWAIT(atomic_load(&step) == 4); /* the other one's locks go one after the other */
  CHECK_EQ(locks(objects[0]), 0);
  OBJ_END_SECTION
  CHECK_EQ(locks(objects[1]), 0);
  CHECK_EQ(locks(objects[0]), 1);
  OBJ_END_SECTION
  CHECK_EQ(locks(objects[0]), 0);
  leave();
  CHECK_EQ(pthread_join(other, NULL), 0);
}

static void one_object_is_locked_once(void) {
  enter();
  OBJ_BEGIN_SECTION2(objects[0], objects[1])
  OBJ_BEGIN_SECTION(objects[1])
  OBJ_BEGIN_SECTION2(objects[1], objects[0])
  CHECK_EQ(locks(objects[0]), 1);
  OBJ_END_SECTION2
  CHECK_EQ(locks(objects[0]), 1);
  OBJ_END_SECTION
  CHECK_EQ(locks(objects[1]), 1);
  OBJ_END_SECTION2
  CHECK_EQ(locks(objects[0]) + locks(objects[1]), 0);
  /* Not the innermost: the outer ones are given up for it. */
  OBJ_BEGIN_SECTION(objects[0])
  OBJ_BEGIN_SECTION(objects[1])
  OBJ_BEGIN_SECTION(objects[0])
  CHECK_EQ(locks(objects[0]), 1);
  CHECK_EQ(locks(objects[1]), 0);
  OBJ_END_SECTION
  CHECK_EQ(locks(objects[0]), 0);
  CHECK_EQ(locks(objects[1]), 1);
  OBJ_END_SECTION
  CHECK_EQ(locks(objects[0]), 1);
  OBJ_END_SECTION
  OBJ_BEGIN_SECTION2(objects[2], objects[2])
  CHECK_EQ(locks(objects[2]), 1);
  OBJ_END_SECTION2
  CHECK_EQ(locks(objects[2]), 0);
  leave();
}

#define MANY 20u

static void begin_and_end(obj_t **many, unsigned left) {
  if (left == 0) return;
  OBJ_BEGIN_SECTION(*many)
  CHECK_EQ(locks(*many), 1);
  begin_and_end(many + 1, left - 1);
  CHECK_EQ(locks(*many), 1);
  OBJ_END_SECTION
  CHECK_EQ(locks(*many), 0);
}

static void any_number_nests(void) {
  obj_t *many[MANY];
  enter();
  for (unsigned i = 0; i < MANY; i++) many[i] = new_object();
  begin_and_end(many, MANY);
  for (unsigned i = 0; i < MANY; i++) obj_decref(many[i]);
  leave();
}

/* The others have given their sections up, also those that waited for one and got it meanwhile; and so does one who waits to
   stop the world. */
static void stop_the_world_in_sections(unsigned index, void *unused) {
  (void)unused;
  enter();
  for (unsigned i = 0; i < 200; i++) {
    OBJ_BEGIN_SECTION(objects[(i + index) % OBJECTS])
    OBJ_BEGIN_SECTION2(objects[i % OBJECTS], objects[(i * index) % OBJECTS])
    CHECK_STATUS(gil_poll(), GILRT_OK);
    if (i % 4 == index % 4) {
      CHECK_STATUS(gil_stop_world(), GILRT_OK);
      CHECK_EQ(locks(objects[i % OBJECTS]) & 1, 1);
      for (unsigned k = 0; k < OBJECTS; k++) {
        OBJ_BEGIN_SECTION(objects[k])
        guarded(objects[k])->count += 2;
        guarded(objects[k])->count -= 2;
        OBJ_END_SECTION
      }
      CHECK_STATUS(gil_resume_world(), GILRT_OK);
    }
    CHECK_EQ(locks(objects[i % OBJECTS]) & 1, 1);
    OBJ_END_SECTION2
    OBJ_END_SECTION
  }
  leave();
}

static void the_world_is_stopped_from_inside_sections(void) {
  for (unsigned threads = 2; threads <= 8; threads *= 2) team_run(threads, stop_the_world_in_sections, NULL);
}

static void *end_inside(void *how) {
  static obj_section_t frames[2]; /* not on the stack, which is gone by then */
  enter();
  CHECK_STATUS(obj_section_begin(&frames[0], objects[0]), GILRT_OK);
  CHECK_STATUS(obj_section_begin2(&frames[1], objects[2], objects[1]), GILRT_OK);
  for (unsigned i = 0; i < 3; i++) CHECK_EQ(locks(objects[i]), 1);
  if (how == NULL) leave(); /* detached in the sections: given up already */
  return NULL;
}

static void keep_quiet(int level, const char *message, void *user) { (void)level, (void)message, (void)user; }

static void a_thread_that_ends_inside_leaves_no_lock_behind(void) {
  int attached;
  gilrt_set_log(keep_quiet, NULL);
  for (int i = 0; i < 2; i++) {
    pthread_t thread;
    CHECK_EQ(pthread_create(&thread, NULL, end_inside, i == 0 ? NULL : &attached), 0);
    CHECK_EQ(pthread_join(thread, NULL), 0);
    for (unsigned k = 0; k < OBJECTS; k++) CHECK_EQ(locks(objects[k]), 0);
  }
  gilrt_set_log(NULL, NULL);
}

static void bad_input_is_answered(void) {
  obj_section_t frame;
  CHECK_STATUS(obj_section_begin(NULL, objects[0]), GILRT_ERR_INVALID);
  obj_section_end(NULL);
  CHECK_STATUS(obj_section_begin(&frame, objects[0]), GILRT_ERR_NOT_ATTACHED);
  obj_section_end(&frame);
  enter();
  CHECK_STATUS(obj_section_begin(&frame, NULL), GILRT_ERR_INVALID);
  obj_section_end(&frame);
  CHECK_STATUS(obj_section_begin2(&frame, objects[0], NULL), GILRT_ERR_INVALID);
  obj_section_end(&frame);
  leave();
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_section_begin(&frame, objects[0]), GILRT_ERR_INVALID); /* of another interpreter */
  CHECK_EQ(locks(objects[0]), 0);
  obj_section_end(&frame);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

static void where_a_gil_excludes_nothing_is_taken(void) {
  obj_type_t *main_type = NULL;
  obj_t *a = NULL, *b = NULL;
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "plain"};
  CHECK_STATUS(gil_interp_enter(gil_interp_main(), NULL), GILRT_OK);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_type_new(&config, &main_type), GILRT_OK);
  CHECK_STATUS(obj_new(main_type, 0, &a), GILRT_OK);
  CHECK_STATUS(obj_new(main_type, 0, &b), GILRT_OK);
  OBJ_BEGIN_SECTION2(a, b)
  OBJ_BEGIN_SECTION(b)
  CHECK_EQ(locks(a) + locks(b), 0);
  GIL_BEGIN_ALLOW_THREADS
  GIL_END_ALLOW_THREADS
  CHECK_EQ(locks(a) + locks(b), 0);
  OBJ_END_SECTION
  OBJ_END_SECTION2
  obj_decref(a);
  obj_decref(b);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

/* A finalizer has sections of its own, inside those of whoever dropped the object. */
static void finalize(obj_t *self) {
  OBJ_BEGIN_SECTION(self)
  CHECK_EQ(locks(self), 1);
  OBJ_END_SECTION
  atomic_fetch_add(&finalized, 1);
}

int main(void) {
  gil_interp_config_t config = {.struct_size = sizeof config, .name = "free", .mode = GIL_MODE_FREE};
  CHECK_STATUS(gil_interp_new(&config, &interp), GILRT_OK);
  obj_type_config_t shape = {
      .struct_size = sizeof shape, .name = "guarded", .payload_size = sizeof(guarded_t), .finalize = finalize};
  enter();
  CHECK_STATUS(obj_type_new(&shape, &type), GILRT_OK);
  for (unsigned i = 0; i < OBJECTS; i++) objects[i] = new_object();
  leave();
  one_object_is_locked_once();
  any_number_nests();
  who_detaches_gives_all_up_and_has_the_innermost_when_it_is_back();
  no_order_of_nesting_deadlocks_and_no_count_is_lost();
  the_world_is_stopped_from_inside_sections();
  a_thread_that_ends_inside_leaves_no_lock_behind();
  bad_input_is_answered();
  where_a_gil_excludes_nothing_is_taken();
  enter();
  unsigned before = atomic_load(&finalized);
  for (unsigned i = 0; i < OBJECTS; i++) obj_decref(objects[i]);
  CHECK_EQ(atomic_load(&finalized), before + OBJECTS);
  CHECK_EQ(obj_live_count(), 0);
  leave();
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
