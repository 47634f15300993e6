#include "sql/sqlite/functions.h"

#include <sqlite3.h>

#include "sql/sqlite/digest_functions.h"

namespace sql::sqlite {
namespace {

void float32(sqlite3_context* context, int, sqlite3_value** values) {
    switch (sqlite3_value_type(values[0])) {
        case SQLITE_INTEGER:
            // Straight from the integer: by way of a double it would be rounded twice.
            sqlite3_result_double(context, static_cast<double>(static_cast<float>(sqlite3_value_int64(values[0]))));
            return;
        case SQLITE_FLOAT:
            sqlite3_result_double(context, static_cast<double>(static_cast<float>(sqlite3_value_double(values[0]))));
            return;
        default:  // SQLite's codes, not an enum of ours
            sqlite3_result_null(context);
            return;
    }
}

void time_microseconds(sqlite3_context* context, int, sqlite3_value** values) {
    if (sqlite3_value_type(values[0]) == SQLITE_TEXT) {
        const auto* bytes = static_cast<const char*>(static_cast<const void*>(sqlite3_value_text(values[0])));
        const auto size = static_cast<std::size_t>(sqlite3_value_bytes(values[0]));
        if (bytes == nullptr && size > 0) {
            sqlite3_result_error_nomem(context);
            return;
        }
        if (const auto microseconds = parse_time(std::string_view(bytes, size))) {
            sqlite3_result_int64(context, *microseconds);
            return;
        }
    }
    sqlite3_result_null(context);
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// `:MM` or `:SS` at the front of `text`, which it eats.
std::optional<std::int64_t> take_sixtieth(std::string_view& text) {
    if (text.size() < 3 || text[0] != ':' || text[1] < '0' || text[1] > '5' || !is_digit(text[2])) {
        return std::nullopt;
    }
    const std::int64_t value = (text[1] - '0') * 10 + (text[2] - '0');
    text.remove_prefix(3);
    return value;
}

}  // namespace

std::optional<std::int64_t> parse_time(std::string_view text) {
    const bool is_negative = text.starts_with('-');
    if (is_negative) {
        text.remove_prefix(1);
    }
    std::int64_t hours = 0;
    std::size_t digits = 0;
    while (digits < text.size() && is_digit(text[digits])) {
        if (digits == 9) {
            return std::nullopt;
        }
        hours = hours * 10 + (text[digits] - '0');
        ++digits;
    }
    if (digits < 2) {
        return std::nullopt;
    }
    text.remove_prefix(digits);
    const auto minutes = take_sixtieth(text);
    const auto seconds = minutes ? take_sixtieth(text) : std::nullopt;
    if (!seconds) {
        return std::nullopt;
    }
    std::int64_t fraction = 0;
    if (!text.empty()) {
        if (text[0] != '.' || text.size() < 2 || text.size() > 7) {
            return std::nullopt;
        }
        text.remove_prefix(1);
        for (std::size_t i = 0; i < 6; ++i) {
            if (i < text.size() && !is_digit(text[i])) {
                return std::nullopt;
            }
            fraction = fraction * 10 + (i < text.size() ? text[i] - '0' : 0);
        }
    }
    const std::int64_t microseconds = ((hours * 60 + *minutes) * 60 + *seconds) * 1'000'000 + fraction;
    return is_negative ? -microseconds : microseconds;
}

int register_functions(sqlite3* database) {
    constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    const int code =
        sqlite3_create_function_v2(database, "rowgate_float32", 1, kFlags, nullptr, float32, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) {
        return code;
    }
    const int time_code =
        sqlite3_create_function_v2(database, "rowgate_time", 1, kFlags, nullptr, time_microseconds, nullptr, nullptr, nullptr);
    return time_code != SQLITE_OK ? time_code : register_digest_functions(database);
}

}  // namespace sql::sqlite
