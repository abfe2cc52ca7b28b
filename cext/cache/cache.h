/*
 * A cache: an object that finds objects by key. It keeps those that were used last alive; the others it finds for as long as
 * somebody else does. Any threads of its interpreter may call these functions at the same time, with or without a lock that
 * excludes them, attached and holding a reference to the cache.
 */
#ifndef CACHE_H
#define CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gilrt.h>

typedef struct cache_figures {
  uint64_t hits;        /* found among those that the cache keeps alive */
  uint64_t weak_hits;   /* found although only others kept it alive */
  uint64_t misses;
  size_t recent, faded; /* entries with a reference and without one */
} cache_figures_t;

int cache_type_new(obj_type_t **out);
int cache_new(obj_type_t *type, size_t capacity, obj_t **out); /* keeps `capacity` values alive, at least one */

obj_t *cache_get(obj_t *self, uint64_t key); /* a new reference, or NULL */
/* In place of the value that the key has had. The caller keeps his reference. GILRT_ERR_NOMEM, or why the value can have no
   weak reference; GILRT_ERR_CLOSED if the cache is garbage that has been cleared. */
int cache_put(obj_t *self, uint64_t key, obj_t *value);
bool cache_evict(obj_t *self, uint64_t key);  /* false: there was no entry */
void cache_forget(obj_t *self, uint64_t key); /* the entry goes if its value is dead: for the destructors of values */
void cache_empty(obj_t *self);
cache_figures_t cache_figures(obj_t *self);

#endif
