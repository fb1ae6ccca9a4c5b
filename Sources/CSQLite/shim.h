#pragma once
#include <sqlite3.h>

/// SQLITE_TRANSIENT is a cast that Swift does not import: SQLite copies the bytes before the call returns.
static inline sqlite3_destructor_type unlearn_sqlite_transient(void) { return SQLITE_TRANSIENT; }

// A code made by a shift, which Swift does not import either.
#undef SQLITE_CONSTRAINT_PRIMARYKEY
static const int SQLITE_CONSTRAINT_PRIMARYKEY = SQLITE_CONSTRAINT | (6 << 8);

// Variadic in C, and so out of Swift's reach: neither triggers nor views that are in the file are run.
static inline int unlearn_sqlite_disable_stored_code(sqlite3 *database) {
    int code = sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, (int *)0);
    return code != SQLITE_OK ? code : sqlite3_db_config(database, SQLITE_DBCONFIG_ENABLE_VIEW, 0, (int *)0);
}

// Variadic, too. The log and its index stay beside the database when the last connection closes: removing them would go by path,
// which may lead elsewhere by then, and would leave what the log held on the drive.
static inline int unlearn_sqlite_keep_log(sqlite3 *database) {
    int keep = 1;
    return sqlite3_file_control(database, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
}
