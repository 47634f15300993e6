#include "schemas/number.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <system_error>

#include <fmt/format.h>

namespace schemas {
namespace {

constexpr auto kInt64Max = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
constexpr unsigned kPrecisionMax = 65;             // MariaDB's DECIMAL
constexpr std::size_t kExponentDigitsMax = 4;      // of a decimal
constexpr std::size_t kSqliteSignificantMax = 15;  // what every double keeps
constexpr std::int64_t kExponentLimit = 1'000'000'000;

// A number as written: 0.d1d2…dn × 10^point, where d1…dn are its significant digits (none for zero).
struct Numeral {
    bool is_negative = false;
    std::string_view whole;
    std::string_view fraction;
    std::size_t exponent_digits = 0;
    std::size_t first = 0;  // of the significant digits, in whole and fraction read as one
    std::size_t count = 0;
    std::int64_t point = 0;

    [[nodiscard]] char written(std::size_t index) const {
        return index < whole.size() ? whole[index] : fraction[index - whole.size()];
    }
    // Digits outside the written ones are zeros.
    [[nodiscard]] char significant(std::int64_t index) const {
        return index < 0 || index >= static_cast<std::int64_t>(count) ? '0' : written(first + static_cast<std::size_t>(index));
    }
    [[nodiscard]] bool is_zero() const { return count == 0; }
    [[nodiscard]] std::int64_t whole_digits() const { return std::max<std::int64_t>(point, 0); }
    [[nodiscard]] std::int64_t fraction_digits() const {
        return is_zero() ? 0 : std::max<std::int64_t>(static_cast<std::int64_t>(count) - point, 0);
    }
};

std::string_view take_digits(std::string_view& text) {
    const auto* const end = std::find_if_not(text.begin(), text.end(), is_digit);
    const auto digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
    text.remove_prefix(digits.size());
    return digits;
}

void find_significant(Numeral& numeral, std::int64_t exponent) {
    const std::size_t size = numeral.whole.size() + numeral.fraction.size();
    std::size_t first = 0;
    while (first < size && numeral.written(first) == '0') {
        ++first;
    }
    std::size_t end = size;
    while (end > first && numeral.written(end - 1) == '0') {
        --end;
    }
    numeral.first = first;
    numeral.count = end - first;
    if (!numeral.is_zero()) {
        numeral.point = static_cast<std::int64_t>(numeral.whole.size()) - static_cast<std::int64_t>(first) + exponent;
    }
}

// -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
std::optional<Numeral> scan(std::string_view text) {
    Numeral numeral;
    if (text.starts_with('-')) {
        numeral.is_negative = true;
        text.remove_prefix(1);
    }
    numeral.whole = take_digits(text);
    if (numeral.whole.empty() || (numeral.whole.size() > 1 && numeral.whole.front() == '0')) {
        return std::nullopt;
    }
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        numeral.fraction = take_digits(text);
        if (numeral.fraction.empty()) {
            return std::nullopt;
        }
    }
    std::int64_t exponent = 0;
    if (text.starts_with('e') || text.starts_with('E')) {
        text.remove_prefix(1);
        const bool is_minus = text.starts_with('-');
        if (is_minus || text.starts_with('+')) {
            text.remove_prefix(1);
        }
        const std::string_view digits = take_digits(text);
        if (digits.empty()) {
            return std::nullopt;
        }
        for (const char c : digits) {
            exponent = std::min(exponent * 10 + (c - '0'), kExponentLimit);
        }
        exponent = is_minus ? -exponent : exponent;
        numeral.exponent_digits = digits.size();
    }
    if (!text.empty()) {
        return std::nullopt;
    }
    find_significant(numeral, exponent);
    return numeral;
}

std::string too_many(std::int64_t most, std::string_view side) {
    if (most == 0) {
        return fmt::format("has digits {} the point", side);
    }
    return fmt::format("has more than {} {} {} the point", most, most == 1 ? "digit" : "digits", side);
}

// Plain notation with exactly `scale` digits after the point, rounded towards minus infinity.
struct Scaled {
    std::string text;
    bool has_carried = false;  // rounding made one more digit before the point
};

// Adds one to the last digit. Returns true when every digit was a nine.
bool increment(std::string& digits) {
    for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit) {
        if (*digit != '9') {
            ++*digit;
            return false;
        }
        *digit = '0';
    }
    return true;
}

// `numeral` has at most as many digits before the point as the column: the text stays short.
Scaled floor_at(const Numeral& numeral, unsigned scale) {
    const std::int64_t leading_zeros = std::min<std::int64_t>(numeral.point, 0);
    std::string digits(static_cast<std::size_t>(numeral.whole_digits()) + scale, '0');
    for (std::size_t i = 0; i < digits.size(); ++i) {
        digits[i] = numeral.significant(static_cast<std::int64_t>(i) + leading_zeros);
    }
    Scaled scaled;
    if (numeral.is_negative && numeral.fraction_digits() > static_cast<std::int64_t>(scale) && increment(digits)) {
        digits.insert(digits.begin(), '1');
        scaled.has_carried = true;
    }
    if (digits.size() == scale) {
        digits.insert(digits.begin(), '0');
    }
    const bool is_zero = digits.find_first_not_of('0') == std::string::npos;
    if (scale > 0) {
        digits.insert(digits.size() - scale, 1, '.');
    }
    if (numeral.is_negative && !is_zero) {
        digits.insert(digits.begin(), '-');
    }
    scaled.text = std::move(digits);
    return scaled;
}

// `plain` is what floor_at writes.
Value decimal_value(std::string plain, const Type& type) {
    if (type.storage == Storage::typed) {
        return Text{std::move(plain)};
    }
    const char* const end = plain.data() + plain.size();
    const std::size_t point = plain.find('.');
    if (point == std::string::npos || plain.find_first_not_of('0', point + 1) == std::string::npos) {
        std::int64_t number = 0;
        const char* const whole_end = point == std::string::npos ? end : plain.data() + point;
        if (std::from_chars(plain.data(), whole_end, number).ec == std::errc{}) {
            return number;
        }
    }
    double number = 0;
    std::from_chars(plain.data(), end, number);
    return number;
}

// A number's place among the values of a column that keeps `whole_max` digits before the point and `type.scale` after it.
struct Placed {
    std::string plain;  // as floor_at writes: the number, the column value below it, or the end of the column's range
    Fit fit = Fit::exact;
};

Placed end_of_range(const Type& type, std::int64_t whole_max, Fit fit) {
    const char digit = fit == Fit::below && type.is_unsigned ? '0' : '9';
    std::string plain = fit == Fit::below && !type.is_unsigned ? "-" : "";
    plain += whole_max == 0 || digit == '0' ? "0" : std::string(static_cast<std::size_t>(whole_max), digit);
    if (type.scale > 0) {
        plain += '.';
        plain.append(type.scale, digit);
    }
    return {std::move(plain), fit};
}

Placed place(const Numeral& numeral, const Type& type, std::int64_t whole_max) {
    const bool is_negative = numeral.is_negative && !numeral.is_zero();
    if ((is_negative && type.is_unsigned) || numeral.whole_digits() > whole_max) {
        return end_of_range(type, whole_max, is_negative ? Fit::below : Fit::above);
    }
    Scaled scaled = floor_at(numeral, type.scale);
    if (scaled.has_carried && numeral.whole_digits() == whole_max) {
        return end_of_range(type, whole_max, Fit::below);
    }
    const bool is_exact = numeral.fraction_digits() <= static_cast<std::int64_t>(type.scale);
    return {std::move(scaled.text), is_exact ? Fit::exact : Fit::between};
}

// Why a column cannot store the number as it is.
std::optional<std::string> storage_fault(const Numeral& numeral, const Type& type, std::int64_t whole_max) {
    if (numeral.is_negative && !numeral.is_zero() && type.is_unsigned) {
        return "is negative";
    }
    if (numeral.whole_digits() > whole_max) {
        return too_many(whole_max, "before");
    }
    if (numeral.fraction_digits() > static_cast<std::int64_t>(type.scale)) {
        return too_many(type.scale, "after");
    }
    return std::nullopt;
}

template <typename Float>
std::optional<double> nearest(std::string_view text, const Numeral& numeral) {
    Float number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc::result_out_of_range) {
        // Both ends of the range are reported alike; the decimal point tells them apart.
        return numeral.point > 0 ? std::nullopt : std::optional<double>(numeral.is_negative ? -0.0 : 0.0);
    }
    if (number > std::numeric_limits<Float>::max() || number < std::numeric_limits<Float>::lowest()) {
        return std::nullopt;
    }
    return static_cast<double>(number);
}

}  // namespace

IntegerRange integer_range(const Type& type) {
    if (type.type_class == TypeClass::year) {
        return {1901, 2155};
    }
    const unsigned bits = std::clamp(type.bits, 1U, 64U);
    if (type.is_unsigned || type.type_class == TypeClass::bit) {
        return {0, std::numeric_limits<std::uint64_t>::max() >> (64 - bits)};
    }
    const std::uint64_t greatest = kInt64Max >> (64 - bits);
    return {-static_cast<std::int64_t>(greatest) - 1, greatest};
}

ReadResult read_integer(std::string_view text, const Type& type, Purpose purpose) {
    const bool is_negative = text.starts_with('-');
    const std::string_view digits = text.substr(is_negative ? 1 : 0);
    if (!is_all_digits(digits) || (digits.size() > 1 && digits.front() == '0')) {
        return refuse(type, type.type_class == TypeClass::year ? "is not a year" : "is not an integer");
    }
    const IntegerRange range = integer_range(type);
    std::uint64_t magnitude = 0;
    bool is_inside = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude).ec == std::errc{};
    if (is_negative && magnitude != 0) {
        const std::uint64_t most = range.lowest < 0 ? 0 - static_cast<std::uint64_t>(range.lowest) : 0;
        is_inside = is_inside && magnitude <= most;
    } else {
        const std::uint64_t least = range.lowest > 0 ? static_cast<std::uint64_t>(range.lowest) : 0;
        is_inside = is_inside && magnitude >= least && magnitude <= range.greatest;
    }
    if (!is_inside) {
        return refuse(type, fmt::format("is outside {} to {}", range.lowest, range.greatest));
    }
    if (is_negative) {
        return exactly(static_cast<std::int64_t>(0 - magnitude));
    }
    if (magnitude <= kInt64Max) {
        return exactly(static_cast<std::int64_t>(magnitude));
    }
    if (type.storage == Storage::typed) {
        return exactly(magnitude);
    }
    if (purpose == Purpose::storage) {
        return refuse(type, fmt::format("is outside 0 to {}, all that SQLite keeps", kInt64Max));
    }
    return Reading{static_cast<std::int64_t>(kInt64Max), Fit::above};
}

ReadResult read_decimal(std::string_view text, const Type& type, Purpose purpose) {
    const std::optional<Numeral> numeral = scan(text);
    if (!numeral) {
        return refuse(type, "is not a decimal number");
    }
    if (numeral->exponent_digits > kExponentDigitsMax) {
        return refuse(type, fmt::format("has an exponent of more than {} digits", kExponentDigitsMax));
    }
    if (type.storage == Storage::sqlite && numeral->count > kSqliteSignificantMax) {
        return refuse(type, fmt::format("has more than {} significant digits", kSqliteSignificantMax));
    }
    const unsigned precision = std::min(type.precision.value_or(kPrecisionMax), kPrecisionMax);
    const std::int64_t whole_max = precision > type.scale ? precision - type.scale : 0;
    if (purpose == Purpose::storage) {
        if (auto fault = storage_fault(*numeral, type, whole_max)) {
            return refuse(type, std::move(*fault));
        }
    }
    Placed placed = place(*numeral, type, whole_max);
    return Reading{decimal_value(std::move(placed.plain), type), placed.fit};
}

ReadResult read_float(std::string_view text, const Type& type, Purpose purpose) {
    const std::optional<Numeral> numeral = scan(text);
    if (!numeral) {
        return refuse(type, "is not a number");
    }
    const bool is_float32 = type.type_class == TypeClass::float32;
    const auto nearest_to = [&](std::string_view plain) {
        return is_float32 ? nearest<float>(plain, *numeral) : nearest<double>(plain, *numeral);
    };
    const std::optional<double> number = nearest_to(text);
    if (!number) {
        return refuse(type,
                      is_float32 ? "is too large for a single-precision number" : "is too large for a double-precision number");
    }
    if (type.is_unsigned && numeral->is_negative && numeral->is_zero()) {
        return exactly(0.0);
    }
    const unsigned precision = type.precision.value_or(0);
    const std::int64_t whole_max = precision - std::min(precision, type.scale);
    if (purpose == Purpose::storage) {
        if (type.is_unsigned && numeral->is_negative) {
            return refuse(type, "is negative");
        }
        if (auto fault = type.precision ? storage_fault(*numeral, type, whole_max) : std::nullopt) {
            return refuse(type, std::move(*fault));
        }
        return exactly(*number);
    }
    if (type.is_unsigned && numeral->is_negative) {
        return Reading{0.0, Fit::below};
    }
    if (type.precision && type.storage == Storage::typed) {
        // Never leave this to the database: `=` and IN over an index round the literal and match (measured on MariaDB 10.11).
        const Placed placed = place(*numeral, type, whole_max);
        return Reading{placed.fit == Fit::exact ? *number : nearest_to(placed.plain).value_or(*number), placed.fit};
    }
    return exactly(*number);
}

}  // namespace schemas
