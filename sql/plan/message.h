// The sentences that bind_query and bind_body share: how a client's text is quoted, how an unknown column is reported.
// Pure. Private to this folder.
#pragma once

#include <string>
#include <string_view>

#include "schemas/catalog.h"
#include "sql/plan/error.h"
#include "sql/plan/sight.h"

namespace sql::plan {

// `text` in single quotes, cut with an ellipsis after 40 characters; `text` is valid UTF-8.
[[nodiscard]] std::string quoted(std::string_view text);

// What a message calls the type: as declared, but "json" where the database says longtext, and never empty.
[[nodiscard]] std::string type_name(const schemas::Type& type);

// "did you mean 'x'?", or empty when no column is near.
[[nodiscard]] std::string nearest_hint(const schemas::Table& table, std::string_view column, const Hidden& hidden);

// column_unknown for a name in the request target.
[[nodiscard]] PlanError column_unknown(const schemas::Table& table, std::string_view column, filters::Position position,
                                       const Hidden& hidden);

}  // namespace sql::plan
