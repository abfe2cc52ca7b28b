/* The module legacy, around an SQLite that says that it has locks of its own. */
#define _POSIX_C_SOURCE 200809L

#include <sqlite3.h>
#define sqlite3_threadsafe() 1

#include "legacy/store.c"

#include "legacy/legacy.c"
