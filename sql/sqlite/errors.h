// SQLite's result codes as DbError: the one place that knows what each code means for the caller and for the connection.
// It is not told what ran: that a COMMIT's or an autocommitted write's I/O error leaves the outcome unknown is for the
// connection to say. Called by everything in this folder that calls SQLite.
#pragma once

#include <string_view>

#include "sql/exec/db_error.h"

namespace sql::sqlite {

// `extended_code` is neither SQLITE_OK, SQLITE_ROW nor SQLITE_DONE; `message` is sqlite3_errmsg's, taken before any reset.
// A unique violation names its columns ("users.email, users.org"), for SQLite does not tell the constraint's name; a foreign
// key violation names nothing. Never puts SQL text into `constraint` or `column`.
[[nodiscard]] exec::DbError classify(int extended_code, std::string_view message);

// True for the errors after which SQLite cannot say whether a COMMIT reached the disk.
[[nodiscard]] bool leaves_commit_in_doubt(int extended_code);

}  // namespace sql::sqlite
