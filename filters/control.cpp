#include "filters/control.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "filters/condition.h"
#include "filters/distance.h"
#include "filters/operators.h"
#include "filters/print.h"

namespace filters {
namespace {

using Outcome = tl::expected<void, ParseError>;

enum class Kind { select, order, limit, offset, ids, confirm, preview, no_content, undelivered_condition, undelivered };

struct ControlEntry {
    std::string_view name;
    Kind kind;
};

constexpr std::array<ControlEntry, kControlCount> kControls{{
    {"select", Kind::select},
    {"order", Kind::order},
    {"limit", Kind::limit},
    {"offset", Kind::offset},
    {"ids", Kind::ids},
    {"or", Kind::undelivered_condition},
    {"and", Kind::undelivered_condition},
    {"not", Kind::undelivered_condition},
    {"any", Kind::undelivered_condition},
    {"all", Kind::undelivered_condition},
    {"having", Kind::undelivered_condition},
    {"on_conflict", Kind::undelivered},
    {"columns", Kind::undelivered},
    {"confirm", Kind::confirm},
    {"_preview", Kind::preview},
    {"_no-content", Kind::no_content},
    {"_deleted", Kind::undelivered},
}};

constexpr std::size_t kTermsMax = 1000;
constexpr std::string_view kCountMax = "9223372036854775807";  // 2^63-1: what every database takes

// Finds a column that is named twice. A hash each, compared in one run, keeps a thousand long names from costing a million
// string comparisons.
class SeenNames {
public:
    // False when `name` was added before; `terms` are all that were.
    template <typename Term>
    [[nodiscard]] bool add(const std::string& name, const std::vector<Term>& terms) {
        const std::size_t hash = std::hash<std::string>{}(name);
        for (std::size_t i = 0; i < hashes_.size(); ++i) {
            if (hashes_[i] == hash && terms[i].column == name) {
                return false;
            }
        }
        hashes_.push_back(hash);
        return true;
    }

private:
    std::vector<std::size_t> hashes_;
};

bool holds_arrow(std::string_view name) {
    return name.find("->") != std::string_view::npos;
}

// One column name of `select` or `order`. Aliases, embedding, aggregates and JSON paths will be written with `: ( ) . ->`, so an
// unquoted name may not hold them from the start; `stops` ends the name.
tl::expected<std::string, ParseError> take_term(Cursor& cursor, std::string_view stops) {
    if (cursor.is_at('"')) {
        const Position opening = cursor.position();
        auto content = cursor.take_quoted();
        if (content && content->empty()) {
            return cursor.refuse_at(opening, "a column name is empty");
        }
        return content;
    }
    const Position begin = cursor.position();
    const std::string_view run = cursor.take_until(stops);
    if (cursor.is_at('"')) {
        return cursor.refuse("a quote stands only at both ends of a name", "inside a quoted name a quote is written \\\"");
    }
    if (!cursor.is_at_end() && !cursor.is_at(',') && !cursor.is_at('.')) {
        return cursor.refuse("only column names can stand here yet: no alias, function or embedded table",
                             "a column whose name holds one of : ( ) is written in quotes");
    }
    if (holds_arrow(run)) {
        return cursor.refuse_at(begin, "only column names can stand here yet: no JSON path",
                                "a column whose name holds -> is written in quotes");
    }
    if (run.empty()) {
        return cursor.refuse("a column name is empty");
    }
    if (run == "*") {
        return cursor.refuse_at(begin, "* stands for all columns and only alone, as select=*",
                                "a column of this name is written \"*\"");
    }
    return std::string(run);
}

tl::unexpected<ParseError> refuse_repeated_column(Position position, std::string_view column) {
    return tl::unexpected(
        ParseError{Fault::control_invalid, "the column " + quote(shorten(column)) + " is named twice", {}, {}, position});
}

tl::unexpected<ParseError> refuse_term_count(Position position, std::string_view control) {
    return tl::unexpected(ParseError{Fault::limit_exceeded,
                                     std::string(control) + " names more columns than the limit of " + std::to_string(kTermsMax),
                                     {},
                                     {},
                                     position});
}

// `order=eq.5` is most likely a condition on a column of that name.
std::string column_hint(const Text& name, const Text& value) {
    const std::size_t dot = value.view.find('.');
    if (dot == std::string_view::npos || !find_operator(value.view.substr(0, dot))) {
        return {};
    }
    return "a column of this name is written in quotes: " + quote(name.view) + "=" + value_as_sent(value.raw);
}

Outcome parse_select(Query& query, const Text& value) {
    if (value.view == "*") {
        return {};
    }
    Cursor cursor(value, 0, Fault::control_invalid);
    SeenNames seen;
    while (true) {
        if (query.select.size() == kTermsMax) {
            return refuse_term_count(cursor.position(), "select");
        }
        const Position position = cursor.position();
        auto column = take_term(cursor, ",\":().");
        if (!column) {
            return tl::unexpected(std::move(column.error()));
        }
        if (!cursor.is_at_end() && !cursor.is_at(',')) {
            return cursor.refuse("after a column name only a comma may follow", "a name that holds a dot is written in quotes");
        }
        if (!seen.add(*column, query.select)) {
            return refuse_repeated_column(position, *column);
        }
        query.select.push_back(SelectTerm{std::move(*column), position});
        if (cursor.is_at_end()) {
            return {};
        }
        cursor.skip();
    }
}

void note_undelivered(Query& query, std::string name, Position position, Kind kind) {
    const auto has_name = [&](const Undelivered& undelivered) { return undelivered.name == name; };
    if (std::none_of(query.undelivered.begin(), query.undelivered.end(), has_name)) {
        query.undelivered.push_back(Undelivered{std::move(name), position, kind == Kind::undelivered_condition});
    }
}

// At the dot behind an order term's name: `.asc` or `.desc`, then perhaps where NULLs go, which is noted as undelivered.
Outcome parse_order_suffixes(Query& query, OrderTerm& term, Cursor& cursor) {
    bool is_directed = false;
    while (cursor.is_at('.')) {
        cursor.skip();
        const Position position = cursor.position();
        const std::string_view suffix = cursor.take_until(",.");
        if (!is_directed && (suffix == "asc" || suffix == "desc")) {
            is_directed = true;
            term.direction = suffix == "desc" ? Direction::descending : Direction::ascending;
        } else if ((suffix == "nullslast" || suffix == "nullsfirst") && !cursor.is_at('.')) {
            note_undelivered(query, "order " + std::string(suffix), position, Kind::undelivered);
        } else {
            return cursor.refuse_at(position, "after a column name order takes .asc or .desc",
                                    "a name that holds a dot is written in quotes, \"a.b\".desc");
        }
    }
    return {};
}

Outcome parse_order(Query& query, const Text& value) {
    Cursor cursor(value, 0, Fault::control_invalid);
    SeenNames seen;
    while (true) {
        if (query.order.size() == kTermsMax) {
            return refuse_term_count(cursor.position(), "order");
        }
        OrderTerm term;
        term.position = cursor.position();
        auto column = take_term(cursor, ",\":().");
        if (!column) {
            return tl::unexpected(std::move(column.error()));
        }
        term.column = std::move(*column);
        if (!seen.add(term.column, query.order)) {
            return refuse_repeated_column(term.position, term.column);
        }
        if (auto outcome = parse_order_suffixes(query, term, cursor); !outcome) {
            return outcome;
        }
        if (!cursor.is_at_end() && !cursor.is_at(',')) {
            return cursor.refuse("after a quoted name only a dot or a comma may follow");
        }
        query.order.push_back(std::move(term));
        if (cursor.is_at_end()) {
            return {};
        }
        cursor.skip();
    }
}

tl::expected<Count, ParseError> parse_count(const Text& name, const Text& value) {
    const Cursor cursor(value, 0, Fault::control_invalid);
    const std::string_view digits = value.view;
    const std::string control(name.view);
    const std::size_t stray = digits.find_first_not_of("0123456789");
    if (stray != std::string_view::npos) {
        return cursor.refuse_at(value.at(stray), control + " takes a whole number in digits alone");
    }
    if (digits.size() > 1 && digits.front() == '0') {
        return cursor.refuse(control + " may not begin with a zero");
    }
    if (digits.size() > kCountMax.size() || (digits.size() == kCountMax.size() && digits > kCountMax)) {
        return cursor.refuse(control + " may be at most " + std::string(kCountMax));
    }
    Count count;
    count.position = value.at(0);
    for (const char digit : digits) {
        count.value = count.value * 10 + static_cast<std::uint64_t>(digit - '0');
    }
    return count;
}

Outcome keep_count(std::optional<Count>& kept, const Text& name, const Text& value) {
    auto count = parse_count(name, value);
    if (!count) {
        return tl::unexpected(std::move(count.error()));
    }
    kept = *count;
    return {};
}

// `false` is refused too: who writes it thinks that something else would be the default.
Outcome parse_true(std::optional<Position>& kept, const Text& name, const Text& value) {
    if (value.view != "true") {
        return Cursor(value, 0, Fault::control_invalid).refuse(std::string(name.view) + " takes true alone", "leave it out instead");
    }
    kept = name.at(0);
    return {};
}

Outcome parse_ids(Query& query, const Text& name, const Text& value, std::size_t keys_max) {
    Ids& ids = query.ids.emplace();
    ids.position = name.at(0);
    return parse_items(ids.items, Cursor(value, 0, Fault::control_invalid), keys_max, "keys");
}

bool is_undelivered(Kind kind, const Limits& limits) {
    switch (kind) {
        case Kind::select:
        case Kind::order:
        case Kind::limit:
        case Kind::offset:
            return false;
        case Kind::ids:
        case Kind::confirm:
        case Kind::preview:
        case Kind::no_content:
            return !limits.reads_asks;
        case Kind::undelivered_condition:
        case Kind::undelivered:
            return true;
    }
    return true;
}

Outcome parse_value(Query& query, Kind kind, const Text& name, const Text& value, const Limits& limits) {
    switch (kind) {
        case Kind::select:
            query.select_position = name.at(0);
            return parse_select(query, value);
        case Kind::order:
            query.order_position = name.at(0);
            return parse_order(query, value);
        case Kind::limit:
            return keep_count(query.limit, name, value);
        case Kind::offset:
            return keep_count(query.offset, name, value);
        case Kind::ids:
            return parse_ids(query, name, value, limits.keys_max);
        case Kind::confirm:
            return parse_true(query.confirm, name, value);
        case Kind::preview:
            return parse_true(query.preview, name, value);
        case Kind::no_content:
            return parse_true(query.no_content, name, value);
        case Kind::undelivered_condition:
        case Kind::undelivered:
            break;
    }
    return {};
}

std::string_view nearest_control(std::string_view name) {
    constexpr std::size_t kNameMax = 16;
    constexpr std::size_t kDistanceMax = 2;
    std::string_view nearest;
    std::size_t best = kDistanceMax + 1;
    if (name.size() > kNameMax) {
        return nearest;
    }
    for (const ControlEntry& entry : kControls) {
        const std::size_t apart = edit_distance(name, entry.name);
        // Two letters of `or` or `any` are the whole word.
        if (apart < best && apart * 2 < entry.name.size()) {
            best = apart;
            nearest = entry.name;
        }
    }
    return nearest;
}

}  // namespace

std::optional<ControlIndex> find_control(std::string_view name) {
    for (std::size_t i = 0; i < kControls.size(); ++i) {
        if (kControls[i].name == name) {
            return i;
        }
    }
    return std::nullopt;
}

tl::expected<void, ParseError> parse_control(Query& query, ControlIndex control, const Text& name, const Text& value,
                                             const Limits& limits) {
    const Kind kind = kControls[control].kind;
    if (is_undelivered(kind, limits)) {
        note_undelivered(query, std::string(name.view), name.at(0), kind == Kind::ids ? Kind::undelivered_condition : kind);
        return {};
    }
    if (value.view.empty()) {
        return Cursor(value, 0, Fault::control_invalid).refuse(std::string(name.view) + " is empty", "leave it out instead");
    }
    Outcome outcome = parse_value(query, kind, name, value, limits);
    if (!outcome) {
        if (std::string hint = column_hint(name, value); !hint.empty()) {
            outcome.error().hint = std::move(hint);
        }
    }
    return outcome;
}

std::string control_hint(const Text& name, std::string_view raw_value) {
    constexpr std::size_t kShownMax = 256;
    const std::string escaped = quote(name.view);
    std::string quoted = "\"" + percent_encode(std::string_view(escaped).substr(1, escaped.size() - 2)) + "\"=";
    if (quoted.size() > kShownMax) {
        quoted = "\"COLUMN\"=";
    }
    std::string in_quotes = "a column of this name is written in quotes: " + quoted + value_as_sent(raw_value);
    if (name.view.front() == '_') {
        const std::string_view nearest = nearest_control(name.view);
        return nearest.empty() ? in_quotes : "write " + std::string(nearest) + "; " + in_quotes;
    }
    const std::size_t dot = name.view.rfind('.');
    if (dot != std::string_view::npos && dot <= kShownMax && is_bare_name(name.view.substr(0, dot)) &&
        find_operator(name.view.substr(dot + 1))) {
        // `age.gt=5`: the operator stands on the wrong side of the `=`.
        return "write " + percent_encode(name.view.substr(0, dot)) + "=" + std::string(name.view.substr(dot + 1)) + "." +
               value_as_sent(raw_value) + "; " + in_quotes;
    }
    return in_quotes;
}

bool is_bare_name(std::string_view name) {
    return !name.empty() && name.front() != '_' && name.find_first_of("\".") == std::string_view::npos && !find_control(name);
}

bool is_bare_term(std::string_view name) {
    return !name.empty() && name != "*" && name.find_first_of(",\":().") == std::string_view::npos && !holds_arrow(name);
}

}  // namespace filters
