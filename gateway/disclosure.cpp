#include "gateway/disclosure.h"

#include <algorithm>
#include <string>
#include <vector>

namespace gateway {
namespace {

using schemas::Table;

bool is_name_shown(const MaybePolicy& policy, const Table& table, const std::string& name) {
    const auto index = table.index_of(name);
    return index && is_shown(policy, *index);
}

// True when the error names this key and the caller sees all its columns.
bool is_shown_key(const MaybePolicy& policy, const Table& table, const schemas::Key& key, const std::string& named) {
    std::string by_columns;  // as SQLite calls it
    for (const std::size_t column : key.columns) {
        by_columns += (by_columns.empty() ? "" : ", ") + table.name.text() + "." + table.columns[column].name.text();
    }
    return (named == key.name || named == by_columns) &&
           std::ranges::all_of(key.columns, [&](std::size_t column) { return is_shown(policy, column); });
}

bool is_shown_constraint(const MaybePolicy& policy, const Table& table, const sql::exec::DbError& error) {
    if (error.fault == sql::exec::DbFault::row_refused) {
        // A CHECK, whose columns are not known.
        for (std::size_t column = 0; column < table.columns.size(); ++column) {
            if (!is_shown(policy, column)) return false;
        }
        return true;
    }
    const auto is_key = [&](const schemas::Key& key) { return is_shown_key(policy, table, key, error.constraint); };
    const auto is_foreign_key = [&](const schemas::ForeignKey& key) {
        return key.name == error.constraint &&
               std::ranges::all_of(key.columns, [&](const std::string& name) { return is_name_shown(policy, table, name); });
    };
    return (table.primary_key && is_key(*table.primary_key)) || std::ranges::any_of(table.unique_keys, is_key) ||
           std::ranges::any_of(table.foreign_keys, is_foreign_key);
}

}  // namespace

bool is_shown(const MaybePolicy& policy, std::size_t column) {
    return !policy || !policy->sight.in_select.contains(column) ||
           std::ranges::any_of(policy->alternatives, [column](const sql::plan::Alternative& grant) { return grant.read.contains(column); });
}

void hide_names(const MaybePolicy& policy, const sql::plan::Plan& plan, sql::exec::DbError& error) {
    if (!policy) return;
    const Table& table = *std::visit([](const auto& each) { return each.table; }, plan);
    const bool has_row_filters = std::visit([](const auto& each) { return !each.one_of.empty(); }, plan);
    if (has_row_filters || !is_shown_constraint(policy, table, error)) error.constraint.clear();
    if (!is_name_shown(policy, table, error.column)) error.column.clear();
}

}  // namespace gateway
