#pragma once
#include <sqlite3.h>

/// SQLITE_TRANSIENT is a cast that Swift does not import: SQLite copies the bytes before the call returns.
static inline sqlite3_destructor_type unlearn_sqlite_transient(void) { return SQLITE_TRANSIENT; }

// A code made by a shift, which Swift does not import either.
#undef SQLITE_CONSTRAINT_PRIMARYKEY
static const int SQLITE_CONSTRAINT_PRIMARYKEY = SQLITE_CONSTRAINT | (6 << 8);
