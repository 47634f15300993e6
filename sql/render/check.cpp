#include "sql/render/check.h"

#include <algorithm>
#include <span>
#include <utility>

#include "sql/render/where.h"

namespace sql::render {
namespace {

// Each fits the next whole number of times: any number of keys takes few statements of few shapes.
constexpr std::size_t kKeyCounts[] = {256, 16, 1};

const std::vector<std::size_t>& key_of(const schemas::Table& table) {
    static const std::vector<std::size_t> kNone;
    return table.primary_key ? table.primary_key->columns : kNone;
}

plan::Predicate equals(std::size_t column, schemas::Value value) {
    plan::Predicate predicate{column, plan::PredicateKind::eq, {}};
    predicate.values.push_back(std::move(value));
    return predicate;
}

void write_keys(Writer& writer, const Dialect& dialect, const schemas::Table& table, std::span<schemas::Value> keys) {
    const std::vector<std::size_t>& columns = key_of(table);
    if (columns.size() == 1) {
        plan::Predicate predicate{columns.front(), plan::PredicateKind::in, {}};
        predicate.values.assign(std::make_move_iterator(keys.begin()), std::make_move_iterator(keys.end()));
        dialect.predicate(writer, table.columns[columns.front()], predicate);
        return;
    }
    writer.keyword("(");
    for (std::size_t at = 0; at < keys.size(); ++at) {
        const std::size_t part = at % columns.size();
        if (part != 0) {
            writer.keyword(" AND ");
        } else if (at == 0) {
            writer.keyword("(");
        } else {
            writer.keyword(") OR (");
        }
        dialect.predicate(writer, table.columns[columns[part]], equals(columns[part], std::move(keys[at])));
    }
    writer.keyword("))");
}

const plan::RowFilters& filters_of(const plan::Plan& plan) {
    return std::visit([](const auto& each) -> const plan::RowFilters& { return each.one_of; }, plan);
}

const schemas::Table& table_of(const plan::Plan& plan) {
    return std::visit([](const auto& each) -> const schemas::Table& { return *each.table; }, plan);
}

}  // namespace

void write_key(Writer& writer, const Dialect& dialect, const schemas::Table& table) {
    bool is_first = true;
    for (const std::size_t column : key_of(table)) {
        if (!is_first) {
            writer.keyword(", ");
        }
        is_first = false;
        dialect.selected(writer, table.columns[column]);
    }
}

std::vector<const schemas::Column*> key_columns(const schemas::Table& table) {
    std::vector<const schemas::Column*> columns;
    for (const std::size_t column : key_of(table)) {
        columns.push_back(&table.columns[column]);
    }
    return columns;
}

Statement render_keys_to_update(const plan::UpdatePlan& plan, const Dialect& dialect) {
    Writer writer(dialect.quote());
    writer.keyword("SELECT ");
    write_key(writer, dialect, *plan.table);
    writer.keyword(" FROM ").ident(plan.table->name);
    write_where(writer, dialect, *plan.table, plan.where, plan.one_of);
    dialect.locking(writer);
    return std::move(writer).finish();
}

void follow_assignments(const plan::Plan& plan, std::vector<schemas::Value>& keys) {
    const auto* const update = std::get_if<plan::UpdatePlan>(&plan);
    if (update == nullptr) {
        return;
    }
    const std::vector<std::size_t>& columns = key_of(*update->table);
    for (std::size_t part = 0; part < columns.size(); ++part) {
        const auto assigned = std::find_if(update->assignments.begin(), update->assignments.end(),
                                           [&](const plan::Assignment& assignment) { return assignment.column == columns[part]; });
        if (assigned == update->assignments.end()) {
            continue;
        }
        for (std::size_t at = part; at < keys.size(); at += columns.size()) {
            keys[at] = assigned->value;
        }
    }
}

std::vector<Statement> render_shown(const plan::Plan& plan, const Dialect& dialect, std::vector<schemas::Value> keys) {
    const schemas::Table& table = table_of(plan);
    const std::size_t parts = std::max<std::size_t>(key_of(table).size(), 1);
    follow_assignments(plan, keys);
    std::vector<Statement> statements;
    std::span<schemas::Value> rest(keys);
    for (const std::size_t count : kKeyCounts) {
        while (rest.size() >= count * parts) {
            Writer writer(dialect.quote());
            writer.keyword("SELECT ");
            write_key(writer, dialect, table);
            writer.keyword(" FROM ").ident(table.name).keyword(" WHERE ");
            write_keys(writer, dialect, table, rest.first(count * parts));
            write_row_filters(writer, dialect, table, filters_of(plan));
            statements.push_back(std::move(writer).finish());
            rest = rest.subspan(count * parts);
        }
    }
    return statements;
}

}  // namespace sql::render
