/* R21: a count that comes to its end makes the object immortal, and that is told; nothing wraps. The words of the header are
   set to near the end, since nobody has the time to count there. */
#include "check.h"

#include <gilrt_inline.h>

#define MOST (INT32_C(1) << 28)

static int told;
static obj_t *volatile kept[16]; /* what lives for ever is not lost */
static unsigned count_kept;

static void count_told(int level, const char *message, void *user) {
  (void)user;
  CHECK_EQ(level, 1);
  CHECK(strstr(message, "type crowded") && strstr(message, "lives for ever"));
  told++;
}

static struct gilrt_object_words_ *words(obj_t *object) { return (struct gilrt_object_words_ *)(void *)object; }

static obj_t *new_object(obj_type_t *type) {
  obj_t *object = NULL;
  CHECK_STATUS(obj_new(type, 0, &object), GILRT_OK);
  CHECK(!obj_is_immortal(object));
  kept[count_kept++] = object;
  return object;
}

static void *incref(void *object) {
  obj_incref(object);
  return NULL;
}

static void *incref_inline(void *object) {
  obj_incref_inline(object);
  return NULL;
}

static void *try_incref(void *object) {
  CHECK(obj_try_incref(object));
  return NULL;
}

static void *decref(void *object) {
  obj_decref(object);
  return NULL;
}

static void by_another(void *(*body)(void *), obj_t *object) {
  pthread_t thread;
  CHECK_EQ(pthread_create(&thread, NULL, body, object), 0);
  CHECK_EQ(pthread_join(thread, NULL), 0);
}

static void lives_for_ever(obj_t *object, int64_t objects) {
  CHECK(obj_is_immortal(object));
  CHECK_EQ(told, objects);
  for (int i = 0; i < 3; i++) obj_decref(object);
  by_another(decref, object);
  CHECK_EQ(obj_live_count(), objects);
}

int main(void) {
  const obj_type_config_t config = {.struct_size = sizeof config, .name = "crowded", .payload_size = 8};
  obj_type_t *type = NULL;
  CHECK_STATUS(gil_acquire(), GILRT_OK);
  CHECK_STATUS(obj_type_new(&config, &type), GILRT_OK);
  gilrt_set_log(count_told, NULL);

  obj_t *object = new_object(type); /* the owner's own count wraps */
  words(object)->local = UINT32_MAX - 1;
  obj_incref(object);
  CHECK(!obj_is_immortal(object));
  obj_incref(object);
  lives_for_ever(object, 1);

  object = new_object(type); /* the same, inline */
  words(object)->local = UINT32_MAX;
  obj_incref_inline(object);
  lives_for_ever(object, 2);

  object = new_object(type); /* others have taken as many as there may be */
  words(object)->shared = (MOST - 1) * 4;
  by_another(incref, object);
  CHECK(!obj_is_immortal(object));
  by_another(incref, object);
  lives_for_ever(object, 3);

  object = new_object(type); /* the same, inline */
  words(object)->shared = (MOST - 1) * 4;
  by_another(incref_inline, object);
  CHECK(!obj_is_immortal(object));
  by_another(incref_inline, object);
  lives_for_ever(object, 4);

  object = new_object(type); /* and by a try */
  words(object)->shared = (MOST - 1) * 4;
  by_another(try_incref, object);
  CHECK(!obj_is_immortal(object));
  by_another(try_incref, object);
  lives_for_ever(object, 5);

  object = new_object(type); /* others have dropped as many as there may be */
  words(object)->shared = -MOST * 4 + 2;
  by_another(decref, object);
  lives_for_ever(object, 6);

  object = new_object(type); /* the sum of both */
  words(object)->local = (uint32_t)MOST;
  by_another(decref, object); /* is handed over, and merged by whoever has the lock */
  CHECK_STATUS(gil_poll(), GILRT_OK);
  lives_for_ever(object, 7);

  gilrt_set_log(NULL, NULL);
  CHECK_STATUS(gil_release(), GILRT_OK);
  CHECK_STATUS(gilrt_finalize(FOREVER), GILRT_OK); /* and none of them is a leak */
  return 0;
}
