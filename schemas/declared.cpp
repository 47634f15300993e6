#include "schemas/declared.h"

#include <algorithm>
#include <charconv>

#include "schemas/literal.h"

namespace schemas {
namespace {

constexpr unsigned kPrecisionMax = 65;
constexpr unsigned kScaleMax = 38;
constexpr std::size_t kNumberDigitsMax = 9;

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

// MariaDB writes a quote twice and these four characters with a backslash, whatever the sql_mode (measured on 10.11).
char unescape(char c) {
    switch (c) {
        case '0':
            return '\0';
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        default:
            return c;
    }
}

bool is_escape(std::string_view rest) {
    return rest.size() > 1 && rest[0] == '\\' && (rest[1] == '\\' || rest[1] == '0' || rest[1] == 'n' || rest[1] == 'r');
}

// Takes a quoted argument off `text`; nothing when its quote is not closed.
std::optional<std::string> take_quoted(std::string_view& text) {
    std::string member;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '\'') {
            if (i + 1 == text.size() || text[i + 1] != '\'') {
                text.remove_prefix(i + 1);
                return member;
            }
            ++i;
            member += '\'';
        } else if (is_escape(text.substr(i))) {
            ++i;
            member += unescape(text[i]);
        } else {
            member += text[i];
        }
    }
    return std::nullopt;
}

// Takes `(…)` off `text`, whose first character is the opening parenthesis.
bool take_arguments(std::string_view& text, std::vector<std::string>& arguments) {
    do {
        text = trim(text.substr(1));
        if (text.starts_with('\'')) {
            auto member = take_quoted(text);
            if (!member) {
                return false;
            }
            arguments.push_back(std::move(*member));
            text = trim(text);
        } else {
            const std::size_t end = std::min(text.find_first_of(",)'("), text.size());
            arguments.emplace_back(trim(text.substr(0, end)));
            text.remove_prefix(end);
        }
    } while (text.starts_with(','));
    if (!text.starts_with(')')) {
        return false;
    }
    text.remove_prefix(1);
    return true;
}

void add_word(Declared& declared, std::string_view word) {
    const std::string lower = to_lower(word);
    if (lower == "unsigned" || lower == "zerofill" || lower == "signed") {
        declared.is_unsigned = declared.is_unsigned || lower != "signed";
        declared.has_modifier = true;
        return;
    }
    declared.name += declared.name.empty() ? "" : " ";
    declared.name += lower;
}

}  // namespace

std::optional<unsigned> Declared::number(std::size_t index) const {
    if (index >= arguments.size() || !is_all_digits(arguments[index]) || arguments[index].size() > kNumberDigitsMax) {
        return std::nullopt;
    }
    unsigned number = 0;
    std::from_chars(arguments[index].data(), arguments[index].data() + arguments[index].size(), number);
    return number;
}

bool Declared::has_numbers_only() const {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        if (!number(i)) {
            return false;
        }
    }
    return true;
}

std::optional<Declared> parse_declared(std::string_view text) {
    Declared declared;
    bool has_arguments = false;
    text = trim(text);
    while (!text.empty()) {
        if (text.starts_with("/*")) {
            const std::size_t end = text.find("*/");
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
        } else if (text.front() == '(') {
            if (has_arguments || !take_arguments(text, declared.arguments)) {
                return std::nullopt;
            }
            has_arguments = true;
        } else {
            const auto* const end =
                std::find_if(text.begin() + 1, text.end(), [](char c) { return is_blank(c) || c == '(' || c == '/'; });
            const auto size = static_cast<std::size_t>(end - text.begin());
            add_word(declared, text.substr(0, size));
            text.remove_prefix(size);
        }
        text = trim(text);
    }
    return declared;
}

std::string to_lower(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') {
            c = static_cast<char>(c - 'A' + 'a');
        }
    }
    return lower;
}

bool set_precision(Type& type, std::optional<unsigned> precision, std::optional<unsigned> scale) {
    type.precision = precision;
    type.scale = scale.value_or(0);
    return precision && *precision >= 1 && *precision <= kPrecisionMax && type.scale <= std::min(*precision, kScaleMax);
}

bool set_fraction_digits(Type& type, unsigned fraction_digits) {
    type.fraction_digits = fraction_digits;
    return fraction_digits <= 6;
}

bool set_bits(Type& type, unsigned bits) {
    type.bits = bits;
    return bits >= 1 && bits <= 64;
}

}  // namespace schemas
