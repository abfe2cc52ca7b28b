/* The inline counts of threads that do not own the object: mixed with the called ones, from the first foreign reference to
   the last, before and after the merge, up to the limit. */
#include "check.h"

#include <gilrt_inline.h>

#define THREADS 8u
#define OBJECTS 64u
#define PAIRS 200u

typedef struct payload {
  unsigned *finalized;
} payload_t;

typedef struct shared {
  obj_t *objects[OBJECTS];
  unsigned finalized[OBJECTS];
} shared_t;

static obj_type_t *counted, *plain;
static obj_t *immortal[3]; /* known until the end, so that nobody takes them for leaks */

static void finalize(obj_t *self) { ++*OBJ_PAYLOAD(self, payload_t)->finalized; }

static obj_t *new_object(unsigned *finalized) {
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(finalized ? counted : plain, 0, &object), GILRT_OK);
  if (finalized) OBJ_PAYLOAD(object, payload_t)->finalized = finalized;
  return object;
}

static void incref_somehow(unsigned way, obj_t *object) {
  if (way % 3 == 0) obj_incref(object);
  else if (way % 3 == 1) obj_incref_inline(object);
  else obj_incref_inline_t(gil_thread_self(), object);
}

static void decref_somehow(unsigned way, obj_t *object) {
  if (way % 3 == 0) obj_decref(object);
  else if (way % 3 == 1) obj_decref_inline(object);
  else obj_decref_inline_t(gil_thread_self(), object);
}

/* Each thread has one reference to every object. A third of them are attached, and so own the objects; a third are not; and a
   third come to know the library only here. */
static void body(unsigned index, void *argument) {
  shared_t *shared = argument;
  bool attached = index % 3 == 0;
  if (attached) CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (unsigned i = 0; i < OBJECTS; i++) {
    obj_t *object = shared->objects[(i + index) % OBJECTS];
    for (unsigned way = index; way < index + PAIRS; way++) {
      incref_somehow(way, object);
      decref_somehow(way / 3, object);
    }
    decref_somehow(index + i, object);
    if (attached) CHECK_STATUS(gil_poll(), GILRT_OK);
  }
  if (attached) CHECK_STATUS(gil_release(), GILRT_OK);
}

/* R16: whichever thread drops the last reference, the owner or another one, it ends the object, and no other does. */
static void every_object_dies_once_whoever_drops_it_last(bool with_finalizer) {
  shared_t shared = {.finalized = {0}};
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  for (unsigned i = 0; i < OBJECTS; i++) {
    shared.objects[i] = new_object(with_finalizer ? &shared.finalized[i] : NULL);
    for (unsigned thread = 1; thread < THREADS; thread++) obj_incref_inline(shared.objects[i]);
    CHECK_EQ(obj_refcount(shared.objects[i]), THREADS);
  }
  CHECK_STATUS(gil_release(), GILRT_OK);
  team_run(THREADS, body, &shared);
  CHECK_STATUS(gil_acquire(), GILRT_OK); /* runs what is still pending */
  CHECK_STATUS(gil_poll(), GILRT_OK);
  for (unsigned i = 0; i < OBJECTS; i++) CHECK_EQ(shared.finalized[i], with_finalizer);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

/* The thread is detached, so it owns nothing. A reference that was counted by the owner and is dropped here is handed over, and
   with that the object is merged; from then on its count says everything. */
static void the_last_reference_of_a_merged_object_ends_it(void) {
  unsigned finalized = 0;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_t *object = new_object(&finalized), *other = new_object(NULL);
  obj_incref_inline(object);
  obj_incref_inline(other);
  CHECK_STATUS(gil_release(), GILRT_OK);
  obj_decref_inline(object);
  obj_decref_inline(other);
  CHECK_EQ(obj_refcount(object), 1);
  obj_incref_inline(object);
  CHECK_EQ(obj_refcount(object), 2);
  obj_decref_inline(object);
  CHECK_EQ(obj_live_count(), 2);
  obj_decref_inline(other); /* no code of the host's, so at once */
  CHECK_EQ(obj_live_count(), 1);
  obj_decref_inline(object);
  CHECK_EQ(finalized, 0);
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_EQ(finalized, 1);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

static void the_owners_last_reference_ends_it_too(void) {
  unsigned finalized = 0;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_t *object = new_object(&finalized), *other = new_object(NULL);
  obj_decref_inline(object);
  CHECK_EQ(finalized, 1);
  obj_decref_inline_t(gil_thread_self(), other);
  CHECK_EQ(obj_live_count(), 0);
  CHECK_STATUS(gil_release(), GILRT_OK);
}

/* C4, R21. Nobody takes so many references in a test, so they are written into the header. */
static void a_count_that_would_overflow_makes_the_object_immortal(void) {
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  obj_t *atomic = new_object(NULL), *local = new_object(NULL), *queued = new_object(NULL);
  ((struct gilrt_object_words_ *)(void *)local)->local = UINT32_MAX;
  obj_incref_inline(local);
  CHECK(obj_is_immortal(local));
  CHECK_STATUS(gil_release(), GILRT_OK);
  ((struct gilrt_object_words_ *)(void *)atomic)->shared = GILRT_FULL_ - GILRT_ONE_;
  obj_incref_inline(atomic);
  CHECK(!obj_is_immortal(atomic));
  obj_incref_inline(atomic);
  CHECK(obj_is_immortal(atomic));
  ((struct gilrt_object_words_ *)(void *)queued)->shared = -GILRT_FULL_ | 2;
  obj_decref_inline(queued);
  CHECK(obj_is_immortal(queued));
  immortal[0] = atomic, immortal[1] = local, immortal[2] = queued;
  for (unsigned i = 0; i < 3; i++) {
    int32_t before = ((struct gilrt_object_words_ *)(void *)immortal[i])->shared;
    obj_incref_inline(immortal[i]);
    obj_decref_inline(immortal[i]);
    obj_decref_inline(immortal[i]);
    CHECK_EQ(((struct gilrt_object_words_ *)(void *)immortal[i])->shared, before); /* nobody counts it any more */
  }
}

int main(void) {
  const obj_type_config_t config = {
      .struct_size = sizeof config, .name = "counted", .payload_size = sizeof(payload_t), .finalize = finalize};
  const obj_type_config_t without = {.struct_size = sizeof without, .name = "plain"};
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_type_new(&config, &counted), GILRT_OK);
  CHECK_STATUS(obj_type_new(&without, &plain), GILRT_OK);
  CHECK_STATUS(gil_release(), GILRT_OK);
  for (unsigned i = 0; i < 20; i++) every_object_dies_once_whoever_drops_it_last(i % 2);
  the_last_reference_of_a_merged_object_ends_it();
  the_owners_last_reference_ends_it_too();
  a_count_that_would_overflow_makes_the_object_immortal();
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK);
  return 0;
}
