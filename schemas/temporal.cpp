#include "schemas/temporal.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <fmt/format.h>

namespace schemas {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year_month_day;
using SysSeconds = std::chrono::sys_seconds;

constexpr std::size_t kDateSize = 10;  // YYYY-MM-DD
constexpr std::size_t kClockSize = 8;  // HH:MM:SS
constexpr std::size_t kFractionMax = 6;
constexpr minutes kZoneMax = hours(14);
constexpr seconds kTimeEnd = hours(839);  // 838:59:59 is the last second; its fractions belong to it
constexpr SysSeconds kTimestampFirst{seconds(1)};
constexpr SysSeconds kTimestampLastMysql{seconds(0x7fffffff)};  // 2038-01-19 03:14:07
constexpr SysSeconds kTimestampLast{seconds(0xffffffff)};  // 2106-02-07 06:28:15
constexpr SysSeconds kFirst = sys_days(std::chrono::year(1) / 1 / 1);
constexpr SysSeconds kEnd = sys_days(std::chrono::year(10000) / 1 / 1);

// The number that `text` writes in exactly `size` digits at `position`.
std::optional<int> number_at(std::string_view text, std::size_t position, std::size_t size) {
    if (text.size() < position + size || !is_all_digits(text.substr(position, size))) {
        return std::nullopt;
    }
    int number = 0;
    for (const char c : text.substr(position, size)) {
        number = number * 10 + (c - '0');
    }
    return number;
}

bool has_at(std::string_view text, std::size_t position, char c) {
    return position < text.size() && text[position] == c;
}

enum class DateFault { form, calendar };

tl::expected<sys_days, DateFault> parse_date(std::string_view text) {
    const auto year = number_at(text, 0, 4);
    const auto month = number_at(text, 5, 2);
    const auto day = number_at(text, 8, 2);
    if (text.size() != kDateSize || !year || !month || !day || text[4] != '-' || text[7] != '-') {
        return tl::make_unexpected(DateFault::form);
    }
    const year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                              std::chrono::day(static_cast<unsigned>(*day))};
    if (*year == 0 || !date.ok()) {
        return tl::make_unexpected(DateFault::calendar);
    }
    return sys_days(date);
}

// `:MM:SS` at `position`.
std::optional<seconds> parse_minutes(std::string_view text, std::size_t position) {
    const auto minute = number_at(text, position + 1, 2);
    const auto second = number_at(text, position + 4, 2);
    if (!has_at(text, position, ':') || !has_at(text, position + 3, ':') || !minute || !second || *minute > 59 || *second > 59) {
        return std::nullopt;
    }
    return minutes(*minute) + seconds(*second);
}

struct Fraction {
    microseconds value{0};
    std::size_t size = 0;  // bytes read, the point included
};

// `.f` to `.ffffff` at the start of `text`, or nothing there. A point without digits, or with more than six, is no fraction.
std::optional<Fraction> parse_fraction(std::string_view text) {
    if (!text.starts_with('.')) {
        return Fraction{};
    }
    Fraction fraction{microseconds(0), 1};
    microseconds unit{1'000'000};
    while (fraction.size < text.size() && is_digit(text[fraction.size])) {
        if (fraction.size > kFractionMax) {
            return std::nullopt;
        }
        unit /= 10;
        fraction.value += unit * (text[fraction.size] - '0');
        ++fraction.size;
    }
    return fraction.size == 1 ? std::nullopt : std::optional(fraction);
}

// `Z` or `±HH:MM`, the whole of `text`: what is added to UTC there.
std::optional<minutes> parse_zone(std::string_view text) {
    if (text == "Z") {
        return minutes(0);
    }
    const auto hour = number_at(text, 1, 2);
    const auto minute = number_at(text, 4, 2);
    if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || !hour || text[3] != ':' || !minute || *minute > 59) {
        return std::nullopt;
    }
    const minutes zone = hours(*hour) + minutes(*minute);
    if (zone > kZoneMax) {
        return std::nullopt;
    }
    return text[0] == '-' ? -zone : zone;
}

struct Moment {
    SysSeconds second;
    microseconds fraction{0};
};

enum class MomentFault { form, calendar, zone };

const char* detail_of(MomentFault fault) {
    switch (fault) {
        case MomentFault::form:
            return "is not a date and time";
        case MomentFault::calendar:
            return "is not a day of the calendar";
        case MomentFault::zone:
            return "has a time zone, which only a timestamp takes";
    }
    return "";
}

// `YYYY-MM-DD`, or that, a space or `T`, `HH:MM:SS`, a fraction, and, where `takes_zone`, a zone.
tl::expected<Moment, MomentFault> parse_moment(std::string_view text, bool takes_zone) {
    const auto date = parse_date(text.substr(0, kDateSize));
    if (!date) {
        return tl::make_unexpected(date.error() == DateFault::form ? MomentFault::form : MomentFault::calendar);
    }
    Moment moment{*date, microseconds(0)};
    if (text.size() == kDateSize) {
        return moment;
    }
    const std::string_view clock = text.substr(kDateSize + 1);
    const auto hour = number_at(clock, 0, 2);
    const auto rest = parse_minutes(clock, 2);
    if ((text[kDateSize] != ' ' && text[kDateSize] != 'T') || !hour || *hour > 23 || !rest) {
        return tl::make_unexpected(MomentFault::form);
    }
    moment.second += hours(*hour) + *rest;
    const std::string_view tail = clock.substr(kClockSize);
    const auto fraction = parse_fraction(tail);
    if (!fraction) {
        return tl::make_unexpected(MomentFault::form);
    }
    moment.fraction = fraction->value;
    const std::string_view zone_text = tail.substr(fraction->size);
    if (zone_text.empty()) {
        return moment;
    }
    const auto zone = parse_zone(zone_text);
    if (!zone) {
        return tl::make_unexpected(MomentFault::form);
    }
    if (!takes_zone) {
        return tl::make_unexpected(MomentFault::zone);
    }
    moment.second -= *zone;
    return moment;
}

// The least difference between two values of a column with `fraction_digits`.
microseconds unit_of(unsigned fraction_digits) {
    microseconds unit{1'000'000};
    for (unsigned i = 0; i < fraction_digits && unit.count() > 1; ++i) {
        unit /= 10;
    }
    return unit;
}

std::string rounding(unsigned fraction_digits) {
    if (fraction_digits == 0) {
        return "would be rounded to whole seconds";
    }
    return fmt::format("would be rounded to {} {} of a second", fraction_digits, fraction_digits == 1 ? "digit" : "digits");
}

// By hand, since dates come by the thousand in batches and fmt took most of the reading's time.
void put(std::string& out, std::int64_t number, std::size_t size) {
    std::array<char, kFractionMax> digits{};
    for (std::size_t i = size; i > 0; --i, number /= 10) {
        digits[i - 1] = static_cast<char>('0' + number % 10);
    }
    out.append(digits.data(), size);
}

void put_clock(std::string& out, std::int64_t whole_seconds, std::size_t hour_size, microseconds fraction) {
    put(out, whole_seconds / 3600, hour_size);
    out += ':';
    put(out, whole_seconds / 60 % 60, 2);
    out += ':';
    put(out, whole_seconds % 60, 2);
    if (fraction.count() != 0) {
        out += '.';
        put(out, fraction.count(), kFractionMax);
    }
}

std::string print_moment(const Moment& moment) {
    const auto day = std::chrono::floor<days>(moment.second);
    const year_month_day date(day);
    std::string text;
    text.reserve(sizeof("YYYY-MM-DD HH:MM:SS.ffffff"));
    put(text, static_cast<int>(date.year()), 4);
    text += '-';
    put(text, static_cast<unsigned>(date.month()), 2);
    text += '-';
    put(text, static_cast<unsigned>(date.day()), 2);
    text += ' ';
    put_clock(text, (moment.second - day).count(), 2, moment.fraction);
    return text;
}

std::string print_time(bool is_negative, microseconds span) {
    const auto whole = std::chrono::floor<seconds>(span);
    std::string text = is_negative && span.count() != 0 ? "-" : "";
    put_clock(text, whole.count(), whole >= hours(100) ? 3 : 2, span - whole);
    return text;
}

}  // namespace

ReadResult read_date(std::string_view text, const Type& type) {
    const auto date = parse_date(text);
    if (!date) {
        return refuse(type, date.error() == DateFault::form ? "is not a date" : "is not a day of the calendar");
    }
    return exactly(Text{std::string(text)});
}

ReadResult read_datetime(std::string_view text, const Type& type, Purpose purpose) {
    const bool is_timestamp = type.type_class == TypeClass::timestamp;
    auto moment = parse_moment(text, is_timestamp);
    if (!moment) {
        return refuse(type, detail_of(moment.error()));
    }
    if (moment->second < kFirst || moment->second >= kEnd) {
        return refuse(type, "is outside the years 0001 to 9999 in UTC");
    }
    const microseconds excess = moment->fraction % unit_of(type.fraction_digits);
    if (purpose == Purpose::storage) {
        if (excess.count() != 0) {
            return refuse(type, rounding(type.fraction_digits));
        }
        // MariaDB knows its own end and refuses past it; SQLite has none, so MySQL's is ours.
        const bool is_typed = type.storage == Storage::typed;
        if (is_timestamp && (moment->second < kTimestampFirst || moment->second > (is_typed ? kTimestampLast : kTimestampLastMysql))) {
            return refuse(type, is_typed ? "is outside 1970-01-01 00:00:01 to 2106-02-07 06:28:15"
                                         : "is outside 1970-01-01 00:00:01 to 2038-01-19 03:14:07");
        }
    }
    if (excess.count() != 0 && type.storage == Storage::typed) {
        // Never leave this to the database: `=` and IN over an index cut the literal and match (measured on MariaDB 10.11).
        moment->fraction -= excess;
        return Reading{Text{print_moment(*moment)}, Fit::between};
    }
    return exactly(Text{print_moment(*moment)});
}

ReadResult read_time(std::string_view text, const Type& type, Purpose purpose) {
    const bool is_negative = text.starts_with('-');
    const std::string_view clock = text.substr(is_negative ? 1 : 0);
    const std::size_t hour_size = has_at(clock, 3, ':') ? 3 : 2;
    const auto hour = number_at(clock, 0, hour_size);
    const auto rest = parse_minutes(clock, hour_size);
    if (!hour || !rest) {
        return refuse(type, "is not a time");
    }
    const std::string_view tail = clock.substr(hour_size + 6);
    const auto fraction = parse_fraction(tail);
    if (!fraction || fraction->size != tail.size()) {
        return refuse(type, "is not a time");
    }
    microseconds span = hours(*hour) + *rest + fraction->value;
    if (span >= kTimeEnd) {
        return refuse(type, "is outside -838:59:59 to 838:59:59");
    }
    const microseconds unit = unit_of(type.fraction_digits);
    const microseconds excess = fraction->value % unit;
    if (purpose == Purpose::storage && excess.count() != 0) {
        return refuse(type, rounding(type.fraction_digits));
    }
    if (purpose == Purpose::comparison && type.storage == Storage::sqlite) {
        return exactly(static_cast<std::int64_t>(is_negative ? -span.count() : span.count()));
    }
    if (excess.count() != 0) {
        // As in read_datetime. Below zero the lower neighbour is the longer span, and the column may end before it.
        span += is_negative ? unit - excess : -excess;
        if (span >= kTimeEnd) {
            return Reading{Text{print_time(is_negative, span - unit)}, Fit::below};
        }
        return Reading{Text{print_time(is_negative, span)}, Fit::between};
    }
    return exactly(Text{print_time(is_negative, span)});
}

}  // namespace schemas
