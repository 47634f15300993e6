// The SQL functions that the dialect's text calls: rowgate_float32(x) and rowgate_time(x). Deterministic, without side effects.
// Registered on every handle by Session, with those of digest_functions.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

struct sqlite3;

namespace sql::sqlite {

// rowgate_float32: an INTEGER or REAL rounded to the nearest float, as REAL; NULL for every other storage class.
// rowgate_time: a TEXT that parse_time takes, as INTEGER microseconds; NULL for everything else.
// Answers SQLite's result code.
[[nodiscard]] int register_functions(sqlite3* database);

// `[-]HH:MM:SS[.f]` in microseconds: two to nine digits of hours, one to six of the fraction. Nothing when it is not of that
// form.
[[nodiscard]] std::optional<std::int64_t> parse_time(std::string_view text);

}  // namespace sql::sqlite
