// Small tables, intents and bodies built by hand for the plan and render tests: neither parser nor introspection is needed.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "schemas/catalog.h"
#include "sql/plan/intent.h"

namespace sql_plan_tables {

inline schemas::Type type_of(schemas::TypeClass type_class, std::string declared) {
    schemas::Type type;
    type.type_class = type_class;
    type.declared = std::move(declared);
    return type;
}

inline schemas::Type integer(unsigned bits = 32) {
    schemas::Type type = type_of(schemas::TypeClass::integer, "int(11)");
    type.bits = bits;
    return type;
}

inline schemas::Type decimal(unsigned precision, unsigned scale) {
    schemas::Type type = type_of(schemas::TypeClass::decimal, "decimal");
    type.precision = precision;
    type.scale = scale;
    return type;
}

inline schemas::Type text(std::string charset = "utf8mb4") {
    schemas::Type type = type_of(schemas::TypeClass::text, "varchar(20)");
    type.characters_max = 20;
    type.charset = std::move(charset);
    type.collation = "BINARY";
    return type;
}

inline schemas::Column column(const std::string& name, schemas::Type type) {
    schemas::Column column{schemas::Ident::from_catalog(name), std::move(type)};
    column.has_default = true;
    return column;
}

inline schemas::Column required(const std::string& name, schemas::Type type) {
    schemas::Column result = column(name, std::move(type));
    result.is_nullable = false;
    result.has_default = false;
    return result;
}

inline std::shared_ptr<schemas::Table> table(std::vector<schemas::Column> columns) {
    auto result = std::make_shared<schemas::Table>(
        schemas::Table{schemas::Ident::from_catalog("t"), schemas::TableKind::table, {}, {}, {}, {}, {}});
    result->columns = std::move(columns);
    result->version.token = "2026-01-02 03:04:05";
    result->version.is_settled = true;
    return result;
}

inline filters::Condition condition(std::string column, filters::Operator op, std::initializer_list<std::string> values) {
    filters::Condition result;
    result.column = std::move(column);
    result.op = op;
    result.position = 3;
    for (const std::string& value : values) {
        result.values.push_back({value, 9});
    }
    return result;
}

inline sql::plan::Intent intent(sql::plan::Verb verb, std::vector<filters::Condition> where) {
    sql::plan::Intent result;
    result.verb = verb;
    result.query.where = std::move(where);
    return result;
}

// Adds a cell whose JSON text is `raw`, to the row that is being made.
inline void add_cell(sql::plan::Body& body, sql::plan::BodyCell::Column column, sql::plan::JsonKind kind, std::string_view raw) {
    sql::plan::BodyCell cell;
    cell.position = static_cast<std::uint32_t>(body.source.size());
    cell.size = static_cast<std::uint32_t>(raw.size());
    cell.column = column;
    cell.kind = kind;
    body.source += raw;
    body.cells.push_back(cell);
}

// Adds a row of number cells: `{"name": "7"}` is `{"name": 7}` in JSON.
inline void add_row(sql::plan::Body& body, std::initializer_list<std::pair<const char*, const char*>> members) {
    for (const auto& [name, number] : members) {
        sql::plan::BodyCell::Column index = 0;
        while (index < body.columns.size() && body.columns[index] != name) {
            ++index;
        }
        if (index == body.columns.size()) {
            body.columns.emplace_back(name);
        }
        add_cell(body, index, sql::plan::JsonKind::number, number);
    }
    body.row_ends.push_back(body.cells.size());
    body.row_positions.push_back(static_cast<std::uint32_t>(body.row_positions.size()));
}

}  // namespace sql_plan_tables
