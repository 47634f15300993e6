#include "filters/parse.h"

#include <algorithm>
#include <bitset>
#include <utility>

#include "filters/condition.h"
#include "filters/control.h"
#include "filters/lexer.h"
#include "filters/operators.h"

namespace filters {
namespace {

using Outcome = tl::expected<void, ParseError>;

[[gnu::cold]] tl::unexpected<ParseError> refuse_name(Position position, std::string detail, std::string hint = {}) {
    return tl::unexpected(ParseError{Fault::name_invalid, std::move(detail), std::move(hint), {}, position});
}

// Reads one query string. The two buffers serve every parameter in turn.
class Parser {
public:
    explicit Parser(const Limits& limits) : limits_(limits) {}

    tl::expected<Query, ParseError> parse(std::string_view query, Position offset);

private:
    Outcome parse_parameter(std::string_view raw, Position position);
    Outcome parse_named(const Text& name, std::string_view raw_value, Position value_position);
    Outcome parse_quoted_name(const Text& name, std::string_view raw_value, Position value_position);
    Outcome parse_where(std::string column, const Text& name, std::string_view raw_value, Position value_position);

    const Limits& limits_;
    Query query_;
    std::bitset<kControlCount> controls_seen_;
    Decoded name_buffer_;
    Decoded value_buffer_;
};

tl::expected<Query, ParseError> Parser::parse(std::string_view query, Position offset) {
    const auto ampersands = static_cast<std::size_t>(std::count(query.begin(), query.end(), '&'));
    query_.where.reserve(std::min(ampersands + (query.empty() ? 0 : 1), limits_.conditions_max));
    std::size_t begin = 0;
    while (begin < query.size()) {
        const std::size_t end = std::min(query.find('&', begin), query.size());
        if (end > begin) {
            if (auto outcome = parse_parameter(query.substr(begin, end - begin), offset + begin); !outcome) {
                return tl::unexpected(std::move(outcome.error()));
            }
        }
        begin = end + 1;
    }
    return std::move(query_);
}

Outcome Parser::parse_parameter(std::string_view raw, Position position) {
    const std::size_t name_end = std::min(raw.find('='), raw.size());
    const std::size_t value_begin = std::min(name_end + 1, raw.size());
    const auto name = decode(raw.substr(0, name_end), position, name_buffer_);
    if (!name) {
        return tl::unexpected(name.error());
    }
    Outcome outcome = parse_named(*name, raw.substr(value_begin), position + value_begin);
    if (!outcome) {
        outcome.error().parameter = name->view;
    }
    return outcome;
}

Outcome Parser::parse_named(const Text& name, std::string_view raw_value, Position value_position) {
    if (name.view.empty()) {
        return refuse_name(name.at(0), "a parameter has no name", "write column=operator.value");
    }
    if (name.view.front() == '"') {
        return parse_quoted_name(name, raw_value, value_position);
    }
    if (const std::size_t stray = name.view.find('"'); stray != std::string_view::npos) {
        return refuse_name(name.at(stray), "a quote stands only at both ends of a name",
                           "inside a quoted name a quote is written \\\"");
    }
    if (const auto control = find_control(name.view)) {
        if (controls_seen_.test(*control)) {
            return tl::unexpected(
                ParseError{Fault::control_invalid, std::string(name.view) + " is given twice", {}, {}, name.at(0)});
        }
        controls_seen_.set(*control);
        const auto value = decode(raw_value, value_position, value_buffer_);
        if (!value) {
            return tl::unexpected(value.error());
        }
        return parse_control(query_, *control, name, *value, limits_);
    }
    // What is_bare_name asks, less what is known by now.
    if (name.view.front() == '_' || name.view.find('.') != std::string_view::npos) {
        return tl::unexpected(ParseError{
            Fault::control_unknown,
            quote(shorten(name.view)) + " is no control, and a column's name that begins with _ or holds a dot must be quoted",
            control_hint(name, raw_value),
            {},
            name.at(0)});
    }
    return parse_where(std::string(name.view), name, raw_value, value_position);
}

Outcome Parser::parse_quoted_name(const Text& name, std::string_view raw_value, Position value_position) {
    Cursor cursor(name, 0, Fault::name_invalid);
    auto column = cursor.take_quoted();
    if (!column) {
        return tl::unexpected(std::move(column.error()));
    }
    if (!cursor.is_at_end()) {
        return cursor.refuse("after a name's closing quote only an = may follow", "inside a quoted name a quote is written \\\"");
    }
    if (column->empty()) {
        return refuse_name(name.at(0), "a column name is empty");
    }
    return parse_where(std::move(*column), name, raw_value, value_position);
}

Outcome Parser::parse_where(std::string column, const Text& name, std::string_view raw_value, Position value_position) {
    if (query_.where.size() == limits_.conditions_max) {
        return tl::unexpected(ParseError{
            Fault::limit_exceeded,
            "the query has more conditions than the limit of " + std::to_string(limits_.conditions_max) + " conditions",
            "name many values of one column as a list: column=in.1,2,3",
            {},
            name.at(0)});
    }
    const auto value = decode(raw_value, value_position, value_buffer_);
    if (!value) {
        return tl::unexpected(value.error());
    }
    Condition condition;
    condition.column = std::move(column);
    condition.position = name.at(0);
    Outcome outcome = parse_condition(condition, name, *value, limits_);
    if (outcome) {
        query_.where.push_back(std::move(condition));
    }
    return outcome;
}

}  // namespace

tl::expected<Query, ParseError> parse(std::string_view query, Position offset, const Limits& limits) {
    return Parser(limits).parse(query, offset);
}

}  // namespace filters
