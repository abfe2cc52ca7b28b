/* The cache's table: entries by key, and in two orders. It knows nothing of threads; whoever calls has it to himself. Nothing
   here drops a reference: what leaves the table belongs to the caller. */
#ifndef TABLE_H
#define TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gilrt.h>

typedef struct ring {
  struct ring *before, *after;
} ring_t;

typedef struct entry {
  ring_t place;       /* first, so that a place is its entry: among the recent or the faded */
  struct entry *next; /* in its bucket, or in a list of those that have left */
  uint64_t key;
  obj_t *value;     /* a reference; NULL once the entry has faded */
  obj_weak_t *weak; /* finds the value of a faded entry for as long as somebody else keeps it alive */
} entry_t;

typedef struct table {
  entry_t **buckets;
  size_t bucket_count; /* a power of two, or 0 after table_end */
  size_t recent_count, faded_count;
  ring_t recent, faded; /* the last to come is behind the head, the first before it */
} table_t;

bool table_begin(table_t *table); /* false: there is no memory */
void table_end(table_t *table);   /* of a table that is empty */

entry_t *table_find(const table_t *table, uint64_t key); /* or NULL */
void table_insert(table_t *table, entry_t *entry);       /* with a value: among the recent */
void table_remove(table_t *table, entry_t *entry);
entry_t *table_remove_all(table_t *table); /* a list */

/* Makes it the last to come: with a value among the recent, with NULL among the faded. The value that it had is the caller's. */
void table_move(table_t *table, entry_t *entry, obj_t *value);

entry_t *table_oldest_recent(const table_t *table); /* or NULL */
entry_t *table_oldest_faded(const table_t *table);  /* or NULL */

#endif
