// Tree back to canonical query text: the same rows always print the same. `parse(print(q))` equals q but for positions.
// Used by the round-trip tests, hints and (later) cache keys and the audit log.
#pragma once

#include <string>
#include <string_view>

#include "filters/ast.h"

namespace filters {

[[nodiscard]] std::string print(const Query& query);

// One condition as `column=operator.value`, percent-encoded, for a Location header or a hint.
[[nodiscard]] std::string print(const Condition& condition);

// RFC 3986 percent-encoding of everything but unreserved characters.
[[nodiscard]] std::string percent_encode(std::string_view text);

}  // namespace filters
