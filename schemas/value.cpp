#include "schemas/value.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "filters/text.h"
#include "schemas/charset.h"
#include "schemas/literal.h"
#include "schemas/number.h"
#include "schemas/temporal.h"

namespace schemas {
namespace {

constexpr std::size_t kMembersListed = 12;  // in a hint

ReadResult read_boolean(std::string_view text, const Type& type) {
    if (text == "0" || text == "false") {
        return exactly(std::int64_t{0});
    }
    if (text == "1" || text == "true") {
        return exactly(std::int64_t{1});
    }
    return refuse(type, "is not 0, 1, true or false");
}

ReadResult read_uuid(std::string_view text, const Type& type, Purpose purpose) {
    constexpr std::size_t kSize = 36;
    constexpr std::size_t kVersionAt = 14;
    constexpr std::size_t kVariantAt = 19;
    if (text.size() != kSize) {
        return refuse(type, "is not a UUID");
    }
    std::string lower(text);
    for (std::size_t i = 0; i < kSize; ++i) {
        const bool is_hyphen = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_hyphen ? text[i] != '-' : hex_value(text[i]) < 0) {
            return refuse(type, "is not a UUID");
        }
        if (text[i] >= 'A' && text[i] <= 'F') {
            lower[i] = static_cast<char>(text[i] - 'A' + 'a');
        }
    }
    // MariaDB keeps its bytes in another order for some versions and has no room for these: it takes one in a comparison for
    // NULL, with a warning (measured on 10.11), so that `ne` would match nothing. No cell equals it; its text has its order.
    if (type.storage == Storage::typed && hex_value(text[kVersionAt]) >= 8 && hex_value(text[kVariantAt]) < 8) {
        if (purpose == Purpose::storage) {
            return refuse(type, "is a UUID of a version and variant that the database does not take");
        }
        return Reading{Text{std::move(lower)}, Fit::between};
    }
    return exactly(Text{std::move(lower)});
}

ReadResult read_address(std::string_view text, const Type& type) {
    const bool is_v6 = type.type_class == TypeClass::inet6;
    const int family = is_v6 ? AF_INET6 : AF_INET;
    std::array<char, INET6_ADDRSTRLEN> written{};
    std::array<unsigned char, sizeof(in6_addr)> address{};
    // A NUL would hide what follows it from inet_pton.
    bool is_address = text.size() < written.size() && text.find('\0') == std::string_view::npos;
    if (is_address) {
        std::copy(text.begin(), text.end(), written.begin());
        is_address = inet_pton(family, written.data(), address.data()) == 1;
    }
    if (!is_address) {
        return refuse(type, is_v6 ? "is not an IPv6 address" : "is not an IPv4 address");
    }
    std::array<char, INET6_ADDRSTRLEN> canonical{};
    inet_ntop(family, address.data(), canonical.data(), canonical.size());
    return exactly(Text{canonical.data()});
}

ReadResult read_enumeration(std::string_view text, const Type& type) {
    if (std::find(type.members.begin(), type.members.end(), text) == type.members.end()) {
        return refuse(type, "is not a member of the enumeration");
    }
    return exactly(Text{std::string(text)});
}

ReadResult read_set(std::string_view text, const Type& type) {
    std::vector<bool> is_chosen(type.members.size(), false);
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        const auto found = std::find(type.members.begin(), type.members.end(), text.substr(0, comma));
        if (found == type.members.end() || comma == text.size() - 1) {
            return refuse(type, "is not a list of members of the set");
        }
        const auto index = static_cast<std::size_t>(found - type.members.begin());
        if (is_chosen[index]) {
            return refuse(type, "names a member of the set twice");
        }
        is_chosen[index] = true;
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    }
    std::string members;
    bool is_first = true;
    for (std::size_t i = 0; i < type.members.size(); ++i) {
        if (is_chosen[i]) {
            members += is_first ? "" : ",";
            members += type.members[i];
            is_first = false;
        }
    }
    return exactly(Text{std::move(members)});
}

std::string plural(std::uint64_t count, std::string_view one) {
    return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

std::optional<std::string> charset_fault(const Type& type, Holding held) {
    switch (held) {
        case Holding::all:
            return std::nullopt;
        case Holding::not_all:
            return fmt::format("has a character that the character set {} lacks", type.charset);
        case Holding::unknown:
            return fmt::format("is not ASCII, which is all that is known of the character set {}",
                               type.charset.empty() ? "of this column" : type.charset);
    }
    return "";
}

// What a text column would cut off.
std::optional<std::string> length_fault(std::string_view text, const Type& type) {
    // There are never more characters than bytes, so most texts need no counting.
    if (type.characters_max && text.size() > *type.characters_max && filters::count_characters(text) > *type.characters_max) {
        return fmt::format("has more than {}", plural(*type.characters_max, "character"));
    }
    if (!type.characters_max && type.bytes_max && encoded_bytes(type.charset, text) > *type.bytes_max) {
        return fmt::format("is longer than {}", plural(*type.bytes_max, "byte"));
    }
    if (type.is_fixed && text.ends_with(' ')) {
        return fmt::format("ends with a space, which {} drops", type.declared);
    }
    return std::nullopt;
}

ReadResult read_text(std::string_view text, const Type& type, Purpose purpose) {
    const Holding held = holding(type.charset, text);
    if (held == Holding::not_all && purpose == Purpose::comparison) {
        return Reading{Text{std::string(text)}, Fit::foreign};
    }
    if (auto fault = charset_fault(type, held)) {
        return refuse(type, std::move(*fault));
    }
    if (purpose == Purpose::storage) {
        if (auto fault = length_fault(text, type)) {
            return refuse(type, std::move(*fault));
        }
    }
    return exactly(Text{std::string(text)});
}

// JSON is stored as written; MySQL's own JSON type has no character set.
// A column declared JSON has SQLite's NUMERIC affinity, which turns text that looks like a number into one. A lone number is so
// bound as a number, if it comes out again as it was written.
ReadResult read_json_number(std::string_view text, const Type& type) {
    std::int64_t integer = 0;
    const char* const end = text.data() + text.size();
    if (const auto [stop, fault] = std::from_chars(text.data(), end, integer);
        fault == std::errc() && stop == end && text != "-0") {
        return exactly(integer);
    }
    double real = 0;
    if (const auto [stop, fault] = std::from_chars(text.data(), end, real);
        fault == std::errc() && stop == end && text != "-0" && fmt::format("{}", real) == text) {
        return exactly(real);
    }
    return refuse(type, "is a JSON number that the database would keep as another");
}

ReadResult read_json(std::string_view text, const Type& type) {
    if (type.storage == Storage::sqlite && !text.empty() && (text.front() == '-' || (text.front() >= '0' && text.front() <= '9'))) {
        return read_json_number(text, type);
    }
    if (!type.charset.empty()) {
        return read_text(text, type, Purpose::storage);
    }
    return exactly(Text{std::string(text)});
}

std::optional<std::string> decode_hex(std::string_view text) {
    if (text.size() % 2 != 0) {
        return std::nullopt;
    }
    std::string bytes(text.size() / 2, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const int high = hex_value(text[2 * i]);
        const int low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return std::nullopt;
        }
        bytes[i] = static_cast<char>(high * 16 + low);
    }
    return bytes;
}

constexpr std::array<int, 256> kBase64 = [] {
    std::array<int, 256> values{};
    values.fill(-1);
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
        values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int>(i);
    }
    return values;
}();

// RFC 4648 section 4, strictly: padding required, bits after the last byte zero.
std::optional<std::string> decode_base64(std::string_view text) {
    if (text.size() % 4 != 0) {
        return std::nullopt;
    }
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    text.remove_suffix(padding);
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3 + 2);
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char c : text) {
        const int sextet = kBase64[static_cast<unsigned char>(c)];
        if (sextet < 0) {
            return std::nullopt;
        }
        bits = (bits << 6) | static_cast<std::uint32_t>(sextet);
        count += 6;
        if (count >= 8) {
            count -= 8;
            bytes.push_back(static_cast<char>((bits >> count) & 0xff));
            bits &= (1U << count) - 1;
        }
    }
    if (bits != 0) {
        return std::nullopt;
    }
    return bytes;
}

ReadResult read_binary(std::string_view text, const Type& type, Purpose purpose) {
    std::optional<std::string> bytes;
    if (text.starts_with("\\x")) {
        bytes = decode_hex(text.substr(2));
    } else if (text.starts_with("b64:")) {
        bytes = decode_base64(text.substr(4));
    }
    if (!bytes) {
        return refuse(type, "is neither \\x and hex digits nor b64: and base64");
    }
    if (purpose == Purpose::storage && type.bytes_max) {
        if (type.is_fixed && bytes->size() != *type.bytes_max) {
            return refuse(type, fmt::format("is not exactly {} long", plural(*type.bytes_max, "byte")));
        }
        if (bytes->size() > *type.bytes_max) {
            return refuse(type, fmt::format("is longer than {}", plural(*type.bytes_max, "byte")));
        }
    }
    return exactly(Bytes{std::move(*bytes)});
}

std::string list_members(const Type& type) {
    std::string list;
    for (std::size_t i = 0; i < type.members.size() && i < kMembersListed; ++i) {
        fmt::format_to(std::back_inserter(list), "{}'{}'", i == 0 ? "" : ", ", type.members[i]);
    }
    return type.members.size() > kMembersListed ? list + ", …" : list;
}

std::string describe_decimal(const Type& type) {
    if (!type.precision) {
        return "a number such as -1.25 or 3e8";
    }
    const unsigned whole = *type.precision > type.scale ? *type.precision - type.scale : 0;
    return fmt::format("a number such as {} with up to {} before and {} after the point", type.scale == 0 ? "-1" : "-0.5",
                       plural(whole, "digit"), plural(type.scale, "digit"));
}

std::string describe_form(const Type& type) {
    constexpr std::string_view kMoment = "YYYY-MM-DD HH:MM:SS, with T for the space and .ffffff after it if you like";
    switch (type.type_class) {
        case TypeClass::integer:
        case TypeClass::bit:
        case TypeClass::year: {
            const IntegerRange range = integer_range(type);
            return fmt::format("an integer from {} to {}", range.lowest, range.greatest);
        }
        case TypeClass::boolean:
            return "0, 1, true or false";
        case TypeClass::decimal:
        case TypeClass::float32:
        case TypeClass::float64:
            return describe_decimal(type);
        case TypeClass::date:
            return "written YYYY-MM-DD";
        case TypeClass::time:
            return "written HH:MM:SS, with .ffffff after it if you like, from -838:59:59 to 838:59:59";
        case TypeClass::datetime:
            return fmt::format("written {}", kMoment);
        case TypeClass::timestamp:
            return fmt::format("written {}, in UTC or with a zone: Z, +02:00 (%2B02:00 in a URL)", kMoment);
        case TypeClass::uuid:
            return "written as 8-4-4-4-12 hex digits";
        case TypeClass::inet4:
            return "an IPv4 address such as 192.0.2.1";
        case TypeClass::inet6:
            return "an IPv6 address such as 2001:db8::1";
        case TypeClass::enumeration:
            return fmt::format("one of {}", list_members(type));
        case TypeClass::set:
            return fmt::format("a comma-separated list of any of {}", list_members(type));
        case TypeClass::text:
            return "text";
        case TypeClass::binary:
        case TypeClass::geometry:
            return "written as \\x and hex digits, or as b64: and base64";
        case TypeClass::json:
            return "any JSON; a filter takes only is.null and not.is.null";
        case TypeClass::unsupported:
            return "only read; a filter takes only is.null and not.is.null";
    }
    return "";
}

ReadResult refuse_class(const Type& type, Purpose purpose) {
    return refuse(type, purpose == Purpose::comparison ? "cannot be compared with a column of this type"
                                                       : "cannot be stored in a column of this type");
}

}  // namespace

ReadResult read_literal(std::string_view text, const Type& type, Purpose purpose) {
    switch (type.type_class) {
        case TypeClass::integer:
        case TypeClass::bit:
        case TypeClass::year:
            return read_integer(text, type, purpose);
        case TypeClass::boolean:
            return read_boolean(text, type);
        case TypeClass::decimal:
            return read_decimal(text, type, purpose);
        case TypeClass::float32:
        case TypeClass::float64:
            return read_float(text, type, purpose);
        case TypeClass::date:
            return read_date(text, type);
        case TypeClass::time:
            return read_time(text, type, purpose);
        case TypeClass::datetime:
        case TypeClass::timestamp:
            return read_datetime(text, type, purpose);
        case TypeClass::uuid:
            return read_uuid(text, type, purpose);
        case TypeClass::inet4:
        case TypeClass::inet6:
            return read_address(text, type);
        case TypeClass::enumeration:
            return read_enumeration(text, type);
        case TypeClass::set:
            return read_set(text, type);
        case TypeClass::text:
            return read_text(text, type, purpose);
        case TypeClass::binary:
            return read_binary(text, type, purpose);
        case TypeClass::json:
            return purpose == Purpose::storage ? read_json(text, type) : refuse_class(type, purpose);
        case TypeClass::geometry:
            return purpose == Purpose::storage ? read_binary(text, type, purpose) : refuse_class(type, purpose);
        case TypeClass::unsupported:
            return refuse_class(type, purpose);
    }
    return refuse_class(type, purpose);
}

std::string describe_literal(const Type& type) {
    const bool is_long = type.type_class == TypeClass::enumeration || type.type_class == TypeClass::set;
    const std::string_view name =
        is_long || type.declared.empty() ? std::string_view("this column") : std::string_view(type.declared);
    return fmt::format("a value of {} is {}", name, describe_form(type));
}

}  // namespace schemas
