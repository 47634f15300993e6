#include "filters/operators.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "filters/print.h"

namespace filters {
namespace {

struct OperatorEntry {
    Operator op;
    std::string_view name;
};

constexpr std::array<OperatorEntry, 13> kOperators{{
    {Operator::eq, "eq"},
    {Operator::ne, "ne"},
    {Operator::lt, "lt"},
    {Operator::gt, "gt"},
    {Operator::le, "le"},
    {Operator::ge, "ge"},
    {Operator::bw, "bw"},
    {Operator::in, "in"},
    {Operator::nin, "nin"},
    {Operator::li, "li"},
    {Operator::rli, "rli"},
    {Operator::lli, "lli"},
    {Operator::is, "is"},
}};

struct Alias {
    std::string_view word;
    std::string_view name;
};

// Words of other gateways and the usual guesses. They are only hints: none of them is accepted.
constexpr Alias kAliases[] = {
    {"neq", "ne"},       {"gte", "ge"},  {"lte", "le"},     {"like", "li"},        {"ilike", "li"},   {"cs", "li"},
    {"contains", "li"},  {"sw", "rli"},  {"starts", "rli"}, {"startswith", "rli"}, {"ew", "lli"},     {"ends", "lli"},
    {"endswith", "lli"}, {"bt", "bw"},   {"between", "bw"}, {"notin", "nin"},      {"not_in", "nin"}, {"equals", "eq"},
    {"greater", "gt"},   {"less", "lt"}, {"nis", "not.is"},
};

constexpr Alias kInverses[] = {
    {"eq", "ne"}, {"ne", "eq"}, {"lt", "ge"}, {"ge", "lt"}, {"gt", "le"}, {"le", "gt"}, {"in", "nin"}, {"nin", "in"},
};

constexpr Alias kNullWords[] = {
    {"null", "is.null"},        {"isnull", "is.null"},          {"is_null", "is.null"},      {"isnotnull", "not.is.null"},
    {"notnull", "not.is.null"}, {"is_not_null", "not.is.null"}, {"not_null", "not.is.null"},
};

constexpr std::size_t kShownMax = 64;
constexpr std::size_t kShownNameMax = 256;  // a name of 64 characters is up to 768 bytes when encoded, but hardly ever

template <std::size_t size>
std::string_view look_up(const Alias (&table)[size], std::string_view word) {
    const auto* found = std::find_if(std::begin(table), std::end(table), [&](const Alias& alias) { return alias.word == word; });
    return found == std::end(table) ? std::string_view() : found->name;
}

std::string to_lower(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char byte) { return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte; });
    return lower;
}

bool is_pattern(std::string_view op) {
    return op == "li" || op == "rli" || op == "lli";
}

// `name=op.value` with the value as it was sent, but a pattern loses its wildcards' meaning here, so those are not copied.
std::string write_instead(const Text& name, std::string_view op, std::string_view raw_value) {
    if (op == "is" || op == "not.is") {
        raw_value = "null";
    }
    const bool has_wildcards = is_pattern(op) && raw_value.find_first_of("%*_") != std::string_view::npos;
    return "write " + name_as_sent(name) + std::string(op) + "." + (has_wildcards ? "TEXT" : value_as_sent(raw_value));
}

std::string hint_without_dot(const Text& name, const Text& value) {
    const std::string sent = name_as_sent(name);
    const std::string word = to_lower(value.view);
    if (value.view.empty()) {
        return "write " + sent + "eq. for the empty text or " + sent + "is.null for NULL";
    }
    if (const auto null_test = look_up(kNullWords, word); !null_test.empty()) {
        return "write " + sent + std::string(null_test);
    }
    if (find_operator(word)) {
        return "write " + sent + word + "." + (word == "is" ? "null" : "VALUE");
    }
    // `id==5` is a slip of the keyboard, not a search for the text `=5`.
    const bool is_doubled = value.raw.front() == '=';
    return "write " + sent + "eq." + value_as_sent(value.raw.substr(is_doubled ? 1 : 0));
}

// Bounds made of these bytes can be shown back without escaping anything.
bool is_plain_bound(std::string_view text) {
    return !text.empty() && text.size() <= kShownMax && std::all_of(text.begin(), text.end(), [](char byte) {
        return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '.' ||
               byte == '-';
    });
}

// Where each `.` of the bounds stands; empty when a part between them would be empty.
std::vector<std::size_t> find_dots(std::string_view bounds) {
    std::vector<std::size_t> dots;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        if (bounds[i] != '.') {
            continue;
        }
        if (i == 0 || i + 1 == bounds.size() || bounds[i + 1] == '.') {
            return {};
        }
        dots.push_back(i);
    }
    return dots;
}

}  // namespace

std::string_view name_of(Operator op) {
    for (const OperatorEntry& entry : kOperators) {
        if (entry.op == op) {
            return entry.name;
        }
    }
    return {};
}

std::string operator_list() {
    std::string list;
    for (const OperatorEntry& entry : kOperators) {
        list += list.empty() ? "" : ", ";
        list += entry.name;
    }
    return list;
}

std::optional<Operator> find_operator(std::string_view name) {
    for (const OperatorEntry& entry : kOperators) {
        if (std::equal(entry.name.begin(), entry.name.end(), name.begin(), name.end())) {
            return entry.op;
        }
    }
    return std::nullopt;
}

std::string operator_hint(const Text& name, const Text& value) {
    const std::size_t dot = value.view.find('.');
    if (dot == std::string_view::npos) {
        return hint_without_dot(name, value);
    }
    const std::string word = to_lower(value.view.substr(0, dot));
    if (word == "not") {
        const std::string_view rest = value.view.substr(dot + 1);
        const std::size_t next_dot = rest.find('.');
        const auto inverse = look_up(kInverses, rest.substr(0, next_dot));
        if (next_dot != std::string_view::npos && !inverse.empty()) {
            return write_instead(name, inverse, value.raw_from(dot + 1 + next_dot + 1));
        }
        return "not. stands only before is: write " + name_as_sent(name) + "not.is.null";
    }
    if (find_operator(word)) {
        return write_instead(name, word, value.raw_from(dot + 1));
    }
    if (const auto alias = look_up(kAliases, word); !alias.empty()) {
        return write_instead(name, alias, value.raw_from(dot + 1));
    }
    return write_instead(name, "eq", value.raw);
}

std::string bounds_hint(const Text& name, std::string_view bounds) {
    const std::string sent = name_as_sent(name) + "bw.";
    const auto with_comma = [&](std::size_t dot) {
        return sent + std::string(bounds.substr(0, dot)) + "," + std::string(bounds.substr(dot + 1));
    };
    const auto with_quotes = [&](std::size_t dot) {
        return sent + quote(bounds.substr(0, dot)) + "." + quote(bounds.substr(dot + 1));
    };
    const std::vector<std::size_t> dots = is_plain_bound(bounds) ? find_dots(bounds) : std::vector<std::size_t>();
    if (dots.size() == 2) {  // 1.5.2: either bound may be the one with the dot
        return "separate the bounds with a comma, " + with_comma(dots[0]) + " or " + with_comma(dots[1]) + ", or quote them, " +
               with_quotes(dots[0]) + " or " + with_quotes(dots[1]);
    }
    if (dots.size() % 2 == 1 && dots.size() > 1) {
        const std::size_t middle = dots[dots.size() / 2];
        return "separate the bounds with a comma, " + with_comma(middle) + ", or quote them, " + with_quotes(middle);
    }
    return "write " + sent + "1.5,2.5 or " + sent + "\"1.5\".\"2.5\"";
}

std::string name_as_sent(const Text& name) {
    if (name.raw.size() > kShownNameMax) {
        return "COLUMN=";
    }
    return (is_utf8(name.raw) ? std::string(name.raw) : percent_encode(name.view)) + "=";
}

std::string value_as_sent(std::string_view raw) {
    return raw.size() <= kShownMax && is_utf8(raw) ? std::string(raw) : std::string("VALUE");
}

std::string shorten(std::string_view text) {
    if (text.size() <= kShownMax) {
        return std::string(text);
    }
    std::size_t end = kShownMax;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
        --end;
    }
    return std::string(text.substr(0, end)) + "…";
}

}  // namespace filters
