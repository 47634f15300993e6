#include "filters/condition.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "filters/operators.h"

namespace filters {
namespace {

using Outcome = tl::expected<void, ParseError>;

[[gnu::cold]] tl::unexpected<ParseError> refuse_operator(const Text& name, const Text& value) {
    const std::size_t dot = value.view.find('.');
    std::string detail = "the parameter " + shorten(name.view);
    if (dot == std::string_view::npos) {
        detail += " has no operator";
    } else if (value.view.substr(0, dot) == "not") {
        detail += " has an unknown operator, not. before something else than is.null";
    } else {
        detail += " has an unknown operator, " + quote(shorten(value.view.substr(0, dot)));
    }
    detail += "; the operators are " + operator_list();
    return tl::unexpected(ParseError{Fault::operator_unknown, std::move(detail), operator_hint(name, value), {}, value.at(0)});
}

// One list item or bound. `stops` is the separator and a quote.
tl::expected<Literal, ParseError> take_item(Cursor& cursor, std::string_view stops) {
    const char separator = stops.front();
    Literal item;
    item.position = cursor.position();
    if (cursor.is_at('"')) {
        auto content = cursor.take_quoted();
        if (!content) {
            return tl::unexpected(std::move(content.error()));
        }
        if (!cursor.is_at_end() && !cursor.is_at(separator)) {
            return cursor.refuse("after a closing quote only a " + quote(std::string(1, separator)) + " may follow",
                                 "inside a quoted item a quote is written \\\"");
        }
        item.text = std::move(*content);
        return item;
    }
    if (cursor.is_at('(')) {
        return cursor.refuse(
            "an item that begins with ( must be quoted",
            "a list is written without parentheses, in.1,2, and bounds bw.1,2; a text that begins with one is \"(…\"");
    }
    const std::string_view run = cursor.take_until(stops);
    if (cursor.is_at('"')) {
        return cursor.refuse("a quote stands only at both ends of an item",
                             "write the item as \"…\" and a quote inside it as \\\"");
    }
    if (run.empty()) {
        return cursor.refuse("an item is empty", "the empty text is written \"\"");
    }
    item.text = run;
    return item;
}

// Whether a comma stands outside quotes. Where quotes are misplaced the answer does not matter: take_item refuses them.
bool has_bare_comma(std::string_view text) {
    bool is_quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '"') {
            is_quoted = !is_quoted;
        } else if (text[i] == '\\' && is_quoted) {
            ++i;
        } else if (text[i] == ',' && !is_quoted) {
            return true;
        }
    }
    return false;
}

Outcome parse_bounds(Condition& condition, Cursor cursor, const Text& name) {
    const Position begin = cursor.position();
    const std::string_view bounds = cursor.rest();
    const std::string_view stops = has_bare_comma(bounds) ? ",\"" : ".\"";
    const auto refuse_count = [&] {
        return cursor.refuse_at(begin, "bw takes exactly two bounds, lower and upper", bounds_hint(name, bounds));
    };
    if (bounds.empty()) {
        return refuse_count();
    }
    condition.values.reserve(2);
    while (true) {
        auto item = take_item(cursor, stops);
        if (!item) {
            return tl::unexpected(std::move(item.error()));
        }
        condition.values.push_back(std::move(*item));
        if (cursor.is_at_end()) {
            break;
        }
        if (condition.values.size() == 2) {
            return refuse_count();
        }
        cursor.skip();
    }
    if (condition.values.size() != 2) {
        return refuse_count();
    }
    return {};
}

Outcome parse_null_test(const Cursor& cursor, const Text& name) {
    if (cursor.rest() != "null") {
        const std::string sent = name_as_sent(name);
        return cursor.refuse("is tests for null alone", "write " + sent + "is.null or " + sent + "not.is.null");
    }
    return {};
}

Outcome parse_single(Condition& condition, const Cursor& cursor) {
    condition.values.push_back(Literal{std::string(cursor.rest()), cursor.position()});
    return {};
}

Outcome parse_pattern(Condition& condition, const Cursor& cursor) {
    if (cursor.is_at_end()) {
        return cursor.refuse(
            std::string(name_of(condition.op)) + " needs at least one character, for the empty text is in every text",
            "leave the condition out, or write not.is.null to ask for any text at all");
    }
    return parse_single(condition, cursor);
}

}  // namespace

tl::expected<void, ParseError> parse_items(std::vector<Literal>& items, Cursor cursor, std::size_t items_max, std::string_view name) {
    if (cursor.is_at_end()) {
        return cursor.refuse("the list is empty", "name at least one item; the empty text is written \"\"");
    }
    const std::string_view rest = cursor.rest();
    const auto commas = static_cast<std::size_t>(std::count(rest.begin(), rest.end(), ','));
    items.reserve(std::min(commas + 1, items_max));
    while (true) {
        if (items.size() == items_max) {
            return tl::unexpected(
                ParseError{Fault::limit_exceeded,
                           "the list has more items than the limit of " + std::to_string(items_max) + " " + std::string(name),
                           "send the list in parts",
                           {},
                           cursor.position()});
        }
        auto item = take_item(cursor, ",\"");
        if (!item) {
            return tl::unexpected(std::move(item.error()));
        }
        items.push_back(std::move(*item));
        if (cursor.is_at_end()) {
            return {};
        }
        cursor.skip();
    }
}

tl::expected<void, ParseError> parse_condition(Condition& condition, const Text& name, const Text& value, const Limits& limits) {
    constexpr std::string_view kNotIs = "not.is.";
    const std::size_t dot = value.view.find('.');
    if (dot == std::string_view::npos) {
        return refuse_operator(name, value);
    }
    if (value.view.substr(0, kNotIs.size()) == kNotIs) {
        condition.op = Operator::is;
        condition.is_negated = true;
        return parse_null_test(Cursor(value, kNotIs.size(), Fault::value_invalid), name);
    }
    const std::optional<Operator> op = find_operator(value.view.substr(0, dot));
    if (!op) {
        return refuse_operator(name, value);
    }
    condition.op = *op;
    const Cursor cursor(value, dot + 1, Fault::value_invalid);
    switch (*op) {
        case Operator::eq:
        case Operator::ne:
        case Operator::lt:
        case Operator::gt:
        case Operator::le:
        case Operator::ge:
            return parse_single(condition, cursor);
        case Operator::bw:
            return parse_bounds(condition, cursor, name);
        case Operator::in:
        case Operator::nin:
            return parse_items(condition.values, cursor, limits.list_items_max, "list items");
        case Operator::li:
        case Operator::rli:
        case Operator::lli:
            return parse_pattern(condition, cursor);
        case Operator::is:
            return parse_null_test(cursor, name);
    }
    return refuse_operator(name, value);
}

}  // namespace filters
