#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "schemas/value.h"
#include "sql/plan/bind.h"
#include "sql/plan/message.h"

namespace sql::plan {
namespace {

using schemas::TypeClass;

// An InsertPlan is dense. Without a bound, a row that names every column would multiply the cells of all the others.
constexpr std::size_t kInsertCellsMax = 2'000'000;

PlanError row_invalid(std::string detail, std::string hint, std::string column, std::size_t position) {
    return {Fault::row_invalid, std::move(detail), std::move(hint), std::move(column), position, Origin::body};
}

// A column's own JSON type besides strings; text, dates and everything else travel as strings.
bool takes_number(TypeClass type_class) {
    switch (type_class) {
        case TypeClass::integer:
        case TypeClass::boolean:
        case TypeClass::bit:
        case TypeClass::decimal:
        case TypeClass::float32:
        case TypeClass::float64:
        case TypeClass::year:
            return true;
        case TypeClass::date:
        case TypeClass::time:
        case TypeClass::datetime:
        case TypeClass::timestamp:
        case TypeClass::uuid:
        case TypeClass::inet4:
        case TypeClass::inet6:
        case TypeClass::enumeration:
        case TypeClass::set:
        case TypeClass::text:
        case TypeClass::binary:
        case TypeClass::json:
        case TypeClass::geometry:
        case TypeClass::unsupported:
            return false;
    }
    return false;
}

std::string_view name_of(JsonKind kind) {
    switch (kind) {
        case JsonKind::null:
            return "null";
        case JsonKind::boolean:
            return "true or false";
        case JsonKind::number:
            return "a number";
        case JsonKind::string:
            return "a string";
        case JsonKind::object:
            return "an object";
        case JsonKind::array:
            return "an array";
    }
    return "";
}

bool takes(const schemas::Type& type, JsonKind kind) {
    if (type.type_class == TypeClass::json) {
        return true;
    }
    switch (kind) {
        case JsonKind::string:
            return true;
        case JsonKind::number:
            return takes_number(type.type_class);
        case JsonKind::boolean:
            return type.type_class == TypeClass::boolean;
        case JsonKind::null:
        case JsonKind::object:
        case JsonKind::array:
            return false;
    }
    return false;
}

class BodyBinder {
public:
    BodyBinder(const schemas::Table& table, const Body& body, const Sight& sight)
        : table_(table), body_(body), sight_(sight), indexes_(body.columns.size()) {}

    // The table's column that a cell names; checked once a name, reported where it first occurs.
    tl::expected<std::size_t, PlanError> column(const BodyCell& cell, std::size_t row) {
        std::optional<std::size_t>& index = indexes_[cell.column];
        if (index) {
            return *index;
        }
        const std::string& name = body_.columns[cell.column];
        index = sight_.in_body.find(table_, name);
        if (!index) {
            return tl::unexpected(row_invalid(fmt::format("row {}: there is no column {}", row + 1, quoted(name)),
                                              nearest_hint(table_, name, sight_.in_body), name, cell.position));
        }
        if (table_.columns[*index].is_generated) {
            return tl::unexpected(row_invalid(
                fmt::format("row {}, column {}: the column is generated and cannot be written", row + 1, quoted(name)),
                "leave it out", name, cell.position));
        }
        return *index;
    }

    tl::expected<schemas::Value, PlanError> value(const BodyCell& cell, const schemas::Column& column, std::size_t row) const {
        if (cell.kind == JsonKind::null) {
            // NULL in an auto-increment column would be replaced by a new id: not what the body says.
            if (!column.is_nullable || column.is_auto_increment) {
                return tl::unexpected(refuse(column, row, cell, "null is not allowed",
                                             column.has_default ? "leave the column out to get its default" : ""));
            }
            return schemas::Null{};
        }
        if (!takes(column.type, cell.kind)) {
            return tl::unexpected(
                refuse(column, row, cell,
                       fmt::format("a column of type {} does not take {}", type_name(column.type), name_of(cell.kind)),
                       schemas::describe_literal(column.type)));
        }
        const std::string_view text = column.type.type_class == TypeClass::json ? body_.raw(cell) : body_.text(cell);
        auto reading = schemas::read_literal(text, column.type, schemas::Purpose::storage);
        if (!reading) {
            return tl::unexpected(
                refuse(column, row, cell, fmt::format("{} {}", quoted(text), reading.error().detail),
                       reading.error().hint.empty() ? schemas::describe_literal(column.type) : reading.error().hint));
        }
        if (reading->fit != schemas::Fit::exact) {
            return tl::unexpected(refuse(column, row, cell, fmt::format("{} cannot be stored exactly", quoted(text)),
                                         schemas::describe_literal(column.type)));
        }
        return std::move(reading->value);
    }

    static PlanError twice(const schemas::Column& column, std::size_t row, const BodyCell& cell) {
        return refuse(column, row, cell, "the column is given twice", "");
    }

    // Every column that must have a value has one: `is_given` is by table column.
    tl::expected<void, PlanError> check_complete(const std::vector<bool>& is_given, std::size_t row) const {
        for (std::size_t i = 0; i < table_.columns.size(); ++i) {
            const schemas::Column& column = table_.columns[i];
            const bool is_filled_in = column.has_default || column.is_nullable || column.is_auto_increment || column.is_generated ||
                                      (!sight_.filled_in.empty() && sight_.filled_in[i]);
            if (!is_given[i] && !is_filled_in) {
                if (sight_.in_body.contains(i)) {
                    return tl::unexpected(row_invalid(fmt::format("row {}: the table refuses it", row + 1), "", "",
                                                      body_.row_positions[row]));
                }
                const std::string& name = column.name.text();
                return tl::unexpected(
                    row_invalid(fmt::format("row {}: column {} is missing and has no default", row + 1, quoted(name)), "", name,
                                body_.row_positions[row]));
            }
        }
        return {};
    }

    [[nodiscard]] std::span<const BodyCell> cells(std::size_t row) const {
        const std::size_t begin = row == 0 ? 0 : body_.row_ends[row - 1];
        return std::span(body_.cells).subspan(begin, body_.row_ends[row] - begin);
    }

private:
    static PlanError refuse(const schemas::Column& column, std::size_t row, const BodyCell& cell, std::string_view reason,
                            std::string hint) {
        const std::string& name = column.name.text();
        return row_invalid(fmt::format("row {}, column {}: {}", row + 1, quoted(name), reason), std::move(hint), name,
                           cell.position);
    }

    const schemas::Table& table_;
    const Body& body_;
    const Sight& sight_;
    std::vector<std::optional<std::size_t>> indexes_;  // by Body::columns
};

PlanError empty_row(const Body& body, std::size_t row) {
    return row_invalid(fmt::format("row {} names no column", row + 1), "", "",
                       row < body.row_positions.size() ? body.row_positions[row] : 0);
}

tl::expected<Plan, PlanError> bind_insert(InsertPlan plan, const Body& body, const Sight& sight) {
    const schemas::Table& table = *plan.table;
    const std::size_t rows = body.row_ends.size();
    if (rows == 0) {
        return tl::unexpected(row_invalid("the body holds no row to insert", "", "", 0));
    }
    BodyBinder binder(table, body, sight);

    // First every name, so that the plan knows its columns; then every value.
    std::vector<bool> is_used(table.columns.size(), false);
    std::vector<bool> is_given;
    for (std::size_t row = 0; row < rows; ++row) {
        is_given.assign(table.columns.size(), false);
        if (binder.cells(row).empty()) {
            return tl::unexpected(empty_row(body, row));
        }
        for (const BodyCell& cell : binder.cells(row)) {
            auto column = binder.column(cell, row);
            if (!column) {
                return tl::unexpected(std::move(column).error());
            }
            if (is_given[*column]) {
                return tl::unexpected(BodyBinder::twice(table.columns[*column], row, cell));
            }
            is_given[*column] = true;
            is_used[*column] = true;
        }
        if (auto complete = binder.check_complete(is_given, row); !complete) {
            return tl::unexpected(std::move(complete).error());
        }
    }

    plan.columns.clear();
    std::vector<std::size_t> slots(table.columns.size(), 0);
    for (std::size_t i = 0; i < is_used.size(); ++i) {
        if (is_used[i]) {
            slots[i] = plan.columns.size();
            plan.columns.push_back(i);
        }
    }
    if (rows > kInsertCellsMax / plan.columns.size()) {
        return tl::unexpected(PlanError{Fault::row_invalid,
                                        fmt::format("{} rows of {} columns are too many for one batch, which holds {} cells",
                                                    rows, plan.columns.size(), kInsertCellsMax),
                                        "send the rows in several requests", "", 0, Origin::body});
    }
    plan.row_count = rows;
    plan.clear_cells();
    for (std::size_t row = 0; row < rows; ++row) {
        for (const BodyCell& cell : binder.cells(row)) {
            const std::size_t index = *binder.column(cell, row);
            auto value = binder.value(cell, table.columns[index], row);
            if (!value) {
                return tl::unexpected(std::move(value).error());
            }
            plan.give(row, slots[index], *std::move(value));
        }
    }
    return plan;
}

tl::expected<Plan, PlanError> bind_update(UpdatePlan plan, const Body& body, const Sight& sight) {
    if (body.row_ends.size() != 1) {
        return tl::unexpected(row_invalid("the body of an update is one object", "", "", 0));
    }
    BodyBinder binder(*plan.table, body, sight);
    if (binder.cells(0).empty()) {
        return tl::unexpected(empty_row(body, 0));
    }
    std::vector<bool> is_given(plan.table->columns.size(), false);
    plan.assignments.clear();
    for (const BodyCell& cell : binder.cells(0)) {
        auto index = binder.column(cell, 0);
        if (!index) {
            return tl::unexpected(std::move(index).error());
        }
        const schemas::Column& column = plan.table->columns[*index];
        if (is_given[*index]) {
            return tl::unexpected(BodyBinder::twice(column, 0, cell));
        }
        is_given[*index] = true;
        auto value = binder.value(cell, column, 0);
        if (!value) {
            return tl::unexpected(std::move(value).error());
        }
        plan.assignments.push_back({*index, *std::move(value)});
    }
    // In table order the same columns make the same statement, however the client ordered its members.
    std::sort(plan.assignments.begin(), plan.assignments.end(),
              [](const Assignment& a, const Assignment& b) { return a.column < b.column; });
    return plan;
}

}  // namespace

tl::expected<Plan, PlanError> bind_body(Plan plan, const Body& body, const Sight& sight) {
    if (auto* const insert = std::get_if<InsertPlan>(&plan)) {
        return bind_insert(std::move(*insert), body, sight);
    }
    if (auto* const update = std::get_if<UpdatePlan>(&plan)) {
        return bind_update(std::move(*update), body, sight);
    }
    return plan;
}

}  // namespace sql::plan
