// Which foreign keys point at a table, and which triggers it has, by what MariaDB and MySQL tell our account.
// Knows no driver: it asks through functions, as introspect does. Called by sql/mysql/session.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "schemas/ident.h"
#include "schemas/reference.h"
#include "sql/mysql/introspect.h"

namespace sql::mysql {

// Runs a statement without values, as text.
using Run = std::function<exec::DbResult<void>(const render::Statement&)>;

// With the privilege PROCESS InnoDB's own list is read: complete, children in other databases and hidden ones included, 1 ms where
// there are 3,000 foreign keys. Without it the server opens every table of our database (27 ms for 2,000), and the answer is
// never known to be complete.
[[nodiscard]] exec::DbResult<schemas::References> referencing(const Select& select, Server server, std::string_view table);

// MariaDB opens, and locks the definition of, each table that ON DELETE CASCADE or SET NULL may reach before a DELETE begins, whatever
// our account may see; the session counts tables that it opens. So a DELETE of no row tells how many there are. Those that RESTRICT
// a delete are not among them. Nothing when our account may not delete, or the count does not settle.
[[nodiscard]] exec::DbResult<std::optional<std::size_t>> tables_of_delete(const Select& select, const Run& run,
                                                                          const schemas::Ident& table);

}  // namespace sql::mysql
