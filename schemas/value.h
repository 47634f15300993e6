// A typed value, and the one reading of a literal's text for a column's type.
// "A value must be of its column's type, checked before any SQL": this file is that check, for filters and for bodies.
// Pure; no SQL, no HTTP. Called by sql/plan/bind.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include <tl/expected.hpp>

#include "schemas/type.h"

namespace schemas {

struct Null {
    friend bool operator==(const Null&, const Null&) { return true; }
};
struct Text {  // UTF-8; also dates, decimals and all else that travels as text
    std::string text;
    friend bool operator==(const Text&, const Text&) = default;
};
struct Bytes {
    std::string bytes;
    friend bool operator==(const Bytes&, const Bytes&) = default;
};

// What is bound to a placeholder. Which alternative a type class takes:
//   integer boolean bit year: int64 or uint64 (uint64 only above INT64_MAX)
//   decimal: Text in plain notation, exact digits, no exponent, no leading `+`, no superfluous zeros before the point
//            (Storage::sqlite: int64 when integral, else double)
//   float32 float64: double (float32: the nearest float, widened)
//   date: Text YYYY-MM-DD; datetime, timestamp: Text `YYYY-MM-DD HH:MM:SS` with `.ffffff` (six digits) only when not zero
//   time: Text `[-]HH:MM:SS[.ffffff]`, at least two digits of hours (Storage::sqlite: int64 microseconds in comparisons only,
//         see Purpose)
//   uuid: Text lower case; inet4 inet6: Text canonical; enumeration: Text; set: Text, members in declared order, comma separated
//   text: Text; binary geometry: Bytes; json: Text
using Value = std::variant<Null, std::int64_t, std::uint64_t, double, Text, Bytes>;

enum class Purpose { comparison, storage };

// Where the literal lies among the values that the column can hold.
enum class Fit {
    exact,    // the value is the literal
    between,  // no column value equals it; `value` is the greatest column value below it
    above,    // every column value is less; `value` is the greatest the column can hold
    below,    // every column value is greater; `value` is the least the column can hold
    foreign,  // text that the column's character set cannot hold: equals nothing, has no order
};

struct Reading {
    Value value;
    Fit fit = Fit::exact;
};

struct LiteralError {
    std::string detail;  // a predicate, without the value: "is not an integer", "is outside -128 to 127"
    std::string hint;    // how a value of this type is written: describe_literal
};

// Reads `text` as a value of `type`. Fails when it is not of the type, or (integers, years, times) outside its range.
// Purpose::comparison may answer any Fit. Purpose::storage answers only Fit::exact: what would be rounded, cut, padded or
// does not fit the character set is an error too.
// json, geometry, unsupported: an error for Purpose::comparison. json for storage: `text` must be JSON already checked by the caller.
// Text that is not ASCII, against a character set that nothing is known about, is an error for both.
[[nodiscard]] tl::expected<Reading, LiteralError> read_literal(std::string_view text, const Type& type, Purpose purpose);

// How a literal of this type is written, for hints: "a value of int(11) is an integer from -2147483648 to 2147483647".
[[nodiscard]] std::string describe_literal(const Type& type);

// True when every character of `text` (UTF-8) exists in `charset` (a MariaDB name). Unknown character sets hold ASCII only.
[[nodiscard]] bool charset_holds(std::string_view charset, std::string_view text);

}  // namespace schemas
