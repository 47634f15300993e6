#include "gateway/request/prefer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "filters/text.h"
#include "gateway/http/ascii.h"

namespace gateway::request {
namespace {

using http::is_blank;
using http::is_digit;
using http::is_equal_ignoring_case;
using http::is_token_character;
using http::to_lower;
using http::trim_blanks;

// Reads the pieces that header values are made of (RFC 9110 section 5.6) from the left.
class Reader {
public:
    explicit Reader(std::string_view text) : text_(text) {}

    [[nodiscard]] bool is_at_end() const { return text_.empty(); }

    void skip_blanks() {
        while (!text_.empty() && is_blank(text_.front())) {
            text_.remove_prefix(1);
        }
    }

    bool skip(char byte) {
        const bool is_there = !text_.empty() && text_.front() == byte;
        text_.remove_prefix(is_there ? 1 : 0);
        return is_there;
    }

    // Empty when no token begins here.
    std::string_view token() {
        std::size_t size = 0;
        while (size < text_.size() && is_token_character(text_[size])) {
            ++size;
        }
        const std::string_view token = text_.substr(0, size);
        text_.remove_prefix(size);
        return token;
    }

    // A token or a quoted string, unquoted.
    std::optional<std::string> word() {
        if (!skip('"')) {
            const std::string_view found = token();
            return found.empty() ? std::nullopt : std::optional<std::string>(found);
        }
        std::string content;
        while (!text_.empty() && text_.front() != '"') {
            if (text_.front() == '\\') {
                text_.remove_prefix(1);
            }
            if (text_.empty() || http::is_control(text_.front())) {
                return std::nullopt;
            }
            content.push_back(text_.front());
            text_.remove_prefix(1);
        }
        return skip('"') && filters::is_utf8(content) ? std::optional(std::move(content)) : std::nullopt;
    }

private:
    std::string_view text_;
};

struct Parameter {
    std::string name;  // lower case
    std::string value;
};

std::string lower(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), to_lower);
    return result;
}

// `name [ "=" word ]`, with blanks around the `=` where the grammar has them (Prefer), else none (media types).
enum class AroundEquals { blanks, nothing };

std::optional<Parameter> read_parameter(Reader& reader, AroundEquals around) {
    Parameter parameter;
    parameter.name = lower(reader.token());
    if (parameter.name.empty()) {
        return std::nullopt;
    }
    if (around == AroundEquals::blanks) {
        reader.skip_blanks();
    }
    if (!reader.skip('=')) {
        return parameter;
    }
    if (around == AroundEquals::blanks) {
        reader.skip_blanks();
    }
    auto value = reader.word();
    if (!value) {
        return std::nullopt;
    }
    parameter.value = std::move(*value);
    return parameter;
}

// `*( ";" [ parameter ] )`; false when something else follows a semicolon.
bool read_parameters(Reader& reader, AroundEquals around, std::vector<Parameter>& parameters) {
    for (;;) {
        reader.skip_blanks();
        if (!reader.skip(';')) {
            return true;
        }
        reader.skip_blanks();
        Reader after = reader;
        if (after.is_at_end() || after.skip(';') || after.skip(',')) {
            continue;
        }
        auto parameter = read_parameter(reader, around);
        if (!parameter) {
            return false;
        }
        parameters.push_back(std::move(*parameter));
    }
}

// Null when the next element is empty and so skipped; false in `is_valid` when it is no preference.
std::optional<Preference> read_preference(Reader& reader, bool& is_valid) {
    is_valid = true;
    Reader after = reader;
    if (after.is_at_end() || after.skip(',')) {
        return std::nullopt;
    }
    auto preference = read_parameter(reader, AroundEquals::blanks);
    std::vector<Parameter> parameters;
    is_valid = preference && read_parameters(reader, AroundEquals::blanks, parameters);
    if (!is_valid) {
        return std::nullopt;
    }
    return Preference{std::move(preference->name), std::move(preference->value), false};
}

// A qvalue in thousandths. Also `.2`, which Java's HttpURLConnection sends.
std::optional<int> parse_weight(std::string_view text) {
    const std::size_t dot = std::min(text.find('.'), text.size());
    const std::string_view whole = text.substr(0, dot);
    const std::string_view fraction = dot == text.size() ? std::string_view{} : text.substr(dot + 1);
    const bool is_well_formed = (whole == "0" || whole == "1" || (whole.empty() && !fraction.empty())) && fraction.size() <= 3 &&
                                std::all_of(fraction.begin(), fraction.end(), is_digit);
    if (!is_well_formed) {
        return std::nullopt;
    }
    int weight = whole == "1" ? 1000 : 0;
    int place = 100;
    for (const char byte : fraction) {
        weight += (byte - '0') * place;
        place /= 10;
    }
    return weight <= 1000 ? std::optional(weight) : std::nullopt;
}

// How closely a media range names JSON: 0 not at all, then `*/*`, `application/*`, `application/json`, the same in UTF-8.
struct Range {
    int closeness = 0;
    int weight = 1000;
};

std::optional<Range> read_range(Reader& reader) {
    const std::string_view type = reader.token();
    // A `*` alone is no media range, but Java's HttpURLConnection sends it for `*/*`.
    const std::string_view subtype = reader.skip('/') ? reader.token() : std::string_view(type == "*" ? "*" : "");
    std::vector<Parameter> parameters;
    if (type.empty() || subtype.empty() || (type == "*" && subtype != "*") ||
        !read_parameters(reader, AroundEquals::nothing, parameters)) {
        return std::nullopt;
    }
    Range range;
    if (type == "*") {
        range.closeness = 1;
    } else if (is_equal_ignoring_case(type, "application") && subtype == "*") {
        range.closeness = 2;
    } else if (is_equal_ignoring_case(type, "application") && is_equal_ignoring_case(subtype, "json")) {
        range.closeness = 3;
    }
    for (const Parameter& parameter : parameters) {
        if (parameter.name == "q") {
            const auto weight = parse_weight(parameter.value);
            if (!weight) {
                return std::nullopt;
            }
            range.weight = *weight;
            return range;  // what follows the weight is no parameter of the media type
        }
        const bool is_utf8 = parameter.name == "charset" && is_equal_ignoring_case(parameter.value, "utf-8");
        range.closeness = is_utf8 && range.closeness >= 3 ? 4 : 0;
    }
    return range;
}

}  // namespace

tl::expected<std::vector<Preference>, std::string> parse_prefer(const std::vector<std::string_view>& values) {
    std::vector<Preference> preferences;
    for (const std::string_view value : values) {
        Reader reader(value);
        for (;;) {
            reader.skip_blanks();
            bool is_valid = true;
            auto preference = read_preference(reader, is_valid);
            if (!is_valid) {
                return tl::unexpected(std::string("a preference of the Prefer header is not a name, or a name and its value"));
            }
            if (preference) {
                const auto first = std::find_if(preferences.begin(), preferences.end(),
                                                [&](const Preference& other) { return other.name == preference->name; });
                if (first == preferences.end()) {
                    preferences.push_back(std::move(*preference));
                } else {
                    first->is_contradicted |= first->value != preference->value;
                }
            }
            reader.skip_blanks();
            if (reader.is_at_end()) {
                break;
            }
            if (!reader.skip(',')) {
                return tl::unexpected(std::string("the preferences of the Prefer header are not separated by commas"));
            }
        }
    }
    return preferences;
}

bool accepts_json(const std::vector<std::string_view>& values) {
    Range best;
    bool is_empty = true;
    for (const std::string_view value : values) {
        Reader reader(value);
        for (;;) {
            reader.skip_blanks();
            if (reader.is_at_end()) {
                break;
            }
            if (reader.skip(',')) {
                continue;
            }
            const auto range = read_range(reader);
            reader.skip_blanks();
            if (!range || (!reader.is_at_end() && !reader.skip(','))) {
                return false;
            }
            is_empty = false;
            const bool is_better =
                range->closeness > best.closeness || (range->closeness == best.closeness && range->weight > best.weight);
            if (range->closeness > 0 && is_better) {
                best = *range;
            }
        }
    }
    return is_empty || (best.closeness > 0 && best.weight > 0);
}

bool is_json_content_type(std::string_view value) {
    Reader reader(trim_blanks(value));
    if (lower(reader.token()) != "application" || !reader.skip('/') || lower(reader.token()) != "json") {
        return false;
    }
    std::vector<Parameter> parameters;
    if (!read_parameters(reader, AroundEquals::nothing, parameters) || !reader.is_at_end() || parameters.size() > 1) {
        return false;
    }
    return parameters.empty() ||
           (parameters.front().name == "charset" && is_equal_ignoring_case(parameters.front().value, "utf-8"));
}

}  // namespace gateway::request
