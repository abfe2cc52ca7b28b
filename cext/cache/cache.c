/*
 * A section guards the cache: its holder has the table to itself, and may neither block nor run foreign code there. Dropping a
 * reference may do both, for it may be the last: the destructor may take any lock, and may come back to this very cache. So
 * what is to be dropped is collected inside, and dropped when the section has been left.
 */
#include "cache.h"

#include <stdlib.h>

#include "table.h"

/* A put adds one entry, and looks at so many whether they are dead: so there are not many more dead ones than others. */
#define SWEPT 2u

typedef struct cache {
  table_t table;
  size_t capacity;
  uint64_t hits, weak_hits, misses;
} cache_t;

/* What has left the cache. */
typedef struct remains {
  entry_t *entries;
  obj_t *values[SWEPT + 1]; /* of entries that stay */
  unsigned count;
} remains_t;

static cache_t *cache_of(obj_t *self) { return OBJ_PAYLOAD(self, cache_t); }

static void drop(remains_t *remains) {
  while (remains->count > 0) obj_decref(remains->values[--remains->count]);
  while (remains->entries) {
    entry_t *entry = remains->entries;
    remains->entries = entry->next;
    obj_weak_free(entry->weak);
    obj_decref(entry->value);
    free(entry);
  }
}

static void discard(cache_t *cache, entry_t *entry, remains_t *remains) {
  table_remove(&cache->table, entry);
  entry->next = remains->entries;
  remains->entries = entry;
}

/* Whoever is one too many among the recent fades. */
static void keep_to_capacity(cache_t *cache, remains_t *remains) {
  if (cache->table.recent_count <= cache->capacity) return;
  entry_t *entry = table_oldest_recent(&cache->table);
  remains->values[remains->count++] = entry->value;
  table_move(&cache->table, entry, NULL);
}

/* Only who asks for a reference learns whether a faded value is alive, and that reference may then be the last. */
static void sweep(cache_t *cache, remains_t *remains) {
  for (unsigned i = 0; i < SWEPT; i++) {
    entry_t *entry = table_oldest_faded(&cache->table);
    if (!entry) return;
    obj_t *value = obj_weak_get(entry->weak);
    if (value) {
      remains->values[remains->count++] = value;
      table_move(&cache->table, entry, NULL);
    } else {
      discard(cache, entry, remains);
    }
  }
}

obj_t *cache_get(obj_t *self, uint64_t key) {
  cache_t *cache = cache_of(self);
  remains_t remains = {0};
  obj_t *value = NULL;
  OBJ_BEGIN_SECTION(self)
  entry_t *entry = table_find(&cache->table, key);
  if (entry && entry->value) {
    value = obj_newref(entry->value);
    table_move(&cache->table, entry, entry->value);
    cache->hits++;
  } else if (entry && (value = obj_weak_get(entry->weak))) {
    table_move(&cache->table, entry, obj_newref(value));
    keep_to_capacity(cache, &remains);
    cache->weak_hits++;
  } else {
    if (entry) discard(cache, entry, &remains);
    cache->misses++;
  }
  OBJ_END_SECTION
  drop(&remains);
  return value;
}

int cache_put(obj_t *self, uint64_t key, obj_t *value) {
  cache_t *cache = cache_of(self);
  entry_t *entry = calloc(1, sizeof *entry);
  if (!entry) return GILRT_ERR_NOMEM;
  int status = obj_weak_new(value, &entry->weak);
  if (status != GILRT_OK) {
    free(entry);
    return status;
  }
  entry->key = key;
  entry->value = obj_newref(value);
  remains_t remains = {0};
  OBJ_BEGIN_SECTION(self)
  if (cache->table.bucket_count == 0) {
    status = GILRT_ERR_CLOSED;
    remains.entries = entry;
  } else {
    entry_t *old = table_find(&cache->table, key);
    if (old) discard(cache, old, &remains);
    table_insert(&cache->table, entry);
    keep_to_capacity(cache, &remains);
    sweep(cache, &remains);
  }
  OBJ_END_SECTION
  drop(&remains);
  return status;
}

bool cache_evict(obj_t *self, uint64_t key) {
  remains_t remains = {0};
  OBJ_BEGIN_SECTION(self)
  entry_t *entry = table_find(&cache_of(self)->table, key);
  if (entry) discard(cache_of(self), entry, &remains);
  OBJ_END_SECTION
  bool found = remains.entries != NULL;
  drop(&remains);
  return found;
}

/* While the destructor waited for the section, another thread may have missed the dead value and put a new one in its place. */
void cache_forget(obj_t *self, uint64_t key) {
  remains_t remains = {0};
  OBJ_BEGIN_SECTION(self)
  entry_t *entry = table_find(&cache_of(self)->table, key);
  if (entry && !entry->value) {
    obj_t *other = obj_weak_get(entry->weak);
    if (other) remains.values[remains.count++] = other;
    else discard(cache_of(self), entry, &remains);
  }
  OBJ_END_SECTION
  drop(&remains);
}

void cache_empty(obj_t *self) {
  remains_t remains = {0};
  OBJ_BEGIN_SECTION(self)
  remains.entries = table_remove_all(&cache_of(self)->table);
  OBJ_END_SECTION
  drop(&remains);
}

cache_figures_t cache_figures(obj_t *self) {
  cache_t *cache = cache_of(self);
  cache_figures_t figures;
  OBJ_BEGIN_SECTION(self)
  figures = (cache_figures_t){.hits = cache->hits,
                              .weak_hits = cache->weak_hits,
                              .misses = cache->misses,
                              .recent = cache->table.recent_count,
                              .faded = cache->table.faded_count};
  OBJ_END_SECTION
  return figures;
}

/* The references that count are those of the recent; runs while nobody else does, so it needs no section. */
static int traverse(obj_t *self, obj_visit_fn visit, void *user) {
  ring_t *head = &cache_of(self)->table.recent;
  for (ring_t *place = head->after; place && place != head; place = place->after) {
    int answer = visit(((entry_t *)place)->value, user);
    if (answer != 0) return answer;
  }
  return 0;
}

/* Nobody reaches the cache any more but the values, whose destructors find it empty: so it needs no section either. */
static void clear(obj_t *self) {
  remains_t remains = {.entries = table_remove_all(&cache_of(self)->table)};
  table_end(&cache_of(self)->table);
  drop(&remains);
}

int cache_type_new(obj_type_t **out) {
  const obj_type_config_t config = {
      .struct_size = sizeof config,
      .name = "cache",
      .payload_size = sizeof(cache_t),
      .traverse = traverse,
      .clear = clear,
  };
  return obj_type_new(&config, out);
}

int cache_new(obj_type_t *type, size_t capacity, obj_t **out) {
  obj_t *self;
  int status = obj_new(type, 0, &self);
  if (status != GILRT_OK) return status;
  cache_of(self)->capacity = capacity > 0 ? capacity : 1;
  if (!table_begin(&cache_of(self)->table)) {
    obj_decref(self);
    return GILRT_ERR_NOMEM;
  }
  *out = self;
  return GILRT_OK;
}
