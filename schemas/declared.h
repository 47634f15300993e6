// A declared type as a database prints it, taken apart: name, arguments, unsigned or not; and the two readings of it.
// Private to schemas; called by build.cpp. Pure, and never fails: what is not understood is TypeClass::unsupported.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/build.h"
#include "schemas/type.h"

namespace schemas {

struct Declared {
    std::string name;                    // lower case, words joined by one space, without unsigned, signed and zerofill
    std::vector<std::string> arguments;  // between the parentheses; quoted ones unquoted
    bool is_unsigned = false;            // zerofill implies it
    bool has_modifier = false;           // unsigned, signed or zerofill was written

    // The argument as a number; nothing when there is none, or it is not a plain number of at most nine digits.
    [[nodiscard]] std::optional<unsigned> number(std::size_t index) const;
    [[nodiscard]] bool has_numbers_only() const;
};

// Nothing when parentheses or quotes do not match. A comment (MariaDB prints some) is passed over.
[[nodiscard]] std::optional<Declared> parse_declared(std::string_view text);

[[nodiscard]] std::string to_lower(std::string_view text);

// The smallest and most common checks of both readings. False when the database could not have declared it so.
[[nodiscard]] bool set_precision(Type& type, std::optional<unsigned> precision, std::optional<unsigned> scale);
[[nodiscard]] bool set_fraction_digits(Type& type, unsigned fraction_digits);
[[nodiscard]] bool set_bits(Type& type, unsigned bits);

[[nodiscard]] Type mysql_type(const RawColumn& column);
[[nodiscard]] Type sqlite_type(const RawColumn& column);

}  // namespace schemas
