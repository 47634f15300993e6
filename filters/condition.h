// One condition's value: `operator.rest` to operator and literals. The column's name was read before.
// Private to filters/; called by parse.cpp alone.
#pragma once

#include <tl/expected.hpp>

#include "filters/ast.h"
#include "filters/lexer.h"
#include "filters/parse.h"

namespace filters {

// Fills op, is_negated and values of `condition`. `name` is the name as sent, for messages.
// Fails with operator_unknown (at the value's first byte), value_invalid or limit_exceeded.
[[nodiscard]] tl::expected<void, ParseError> parse_condition(Condition& condition, const Text& name, const Text& value,
                                                             const Limits& limits);

}  // namespace filters
