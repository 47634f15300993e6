#include "sql/plan/bind_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "filters/key.h"
#include "sql/plan/bind_condition.h"
#include "sql/plan/json_kind.h"
#include "sql/plan/message.h"

namespace sql::plan {
namespace {

using schemas::Value;

// Null without a primary key that the caller may use.
const std::vector<std::size_t>* key_of(const schemas::Table& table, const Hidden& hidden) {
    if (!table.primary_key || table.primary_key->columns.empty()) {
        return nullptr;
    }
    const std::vector<std::size_t>& columns = table.primary_key->columns;
    const bool is_seen = std::none_of(columns.begin(), columns.end(), [&](std::size_t column) { return hidden.contains(column); });
    return is_seen ? &columns : nullptr;
}

std::string names_of(const schemas::Table& table, const std::vector<std::size_t>& columns) {
    std::string names;
    for (const std::size_t column : columns) {
        names += names.empty() ? "" : ",";
        names += table.columns[column].name.text();
    }
    return names;
}

PlanError key_invalid(std::string detail, std::string hint, filters::Position position) {
    return {Fault::key_invalid, std::move(detail), std::move(hint), "", position, Origin::target};
}

PlanError keys_misfit(std::string detail, std::string hint, std::string_view parameter, filters::Position position, Origin origin) {
    return {Fault::query_invalid, std::move(detail), std::move(hint), std::string(parameter), position, origin};
}

PlanError keyless(std::string_view parameter, filters::Position position, Origin origin) {
    return keys_misfit("ids asks for a primary key, and the table has none", "use a filter", parameter, position, origin);
}

std::string parts_expected(const schemas::Table& table, const std::vector<std::size_t>& columns, std::size_t sent) {
    return fmt::format("a key of this table is {} value{}, for {}; here {} {}", columns.size(), columns.size() == 1 ? "" : "s",
                       quoted(names_of(table, columns)), sent == 1 ? "stands" : "stand", sent);
}

// Whole keys as bytes: each value with its kind, and its length where that varies.
std::string identity_of(const Value* values, std::size_t count) {
    struct Writer {
        std::string& out;
        void operator()(const schemas::Null&) const {}
        void operator()(std::int64_t number) const { fixed(&number, sizeof number); }
        void operator()(std::uint64_t number) const { fixed(&number, sizeof number); }
        void operator()(double number) const {
            const double one_zero = number == 0 ? 0 : number;
            fixed(&one_zero, sizeof one_zero);
        }
        void operator()(const schemas::Text& text) const { sized(text.text); }
        void operator()(const schemas::Bytes& bytes) const { sized(bytes.bytes); }
        void fixed(const void* bytes, std::size_t size) const { out.append(static_cast<const char*>(bytes), size); }
        void sized(const std::string& text) const {
            const std::size_t size = text.size();
            fixed(&size, sizeof size);
            out += text;
        }
    };
    std::string out;
    for (std::size_t i = 0; i < count; ++i) {
        out += static_cast<char>(values[i].index());
        std::visit(Writer{out}, values[i]);
    }
    return out;
}

// Gathers keys into one predicate.
class KeyList {
public:
    KeyList(const std::vector<std::size_t>& columns, std::size_t count) : width_(columns.size()) {
        predicate_.column = columns.front();
        predicate_.kind = PredicateKind::key_in;
        predicate_.values.reserve(count * width_);
    }

    void begin() {
        begin_ = predicate_.values.size();
        is_possible_ = true;
    }
    void add(schemas::Reading reading) {
        is_possible_ = is_possible_ && reading.fit == schemas::Fit::exact;
        predicate_.values.push_back(std::move(reading.value));
    }
    void end() {
        if (!is_possible_ || !seen_.insert(identity_of(predicate_.values.data() + begin_, width_)).second) {
            predicate_.values.resize(begin_);
        }
    }

    Predicate finish() && {
        if (predicate_.values.empty()) {
            predicate_.kind = PredicateKind::never;
        }
        return std::move(predicate_);
    }

private:
    std::size_t width_;
    std::size_t begin_ = 0;
    bool is_possible_ = true;
    Predicate predicate_;
    std::set<std::string> seen_;  // ordered, for a hash can be made to collide
};

tl::expected<schemas::Reading, PlanError> read_part(const KeyPart& part, const schemas::Column& column) {
    const auto in_body = [](PlanError error) {
        error.origin = Origin::body;
        return tl::unexpected(std::move(error));
    };
    if (!takes(column.type, part.kind)) {
        const std::string& name = column.name.text();
        return in_body({Fault::value_invalid,
                        fmt::format("column {}: a column of type {} does not take {}", quoted(name), type_name(column.type), name_of(part.kind)),
                        schemas::describe_literal(column.type), name, part.literal.position, Origin::body});
    }
    auto reading = read_comparison(column, part.literal);
    if (!reading) {
        return in_body(std::move(reading).error());
    }
    return reading;
}

}  // namespace

bool has_key(const schemas::Table& table, const Hidden& hidden) {
    return key_of(table, hidden) != nullptr;
}

tl::expected<std::vector<filters::Literal>, PlanError> read_path_key(const PathKey& key, const schemas::Table& table, const Hidden& hidden) {
    const std::vector<std::size_t>* const columns = key_of(table, hidden);
    if (columns == nullptr) {
        return tl::unexpected(PlanError{Fault::key_unknown, "the table has no primary key to name a row by",
                                        "use a filter: ?column=eq.value", "", key.position, Origin::target});
    }
    auto parts = filters::parse_key(key.raw, key.position, columns->size() == 1 ? filters::KeyForm::whole : filters::KeyForm::parts);
    if (!parts) {
        return tl::unexpected(key_invalid(std::move(parts.error().detail), std::move(parts.error().hint), parts.error().position));
    }
    if (parts->size() != columns->size()) {
        const std::size_t first_extra = columns->size();
        return tl::unexpected(key_invalid(parts_expected(table, *columns, parts->size()),
                                          "separate the values with commas that are not percent-encoded, and write a value that holds one in quotes",
                                          parts->size() > first_extra ? (*parts)[first_extra].position : key.position));
    }
    return *std::move(parts);
}

tl::expected<void, PlanError> bind_path_key(const PathKey& key, const schemas::Table& table, const Hidden& hidden,
                                            std::vector<Predicate>& where) {
    auto parts = read_path_key(key, table, hidden);
    if (!parts) {
        return tl::unexpected(std::move(parts).error());
    }
    const std::vector<std::size_t>& columns = table.primary_key->columns;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        filters::Condition condition;
        condition.column = table.columns[columns[i]].name.text();
        condition.position = key.position;
        condition.op = filters::Operator::eq;
        condition.values.push_back(std::move((*parts)[i]));
        if (auto bound = bind_condition(condition, table, hidden, where); !bound) {
            return bound;
        }
    }
    return {};
}

tl::expected<void, PlanError> bind_ids(const filters::Ids& ids, const schemas::Table& table, const Hidden& hidden,
                                       std::vector<Predicate>& where) {
    const std::vector<std::size_t>* const columns = key_of(table, hidden);
    if (columns == nullptr) {
        return tl::unexpected(keyless("ids", ids.position, Origin::target));
    }
    if (columns->size() != 1) {
        return tl::unexpected(keys_misfit(
            fmt::format("ids in a query are values of one key column, and this table's key is {}", quoted(names_of(table, *columns))),
            "send the keys in a body, each as an array: {\"ids\":[[1,2],[3,4]]}", "ids", ids.position, Origin::target));
    }
    const schemas::Column& column = table.columns[columns->front()];
    KeyList list(*columns, ids.items.size());
    for (const filters::Literal& item : ids.items) {
        auto reading = read_comparison(column, item);
        if (!reading) {
            return tl::unexpected(std::move(reading).error());
        }
        list.begin();
        list.add(std::move(*reading));
        list.end();
    }
    where.push_back(std::move(list).finish());
    return {};
}

tl::expected<void, PlanError> bind_body_keys(const BodyKeys& keys, const schemas::Table& table, const Hidden& hidden,
                                             std::vector<Predicate>& where) {
    const std::vector<std::size_t>* const columns = key_of(table, hidden);
    if (columns == nullptr) {
        return tl::unexpected(keyless("ids", keys.positions.empty() ? 0 : keys.positions.front(), Origin::body));
    }
    KeyList list(*columns, keys.ends.size());
    std::size_t at = 0;
    for (std::size_t key = 0; key < keys.ends.size(); ++key) {
        const std::size_t size = keys.ends[key] - at;
        if (size != columns->size()) {
            return tl::unexpected(keys_misfit(parts_expected(table, *columns, size),
                                              columns->size() == 1 ? "" : "write each key as an array of its values, in this order", "ids",
                                              keys.positions[key], Origin::body));
        }
        list.begin();
        for (const std::size_t column : *columns) {
            auto reading = read_part(keys.parts[at], table.columns[column]);
            if (!reading) {
                return tl::unexpected(std::move(reading).error());
            }
            list.add(std::move(*reading));
            ++at;
        }
        list.end();
    }
    where.push_back(std::move(list).finish());
    return {};
}

bool is_total(const std::vector<Order>& order, const schemas::Table& table) {
    // SQLite keeps 1:00 and 01:00 apart, and they sort as one time.
    const auto may_tie = [](const schemas::Column& column) {
        return column.is_nullable ||
               (column.type.storage == schemas::Storage::sqlite && column.type.type_class == schemas::TypeClass::time);
    };
    const auto names_all = [&](const schemas::Key& key) {
        return !key.columns.empty() && std::all_of(key.columns.begin(), key.columns.end(), [&](std::size_t column) {
            return !may_tie(table.columns[column]) &&
                   std::any_of(order.begin(), order.end(), [column](const Order& term) { return term.column == column; });
        });
    };
    return (table.primary_key && names_all(*table.primary_key)) ||
           std::any_of(table.unique_keys.begin(), table.unique_keys.end(), names_all);
}

}  // namespace sql::plan
