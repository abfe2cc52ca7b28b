/*
 * A database of entries, whose values follow from who inserted them, so that each can be checked. SQLite has no locks here:
 * each function is called with the lock held, and keeps it until all statements are over.
 */
#ifndef LEGACY_STORE_H
#define LEGACY_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "failure.h"

typedef struct store {
  char *path; /* for messages; owned */
  sqlite3 *db;
  sqlite3_stmt *insert, *find, *sum; /* shared by all threads: nobody leaves one half executed */
} store_t;

/* Opens or creates a database; NULL for one in memory. On failure nothing stays open. */
int store_open(store_t *store, const char *path, failure_t *failure);

/* The transaction must be over. */
void store_close(store_t *store);

/* What is inserted from here on is there for good after `store_commit`, and is gone after `store_undo`. */
int store_begin(store_t *store, failure_t *failure);
int store_commit(store_t *store, failure_t *failure);
void store_undo(store_t *store);

/* A number that no run in this database has yet. */
int store_new_run(store_t *store, int64_t *run, failure_t *failure);

/* The value of a thread's entry; below 2^31, so that no sum overflows. */
int64_t store_value(uint32_t thread, uint64_t number);

/* Inserts entry `number` of a thread. */
int store_insert(store_t *store, int64_t run, uint32_t thread, uint64_t number, failure_t *failure);

/* Looks up an entry, by its place from 1 on. `*sound` says whether it is there and has the value that it must have. */
int store_find(store_t *store, int64_t place, bool *sound, failure_t *failure);

/* How many entries there are of a run, and the sum of their values. */
int store_sum(store_t *store, int64_t run, int64_t *entries, int64_t *sum, failure_t *failure);

/* Whether SQLite finds the database damaged. */
int store_check(store_t *store, failure_t *failure);

#endif
