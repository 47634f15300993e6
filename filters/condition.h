// One condition's value: `operator.rest` to operator and literals. The column's name was read before.
// Private to filters/; called by parse.cpp alone.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "filters/ast.h"
#include "filters/lexer.h"
#include "filters/parse.h"

namespace filters {

// Fills op, is_negated and values of `condition`. `name` is the name as sent, for messages.
// Fails with operator_unknown (at the value's first byte), value_invalid or limit_exceeded.
[[nodiscard]] tl::expected<void, ParseError> parse_condition(Condition& condition, const Text& name, const Text& value,
                                                             const Limits& limits);

// The items from the cursor to the end, separated by commas, quoted or not, appended to `items`. `name` is what the message of
// limit_exceeded calls them, "list items". Fails with the cursor's fault or limit_exceeded.
[[nodiscard]] tl::expected<void, ParseError> parse_items(std::vector<Literal>& items, Cursor cursor, std::size_t items_max,
                                                         std::string_view name);

}  // namespace filters
