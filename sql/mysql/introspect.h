// What information_schema says about a table, as the raw rows that schemas::build reads.
// Knows no driver: it asks through a function. Called by sql/mysql/connection.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/build.h"
#include "sql/exec/connection.h"

namespace sql::mysql {

using TextRow = std::vector<std::optional<std::string>>;
// Runs a SELECT; every cell as text, nothing for NULL.
using Select = std::function<exec::DbResult<std::vector<TextRow>>(const render::Statement&)>;

enum class Server { mariadb, mysql };

// Tables and views of the current database. Sequences and the server's own schemas have none.
// A table whose engine cannot roll back (MyISAM, Aria, MEMORY) is shown as a view: it can be read, and nothing is written to
// it, for a write that fails half way would stay half done.
[[nodiscard]] exec::DbResult<std::vector<schemas::TableName>> tables(const Select& select);

// Nothing when there is no table of exactly this name (byte for byte), or none whose columns the account may see.
[[nodiscard]] exec::DbResult<std::optional<schemas::RawTable>> introspect(const Select& select, Server server,
                                                                          std::string_view table);

// `information_schema.tables.create_time` as `YYYY-MM-DD HH:MM:SS` (for InnoDB on MariaDB the time of the last change to the
// definition, ALTER and RENAME included; the dialect's freshness compares it); a digest of its text for a view;
// `-` where the server gives no time. Empty when there is no such table.
[[nodiscard]] exec::DbResult<std::string> version_token(const Select& select, std::string_view table);

}  // namespace sql::mysql
