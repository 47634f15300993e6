// The tables that the golden cases talk about, as each database would introspect them: `everything` has a column of each type
// class, named after it; `users` is the demo's table. No database is asked. Called by golden only.
#pragma once

#include <string_view>

#include "schemas/build.h"
#include "schemas/catalog.h"

namespace golden {

// Null when the fixture has no such table.
[[nodiscard]] schemas::TablePtr find_table(schemas::Family family, std::string_view name);

}  // namespace golden
