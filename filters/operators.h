// The thirteen operators and what a client may have meant by a word that is none of them.
// Private to filters/; `name_of` and `operator_list` of parse.h are defined here too.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "filters/ast.h"
#include "filters/lexer.h"

namespace filters {

// The operator of that name, case-sensitive; `not` is none.
[[nodiscard]] std::optional<Operator> find_operator(std::string_view name);

// What to write instead of `name=value`, whose value names no operator; keeps the client's own spelling. Never empty.
[[nodiscard]] std::string operator_hint(const Text& name, const Text& value);

// What to write instead of bounds that are not exactly two; shows the client's own numbers where they allow it. Never empty.
[[nodiscard]] std::string bounds_hint(const Text& name, std::string_view bounds);

// `name=` as the client wrote it, or encoded where that would not be readable text.
[[nodiscard]] std::string name_as_sent(const Text& name);
// The raw text if it is short and readable, else a stand-in in capitals.
[[nodiscard]] std::string value_as_sent(std::string_view raw);

// At most 64 bytes of `text`, cut between characters: for messages.
[[nodiscard]] std::string shorten(std::string_view text);

}  // namespace filters
