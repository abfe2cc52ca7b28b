/* Items of even keys know their cache, and take their entry out of it when they die; the others leave that to the cache. */
#include "item.h"

#include "cache.h"

typedef struct item {
  obj_t *home; /* NULL, or a reference to the cache */
  uint64_t key;
  uint64_t check; /* follows from the key; 0 once it is dead */
} item_t;

static item_t *item_of(obj_t *self) { return OBJ_PAYLOAD(self, item_t); }

static uint64_t check_of(uint64_t key) { return key * 6364136223846793005u | 1; }

/* Whoever has found the item meanwhile has missed it, for it can no longer be had: so nobody reads this. */
static void finalize(obj_t *self) {
  item_t *item = item_of(self);
  item->check = 0;
  if (item->home) cache_forget(item->home, item->key);
}

/* The item holds its cache and the cache the item: a cycle, which the collector finds if nobody empties the cache. */
static int traverse(obj_t *self, obj_visit_fn visit, void *user) {
  item_t *item = item_of(self);
  return item->home ? visit(item->home, user) : 0;
}

static void clear(obj_t *self) {
  item_t *item = item_of(self);
  obj_t *home = item->home;
  item->home = NULL;
  obj_decref(home);
}

int item_type_new(obj_type_t **out) {
  const obj_type_config_t config = {
      .struct_size = sizeof config,
      .name = "cache item",
      .payload_size = sizeof(item_t),
      .finalize = finalize,
      .traverse = traverse,
      .clear = clear,
  };
  return obj_type_new(&config, out);
}

int item_new(obj_type_t *type, obj_t *cache, uint64_t key, obj_t **out) {
  int status = obj_new(type, 0, out);
  if (status != GILRT_OK) return status;
  *item_of(*out) = (item_t){.home = key % 2 == 0 ? obj_newref(cache) : NULL, .key = key, .check = check_of(key)};
  return GILRT_OK;
}

bool item_is_sound(obj_t *self, uint64_t key) {
  const item_t *item = item_of(self);
  return item->key == key && item->check == check_of(key);
}
