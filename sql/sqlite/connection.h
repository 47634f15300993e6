// SQLite behind exec::Connection: one handle a connection, many readers that cannot write and one writer.
// Opens only files that exist, and refuses to work on a file that was deleted or replaced since. Called by sql/backends.
#pragma once

#include <memory>

#include "sql/backends.h"
#include "sql/exec/database.h"

namespace sql::sqlite {

// Does not connect. Readers: `connections_max`; writer: one. The file is put into WAL mode by the writer where file system and
// permissions allow it.
[[nodiscard]] std::unique_ptr<exec::Database> open(const SqliteSettings& settings, const CommonSettings& common);

}  // namespace sql::sqlite
