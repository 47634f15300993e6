// Literals of dates and times: strict ISO 8601 as the contract allows it, real calendar days, and the form that is bound.
// Private to schemas; called by value.cpp alone. Pure: no clock and no time zone database.
#pragma once

#include <string_view>

#include "schemas/literal.h"

namespace schemas {

[[nodiscard]] ReadResult read_date(std::string_view text, const Type& type);
// datetime and timestamp.
[[nodiscard]] ReadResult read_datetime(std::string_view text, const Type& type, Purpose purpose);
[[nodiscard]] ReadResult read_time(std::string_view text, const Type& type, Purpose purpose);

}  // namespace schemas
