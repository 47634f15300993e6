// Which foreign keys of an SQLite file point at a table, and which triggers it has. Always all of them: a file hides nothing.
// All is of one snapshot only inside a transaction. Private to this folder; called by Connection.
#pragma once

#include <optional>
#include <string_view>

#include "schemas/reference.h"
#include "sql/sqlite/session.h"

namespace sql::sqlite {

// `REFERENCES t` without columns means t's primary key, and is given as such. Names are compared as SQLite does and spelled as the
// tables have them. A view has none.
[[nodiscard]] exec::DbResult<schemas::References> referencing(Session& session, std::string_view table, exec::Deadline deadline);

// What a CREATE TRIGGER statement says, as sqlite_schema keeps it; the name is left empty. Nothing when it is none.
[[nodiscard]] std::optional<schemas::Trigger> read_trigger(std::string_view definition);

}  // namespace sql::sqlite
