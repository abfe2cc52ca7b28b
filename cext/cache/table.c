#include "table.h"

#include <stdlib.h>

#define FIRST_BUCKETS 64u

static void ring_begin(ring_t *head) { head->before = head->after = head; }

static void ring_leave(ring_t *place) {
  place->before->after = place->after;
  place->after->before = place->before;
}

static void ring_enter(ring_t *head, ring_t *place) {
  place->before = head;
  place->after = head->after;
  place->after->before = place;
  head->after = place;
}

static entry_t *ring_oldest(const ring_t *head) { return head->before == head ? NULL : (entry_t *)head->before; }

/* Keys are often numbers in a row: Fibonacci hashing spreads them, and its high bits are the good ones. */
static entry_t **bucket_of(entry_t **buckets, size_t count, uint64_t key) {
  return &buckets[(size_t)((key * 11400714819323198485u) >> 32) & (count - 1)];
}

bool table_begin(table_t *table) {
  ring_begin(&table->recent);
  ring_begin(&table->faded);
  table->buckets = calloc(FIRST_BUCKETS, sizeof *table->buckets);
  table->bucket_count = table->buckets ? FIRST_BUCKETS : 0;
  return table->buckets != NULL;
}

void table_end(table_t *table) {
  free(table->buckets);
  table->buckets = NULL;
  table->bucket_count = 0;
}

entry_t *table_find(const table_t *table, uint64_t key) {
  if (table->bucket_count == 0) return NULL;
  entry_t *entry = *bucket_of(table->buckets, table->bucket_count, key);
  while (entry && entry->key != key) entry = entry->next;
  return entry;
}

/* Without memory for more buckets the table goes on with those that it has, only slower. */
static void grow(table_t *table) {
  if (table->recent_count + table->faded_count < table->bucket_count) return;
  size_t count = table->bucket_count * 2;
  entry_t **buckets = calloc(count, sizeof *buckets);
  if (!buckets) return;
  for (size_t i = 0; i < table->bucket_count; i++) {
    for (entry_t *entry = table->buckets[i], *next; entry; entry = next) {
      next = entry->next;
      entry_t **bucket = bucket_of(buckets, count, entry->key);
      entry->next = *bucket;
      *bucket = entry;
    }
  }
  free(table->buckets);
  table->buckets = buckets;
  table->bucket_count = count;
}

void table_insert(table_t *table, entry_t *entry) {
  grow(table);
  entry_t **bucket = bucket_of(table->buckets, table->bucket_count, entry->key);
  entry->next = *bucket;
  *bucket = entry;
  ring_enter(&table->recent, &entry->place);
  table->recent_count++;
}

static size_t *count_of(table_t *table, const entry_t *entry) {
  return entry->value ? &table->recent_count : &table->faded_count;
}

void table_remove(table_t *table, entry_t *entry) {
  entry_t **link = bucket_of(table->buckets, table->bucket_count, entry->key);
  while (*link != entry) link = &(*link)->next;
  *link = entry->next;
  ring_leave(&entry->place);
  --*count_of(table, entry);
}

entry_t *table_remove_all(table_t *table) {
  entry_t *all = NULL;
  for (size_t i = 0; i < table->bucket_count; i++) {
    while (table->buckets[i]) {
      entry_t *entry = table->buckets[i];
      table->buckets[i] = entry->next;
      entry->next = all;
      all = entry;
    }
  }
  ring_begin(&table->recent);
  ring_begin(&table->faded);
  table->recent_count = table->faded_count = 0;
  return all;
}

void table_move(table_t *table, entry_t *entry, obj_t *value) {
  ring_leave(&entry->place);
  --*count_of(table, entry);
  entry->value = value;
  ++*count_of(table, entry);
  ring_enter(value ? &table->recent : &table->faded, &entry->place);
}

entry_t *table_oldest_recent(const table_t *table) { return ring_oldest(&table->recent); }

entry_t *table_oldest_faded(const table_t *table) { return ring_oldest(&table->faded); }
