// Whether a text is one JSON value (RFC 8259): what a JSON column holds goes into an answer raw only if it is.
// Not a parser and not RapidJSON, which refuses numbers beyond a double's range that are JSON all the same. Called by json.cpp.
#pragma once

#include <string_view>

namespace gateway::respond {

// Any depth, without recursion. UTF-8 is checked too; a NUL or a byte order mark is no JSON.
[[nodiscard]] bool is_json(std::string_view text);

}  // namespace gateway::respond
