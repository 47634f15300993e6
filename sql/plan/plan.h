// What will be done: names resolved to columns of one table, values typed. No client text is left but inside values.
// Made by bind, narrowed by guard, rendered by render. Pure data.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "schemas/catalog.h"
#include "schemas/value.h"

namespace sql::plan {

enum class PredicateKind {
    eq,
    ne,
    lt,
    gt,
    le,
    ge,
    between,  // values: low, high
    in,
    not_in,  // values: one or more
    contains,
    starts_with,
    ends_with,  // values: one Text, literal characters, not a pattern
    is_null,
    is_not_null,  // no values
    any_value,    // no values; every cell of the column's type: not NULL, no other storage class
    never,        // no values; no row matches (a literal that no cell of the column can equal)
};

struct Predicate {
    std::size_t column = 0;  // index into the table's columns
    PredicateKind kind = PredicateKind::never;
    std::vector<schemas::Value> values;
};

// Row filters of the policy, each a list joined with AND: at least one of them holds for every row that is read or changed, and
// for every row as it was written. Empty: there is none.
using RowFilters = std::vector<std::vector<Predicate>>;

enum class Direction { ascending, descending };

struct Order {
    std::size_t column = 0;
    Direction direction = Direction::ascending;
};

struct ReadPlan {
    schemas::TablePtr table;
    std::vector<std::size_t> columns;  // what goes out, in this order
    std::vector<Predicate> where;      // joined with AND
    std::vector<Order> order;
    std::uint64_t limit = 0;  // render asks for one row more, so that the end is known
    std::uint64_t offset = 0;
    bool names_columns = true;  // else `columns` are all that the caller may see: the policy narrows them
    RowFilters one_of = {};
};

struct InsertPlan {
    schemas::TablePtr table;
    std::vector<std::size_t> columns;  // the union of the columns of all rows, in table order
    std::size_t row_count = 0;
    std::vector<schemas::Value> cells;  // rows × columns, row by row
    std::vector<bool> is_given;         // one for each of the cells; one that is not given gets its column's default
    RowFilters one_of = {};

    // Null for the default; `slot` is an index into `columns`.
    [[nodiscard]] const schemas::Value* cell(std::size_t row, std::size_t slot) const {
        const std::size_t index = row * columns.size() + slot;
        return is_given[index] ? &cells[index] : nullptr;
    }
    // Once `columns` and `row_count` are known.
    void clear_cells() {
        cells.assign(row_count * columns.size(), schemas::Null{});
        is_given.assign(cells.size(), false);
    }
    void give(std::size_t row, std::size_t slot, schemas::Value value) {
        const std::size_t index = row * columns.size() + slot;
        cells[index] = std::move(value);
        is_given[index] = true;
    }
};

struct Assignment {
    std::size_t column = 0;
    schemas::Value value;
};

struct UpdatePlan {
    schemas::TablePtr table;
    std::vector<Assignment> assignments;
    std::vector<Predicate> where;
    RowFilters one_of = {};
};

struct DeletePlan {
    schemas::TablePtr table;
    std::vector<Predicate> where;
    RowFilters one_of = {};
};

using Plan = std::variant<ReadPlan, InsertPlan, UpdatePlan, DeletePlan>;

// A plan that has met the policy. Only guard makes one, and render takes nothing else.
class GuardedPlan {
public:
    [[nodiscard]] const Plan& plan() const { return *plan_; }
    // For a Program, whose statements refer to the plan's values.
    [[nodiscard]] const std::shared_ptr<const Plan>& shared() const { return plan_; }

private:
    friend class Guard;
    explicit GuardedPlan(Plan plan) : plan_(std::make_shared<const Plan>(std::move(plan))) {}
    std::shared_ptr<const Plan> plan_;
};

// The plan as text, for golden cases and explain: one line a part.
[[nodiscard]] std::string describe(const Plan& plan);

}  // namespace sql::plan
