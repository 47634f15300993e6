#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <utility>

#include "schemas/value.h"
#include "sql/plan/bind.h"
#include "sql/plan/bind_keys.h"
#include "sql/plan/json_kind.h"
#include "sql/plan/message.h"

namespace sql::plan {
namespace {

using schemas::TypeClass;

// An InsertPlan is dense. Without a bound, a row that names every column would multiply the cells of all the others.
constexpr std::size_t kInsertCellsMax = 2'000'000;

PlanError row_invalid(std::string detail, std::string hint, std::string column, std::size_t position) {
    return {Fault::row_invalid, std::move(detail), std::move(hint), std::move(column), position, Origin::body};
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

    static PlanError contradiction(const schemas::Column& column, const BodyCell& cell, const filters::Literal& in_path) {
        return refuse(column, 0, cell, fmt::format("the path says {}; a key is not changed here", quoted(in_path.text)), "leave it out");
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

// What the path says of the columns of the primary key.
class PathValues {
public:
    static tl::expected<PathValues, PlanError> read(const std::optional<PathKey>& key, const schemas::Table& table) {
        PathValues values;
        if (!key) {
            return values;
        }
        auto literals = read_path_key(*key, table, {});
        if (!literals) {
            return tl::unexpected(std::move(literals).error());
        }
        values.columns_ = table.primary_key->columns;
        values.literals_ = *std::move(literals);
        return values;
    }

    // Null when the column is no part of the key.
    [[nodiscard]] const filters::Literal* find(std::size_t column) const {
        const auto found = std::find(columns_.begin(), columns_.end(), column);
        return found == columns_.end() ? nullptr : &literals_[static_cast<std::size_t>(found - columns_.begin())];
    }

    // Read as the body was, so that one text is one value. What is equal by the column's collation alone is another spelling of the
    // key: to write it would change the key.
    static bool agree(const filters::Literal& literal, const schemas::Column& column, const schemas::Value& value) {
        const auto reading = schemas::read_literal(literal.text, column.type, schemas::Purpose::storage);
        return reading && reading->fit == schemas::Fit::exact && reading->value == value;
    }

private:
    std::vector<std::size_t> columns_;
    std::vector<filters::Literal> literals_;
};

// What agrees with the path need not be written, and who may not write the key may send it back. An update of nothing else stays
// one, and the values that a grant forces are compared with what the body has.
void drop_agreed(std::vector<Assignment>& assignments, const PathValues& path, const Sight& sight) {
    const auto is_agreed = [&](const Assignment& one) {
        return path.find(one.column) != nullptr && (sight.filled_in.empty() || !sight.filled_in[one.column]);
    };
    if (!std::all_of(assignments.begin(), assignments.end(), is_agreed)) {
        assignments.erase(std::remove_if(assignments.begin(), assignments.end(), is_agreed), assignments.end());
    }
}

tl::expected<Plan, PlanError> bind_update(UpdatePlan plan, const Body& body, const Sight& sight, const std::optional<PathKey>& key) {
    if (body.row_ends.size() != 1) {
        return tl::unexpected(row_invalid("the body of an update is one object", "", "", 0));
    }
    BodyBinder binder(*plan.table, body, sight);
    if (binder.cells(0).empty()) {
        return tl::unexpected(empty_row(body, 0));
    }
    const auto path = PathValues::read(key, *plan.table);
    if (!path) {
        return tl::unexpected(path.error());
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
        const filters::Literal* const in_path = path->find(*index);
        if (in_path != nullptr && !PathValues::agree(*in_path, column, *value)) {
            return tl::unexpected(BodyBinder::contradiction(column, cell, *in_path));
        }
        plan.assignments.push_back({*index, *std::move(value)});
    }
    drop_agreed(plan.assignments, *path, sight);
    // In table order the same columns make the same statement, however the client ordered its members.
    std::sort(plan.assignments.begin(), plan.assignments.end(),
              [](const Assignment& a, const Assignment& b) { return a.column < b.column; });
    return plan;
}

}  // namespace

tl::expected<Plan, PlanError> bind_body(Plan plan, const Body& body, const Sight& sight, const std::optional<PathKey>& key) {
    if (auto* const insert = std::get_if<InsertPlan>(&plan)) {
        return bind_insert(std::move(*insert), body, sight);
    }
    if (auto* const update = std::get_if<UpdatePlan>(&plan)) {
        return bind_update(std::move(*update), body, sight, key);
    }
    return plan;
}

}  // namespace sql::plan
