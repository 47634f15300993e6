// Which JSON a column takes: in a row, and in a key that a body names. It does not read the value; schemas::read_literal does.
// Pure. Private to this folder.
#pragma once

#include <string_view>

#include "schemas/type.h"
#include "sql/plan/asks.h"

namespace sql::plan {

// "a number", for messages.
[[nodiscard]] std::string_view name_of(JsonKind kind);

// A column takes its own JSON type, or a string; a JSON column takes all.
[[nodiscard]] bool takes(const schemas::Type& type, JsonKind kind);

}  // namespace sql::plan
