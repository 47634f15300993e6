// What an SQLite file says about its tables, as raw rows for schemas::build. System tables (names that begin with sqlite_),
// virtual tables with their shadow tables, and views that do not work are no tables here. Tables that swallow conflicts
// (ON CONFLICT REPLACE, IGNORE) are given as views, so that nobody writes them. Private to this folder; called by Connection.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/build.h"
#include "sql/sqlite/session.h"

namespace sql::sqlite {

[[nodiscard]] exec::DbResult<std::vector<schemas::TableName>> list_tables(Session& session, exec::Deadline deadline);

// The table of exactly this name, byte for byte; nothing when there is none. All that it says is of one snapshot: it takes a read
// transaction of its own unless one is open.
[[nodiscard]] exec::DbResult<std::optional<schemas::RawTable>> introspect(Session& session, std::string_view table,
                                                                          exec::Deadline deadline);

// PRAGMA schema_version, which counts every change of any definition, and the file it is of.
[[nodiscard]] exec::DbResult<std::string> version_token(Session& session, exec::Deadline deadline);

// Whether there is a table or view of exactly this name. Says nothing of whether it can be used.
[[nodiscard]] exec::DbResult<bool> exists(Session& session, std::string_view table, exec::Deadline deadline);

}  // namespace sql::sqlite
