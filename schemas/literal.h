// What the readers of literals share: how one of them refuses, and how ASCII is classified without a locale.
// Private to schemas; callers outside use value.h.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "schemas/type.h"
#include "schemas/value.h"

namespace schemas {

using ReadResult = tl::expected<Reading, LiteralError>;

// `detail` is a predicate: it reads well after a column name and the value, and never holds the value.
[[nodiscard]] inline tl::unexpected<LiteralError> refuse(const Type& type, std::string detail) {
    return tl::make_unexpected(LiteralError{std::move(detail), describe_literal(type)});
}

[[nodiscard]] inline Reading exactly(Value value) {
    return Reading{std::move(value), Fit::exact};
}

[[nodiscard]] constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

[[nodiscard]] constexpr bool is_all_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

// The value of a hex digit in either case, -1 for any other character.
[[nodiscard]] constexpr int hex_value(char c) {
    if (is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace schemas
