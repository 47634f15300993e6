// Literals of the numeric type classes: grammar first, then the range, then the exact value. Nothing here rounds silently.
// Private to schemas; called by value.cpp alone. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "schemas/literal.h"

namespace schemas {

struct IntegerRange {
    std::int64_t lowest = 0;
    std::uint64_t greatest = 0;
};

// The range of an integer, bit or year column as declared, whatever its storage.
[[nodiscard]] IntegerRange integer_range(const Type& type);

// integer, bit and year.
[[nodiscard]] ReadResult read_integer(std::string_view text, const Type& type, Purpose purpose);
[[nodiscard]] ReadResult read_decimal(std::string_view text, const Type& type, Purpose purpose);
// float32 and float64.
[[nodiscard]] ReadResult read_float(std::string_view text, const Type& type, Purpose purpose);

}  // namespace schemas
