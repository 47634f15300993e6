#include "gateway/respond/json.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "gateway/observe/json_text.h"
#include "gateway/respond/json_check.h"

namespace gateway::respond {
namespace {

using schemas::Type;
using schemas::TypeClass;
using sql::exec::Cell;

template <typename Integer>
void append_integer(std::string& out, Integer value) {
    std::array<char, 24> digits{};
    const auto [end, fault] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
    out.append(digits.data(), end);
}

// False (and nothing appended) for what JSON has no number for.
template <typename Float>
bool append_shortest(std::string& out, Float value) {
    if (!std::isfinite(value)) {
        return false;
    }
    std::array<char, 64> digits{};
    char* const end = fmt::format_to(digits.data(), "{}", value);
    out.append(digits.data(), end);
    return true;
}

void append_real(std::string& out, double value, const Type& type) {
    // A double beyond float's range must not be cast at all.
    const bool is_in_range = std::abs(value) <= double{std::numeric_limits<float>::max()};
    const bool is_float =
        type.type_class == TypeClass::float32 && is_in_range && static_cast<double>(static_cast<float>(value)) == value;
    if (is_float ? append_shortest(out, static_cast<float>(value)) : append_shortest(out, value)) {
        return;
    }
    out += std::isnan(value) ? "\"NaN\"" : value < 0 ? "\"-Infinity\"" : "\"Infinity\"";
}

// Zeros up to the declared scale behind the decimal digits that begin at `begin` of `out`.
void pad_to_scale(std::string& out, std::size_t begin, unsigned scale) {
    const std::size_t point = out.find('.', begin);
    std::size_t digits = 0;
    if (point != std::string::npos) {
        digits = out.size() - point - 1;
    } else if (scale > 0) {
        out += '.';
    }
    if (digits < scale) {
        out.append(scale - digits, '0');
    }
}

// A cell of a decimal column that is a number in the database itself (SQLite): plain digits, never an exponent.
void append_plain_decimal(std::string& out, double value, unsigned scale) {
    const std::size_t begin = out.size();
    // The longest finite double in this form has 309 digits before the point, or 326 characters in all.
    std::array<char, 400> digits{};
    const double unsigned_zero = value == 0 ? 0 : value;
    const auto [end, fault] =
        std::to_chars(digits.data(), digits.data() + digits.size(), unsigned_zero, std::chars_format::fixed);
    out.append(digits.data(), end);
    pad_to_scale(out, begin, scale);
}

// A decimal's text as the database prints it. JSON knows no leading zeros (ZEROFILL); what is no decimal is no number either.
bool append_decimal_text(std::string& out, std::string_view text) {
    const bool is_negative = text.starts_with('-');
    std::string_view digits = text.substr(is_negative ? 1 : 0);
    const std::size_t point = digits.find('.');
    const std::string_view whole = digits.substr(0, point);
    const std::string_view fraction = point == std::string_view::npos ? std::string_view{} : digits.substr(point + 1);
    const auto is_digits = [](std::string_view part) { return part.find_first_not_of("0123456789") == std::string_view::npos; };
    if (whole.empty() || !is_digits(whole) || !is_digits(fraction) || (point != std::string_view::npos && fraction.empty())) {
        return false;
    }
    while (digits.size() > 1 && digits[0] == '0' && digits[1] != '.') {
        digits.remove_prefix(1);
    }
    if (is_negative) {
        out += '-';
    }
    out += digits;
    return true;
}

constexpr std::size_t kMomentSize = 19;  // YYYY-MM-DD HH:MM:SS
constexpr std::size_t kDaySize = 10;

// Exactly `YYYY-MM-DD HH:MM:SS[.f{1,6}]` with a month, a day and a time that exist. Zero dates are none.
bool is_moment(std::string_view text) {
    constexpr std::string_view kShape = "0000-00-00 00:00:00";
    if (text.size() != kMomentSize &&
        (text.size() < kMomentSize + 2 || text.size() > kMomentSize + 7 || text[kMomentSize] != '.')) {
        return false;
    }
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    for (std::size_t i = 0; i < kMomentSize; ++i) {
        if (kShape[i] == '0' ? !is_digit(text[i]) : text[i] != kShape[i]) {
            return false;
        }
    }
    if (text.size() > kMomentSize && !std::all_of(text.begin() + kMomentSize + 1, text.end(), is_digit)) {
        return false;
    }
    const auto two = [text](std::size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
    const int month = two(5);
    const int day = two(8);
    return month >= 1 && month <= 12 && day >= 1 && day <= 31 && two(11) <= 23 && two(14) <= 59 && two(17) <= 59;
}

void append_moment(std::string& out, std::string_view text, const Type& type) {
    if (!is_moment(text)) {
        append_json_string(out, text);
        return;
    }
    out += '"';
    out += text;
    out[out.size() - text.size() + kDaySize] = 'T';
    const std::size_t fraction = text.size() > kMomentSize ? text.size() - kMomentSize - 1 : 0;
    if (fraction < type.fraction_digits) {
        out += fraction == 0 ? "." : "";
        out.append(type.fraction_digits - fraction, '0');
    }
    if (type.type_class == TypeClass::timestamp) {
        out += 'Z';
    }
    out += '"';
}

void append_base64(std::string& out, std::string_view bytes) {
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const auto byte = [bytes](std::size_t i) {
        return i < bytes.size() ? std::uint32_t{static_cast<unsigned char>(bytes[i])} : 0u;
    };
    out.reserve(out.size() + (bytes.size() + 2) / 3 * 4 + 1);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::uint32_t three = byte(i) << 16u | byte(i + 1) << 8u | byte(i + 2);
        out += kAlphabet[three >> 18u];
        out += kAlphabet[three >> 12u & 63u];
        out += i + 1 < bytes.size() ? kAlphabet[three >> 6u & 63u] : '=';
        out += i + 2 < bytes.size() ? kAlphabet[three & 63u] : '=';
    }
}

void append_text(std::string& out, std::string_view text, const Type& type, Numbers numbers) {
    switch (type.type_class) {
        case TypeClass::decimal: {
            const std::size_t begin = out.size();
            const char* quote = numbers == Numbers::string ? "\"" : "";
            out += quote;
            if (type.storage == schemas::Storage::typed && append_decimal_text(out, text)) {
                out += quote;
                return;
            }
            out.resize(begin);
            append_json_string(out, text);
            return;
        }
        case TypeClass::datetime:
        case TypeClass::timestamp:
            append_moment(out, text, type);
            return;
        case TypeClass::json:
            if (is_json(text)) {
                out += text;
            } else {
                append_json_string(out, text);
            }
            return;
        case TypeClass::integer:
        case TypeClass::boolean:
        case TypeClass::bit:
        case TypeClass::float32:
        case TypeClass::float64:
        case TypeClass::year:
        case TypeClass::date:
        case TypeClass::time:
        case TypeClass::uuid:
        case TypeClass::inet4:
        case TypeClass::inet6:
        case TypeClass::enumeration:
        case TypeClass::set:
        case TypeClass::text:
        case TypeClass::binary:
        case TypeClass::geometry:
        case TypeClass::unsupported:
            append_json_string(out, text);
            return;
    }
}

// Columns whose numbers a double cannot hold: by column, not by value, so that a column keeps its JSON type.
bool is_wide(const Type& type) {
    return (type.type_class == TypeClass::integer && type.bits == 64) || (type.type_class == TypeClass::bit && type.bits > 53) ||
           type.type_class == TypeClass::decimal;
}

template <typename Integer>
void append_integer_cell(std::string& out, Integer value, const Type& type, Numbers numbers) {
    const bool is_quoted = numbers == Numbers::string && is_wide(type);
    if (is_quoted) {
        out += '"';
    }
    const std::size_t begin = out.size();
    append_integer(out, value);
    if (type.type_class == TypeClass::decimal) {
        pad_to_scale(out, begin, type.scale);
    }
    if (is_quoted) {
        out += '"';
    }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    observe::append_json_string(out, text);
}

void append_cell(std::string& out, const Cell& cell, const Type& type, Numbers numbers) {
    switch (cell.kind) {
        case Cell::Kind::null:
            out += "null";
            return;
        case Cell::Kind::integer:
            append_integer_cell(out, cell.integer, type, numbers);
            return;
        case Cell::Kind::unsigned_integer:
            append_integer_cell(out, cell.unsigned_integer, type, numbers);
            return;
        case Cell::Kind::real:
            if (type.type_class == TypeClass::decimal && std::isfinite(cell.real)) {
                const char* quote = numbers == Numbers::string ? "\"" : "";
                out += quote;
                append_plain_decimal(out, cell.real, type.scale);
                out += quote;
            } else {
                append_real(out, cell.real, type);
            }
            return;
        case Cell::Kind::text:
            append_text(out, cell.text, type, numbers);
            return;
        case Cell::Kind::bytes:
            out += "\"b64:";
            append_base64(out, cell.text);
            out += '"';
            return;
    }
}

std::string literal_of(const schemas::Value& value, const Type& type) {
    struct Printer {
        const Type& type;
        std::string operator()(const schemas::Null&) const { return {}; }
        std::string operator()(std::int64_t number) const { return std::to_string(number); }
        std::string operator()(std::uint64_t number) const { return std::to_string(number); }
        std::string operator()(double number) const {
            std::string out;
            if (type.type_class == TypeClass::decimal && std::isfinite(number)) {
                append_plain_decimal(out, number, 0);
            } else {
                append_real(out, number, type);
            }
            return out;
        }
        std::string operator()(const schemas::Text& text) const { return text.text; }
        std::string operator()(const schemas::Bytes& bytes) const {
            std::string out = "b64:";
            append_base64(out, bytes.bytes);
            return out;
        }
    };
    return std::visit(Printer{type}, value);
}

JsonRows::JsonRows(std::vector<const schemas::Column*> columns, Numbers numbers, std::uint64_t rows_max, std::size_t bytes_max)
    : columns_(std::move(columns)), numbers_(numbers), rows_max_(rows_max), bytes_max_(bytes_max) {
    constexpr std::size_t kBytesUsual = 32;  // a column, in a row
    keys_.resize(columns_.size());
    text_.reserve(columns_.size() * kBytesUsual);
}

void JsonRows::append_key(std::size_t column) {
    Key& key = keys_[column];
    if (rows_ > 0) {
        text_.append(text_, key.begin, key.size);
        return;
    }
    key.begin = text_.size();
    text_ += column == 0 ? '{' : ',';
    append_json_string(text_, columns_[column]->name.text());
    text_ += ':';
    key.size = text_.size() - key.begin;
}

void JsonRows::row(std::span<const Cell> cells) {
    if (rows_ >= rows_max_) {
        has_more_ = true;
        return;
    }
    if (cells.size() != columns_.size() || columns_.empty()) {
        throw std::logic_error(fmt::format("a row of {} cells for {} columns", cells.size(), columns_.size()));
    }
    if (rows_ > 0) {
        text_ += ',';
    }
    for (std::size_t i = 0; i < cells.size(); ++i) {
        append_key(i);
        append_cell(text_, cells[i], columns_[i]->type, numbers_);
    }
    text_ += '}';
    ++rows_;
    wants_more_ = !is_too_large();
}

void JsonRows::restart() {
    text_ = "[";
    rows_ = 0;
    has_more_ = false;
    wants_more_ = true;
}

std::string JsonRows::take() && {
    text_ += ']';
    return std::move(text_);
}

std::string JsonRows::take_row() && {
    text_.erase(0, 1);
    return std::move(text_);
}

}  // namespace gateway::respond
