// Whether a table's definition tells SQLite to swallow conflicts. ON CONFLICT REPLACE deletes other rows and IGNORE drops the new
// one, both without an error, so that one who may only insert could delete. No SQLite call tells, only the definition's text.
// Called by introspect.
#pragma once

#include <string_view>

namespace sql::sqlite {

// `definition` is the CREATE TABLE statement as sqlite_schema keeps it. Words in strings, quoted names and comments do not count.
[[nodiscard]] bool swallows_conflicts(std::string_view definition);

}  // namespace sql::sqlite
