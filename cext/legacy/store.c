#define _POSIX_C_SOURCE 200809L

#include "store.h"

#include <stdlib.h>
#include <sys/stat.h>

/* Another process that inserts into the file is waited for so long: workers that are processes take turns. */
#define PATIENCE_MS 5000

static int fail(const store_t *store, const char *what, failure_t *failure) {
  int code = sqlite3_errcode(store->db);
  int status = code == SQLITE_NOMEM ? GILRT_ERR_NOMEM : code == SQLITE_BUSY ? GILRT_ERR_BUSY : GILRT_ERR_INVALID;
  return failure_set(failure, status, "cannot %s %s: %s", what, store->path, sqlite3_errmsg(store->db));
}

static int execute(store_t *store, const char *sql, const char *what, failure_t *failure) {
  return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ? GILRT_OK : fail(store, what, failure);
}

static bool prepare(store_t *store, const char *sql, sqlite3_stmt **statement) {
  return sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) == SQLITE_OK;
}

/* Resets a statement that has answered what was wanted, or has failed. */
static int finish(store_t *store, sqlite3_stmt *statement, bool answered, const char *what, failure_t *failure) {
  int status = answered ? GILRT_OK : fail(store, what, failure);
  sqlite3_reset(statement);
  return status;
}

/* SQLite would take a device for a database, and write a journal beside it. */
static int refuse_devices(const char *path, failure_t *failure) {
  struct stat found;
  if (!path || stat(path, &found) != 0 || S_ISREG(found.st_mode)) return GILRT_OK;
  return failure_set(failure, GILRT_ERR_INVALID, "cannot open %s: it is not a regular file", path);
}

int store_open(store_t *store, const char *path, failure_t *failure) {
  *store = (store_t){.path = strdup(path ? path : "the database in memory")};
  if (!store->path) return failure_set(failure, GILRT_ERR_NOMEM, "not enough memory for a file name");
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, status = refuse_devices(path, failure);
  /* A database that cannot be opened is one that can be asked why, and is to be closed, unless memory was short. */
  if (status == GILRT_OK && sqlite3_open_v2(path ? path : ":memory:", &store->db, flags, NULL) != SQLITE_OK)
    status = fail(store, "open", failure);
  if (status == GILRT_OK) sqlite3_busy_timeout(store->db, PATIENCE_MS);
  if (status == GILRT_OK)
    status = execute(store,
                     "CREATE TABLE IF NOT EXISTS entries (place INTEGER PRIMARY KEY, run INTEGER NOT NULL,"
                     " thread INTEGER NOT NULL, number INTEGER NOT NULL, value INTEGER NOT NULL)",
                     "use", failure);
  if (status == GILRT_OK &&
      !(prepare(store, "INSERT INTO entries (run, thread, number, value) VALUES (?1, ?2, ?3, ?4)", &store->insert) &&
        prepare(store, "SELECT thread, number, value FROM entries WHERE place = ?1", &store->find) &&
        prepare(store, "SELECT count(*), coalesce(sum(value), 0) FROM entries WHERE run = ?1", &store->sum)))
    status = fail(store, "use", failure);
  if (status != GILRT_OK) store_close(store);
  return status;
}

void store_close(store_t *store) {
  sqlite3_finalize(store->insert);
  sqlite3_finalize(store->find);
  sqlite3_finalize(store->sum);
  sqlite3_close(store->db);
  free(store->path);
  *store = (store_t){.path = NULL};
}

int store_begin(store_t *store, failure_t *failure) { return execute(store, "BEGIN IMMEDIATE", "write to", failure); }

int store_commit(store_t *store, failure_t *failure) { return execute(store, "COMMIT", "write to", failure); }

/* Some errors have undone everything already; then there is nothing to do. */
void store_undo(store_t *store) {
  if (!sqlite3_get_autocommit(store->db)) sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

static int one_number(store_t *store, const char *sql, int64_t *number, failure_t *failure) {
  sqlite3_stmt *statement = NULL;
  bool answered = prepare(store, sql, &statement) && sqlite3_step(statement) == SQLITE_ROW;
  if (answered) *number = sqlite3_column_int64(statement, 0);
  int status = finish(store, statement, answered, "read", failure);
  sqlite3_finalize(statement);
  return status;
}

int store_new_run(store_t *store, int64_t *run, failure_t *failure) {
  return one_number(store, "SELECT coalesce(max(run), 0) + 1 FROM entries", run, failure);
}

int64_t store_value(uint32_t thread, uint64_t number) {
  uint64_t mixed = (number + ((uint64_t)thread << 40) + 1) * UINT64_C(0x9e3779b97f4a7c15);
  return (int64_t)(mixed >> 33);
}

int store_insert(store_t *store, int64_t run, uint32_t thread, uint64_t number, failure_t *failure) {
  sqlite3_bind_int64(store->insert, 1, run);
  sqlite3_bind_int64(store->insert, 2, thread);
  sqlite3_bind_int64(store->insert, 3, (int64_t)number);
  sqlite3_bind_int64(store->insert, 4, store_value(thread, number));
  return finish(store, store->insert, sqlite3_step(store->insert) == SQLITE_DONE, "write to", failure);
}

int store_find(store_t *store, int64_t place, bool *sound, failure_t *failure) {
  sqlite3_bind_int64(store->find, 1, place);
  int answer = sqlite3_step(store->find);
  *sound = answer == SQLITE_ROW &&
           sqlite3_column_int64(store->find, 2) == store_value((uint32_t)sqlite3_column_int64(store->find, 0),
                                                               (uint64_t)sqlite3_column_int64(store->find, 1));
  return finish(store, store->find, answer == SQLITE_ROW || answer == SQLITE_DONE, "read", failure);
}

int store_sum(store_t *store, int64_t run, int64_t *entries, int64_t *sum, failure_t *failure) {
  sqlite3_bind_int64(store->sum, 1, run);
  bool answered = sqlite3_step(store->sum) == SQLITE_ROW;
  if (answered) {
    *entries = sqlite3_column_int64(store->sum, 0);
    *sum = sqlite3_column_int64(store->sum, 1);
  }
  return finish(store, store->sum, answered, "read", failure);
}

int store_check(store_t *store, failure_t *failure) {
  sqlite3_stmt *statement = NULL;
  bool answered = prepare(store, "PRAGMA integrity_check(1)", &statement) && sqlite3_step(statement) == SQLITE_ROW;
  int status = answered ? GILRT_OK : fail(store, "read", failure);
  const char *found = answered ? (const char *)sqlite3_column_text(statement, 0) : "ok";
  if (found && strcmp(found, "ok") != 0)
    status = failure_set(failure, GILRT_ERR_MODULE, "%s is damaged: %.200s", store->path, found);
  sqlite3_finalize(statement);
  return status;
}
