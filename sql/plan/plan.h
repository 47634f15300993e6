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
    key_in,       // values: primary keys, each its columns' values in key order; the row's key equals one of them
};

struct Predicate {
    std::size_t column = 0;  // index into the table's columns; key_in: the first of the key
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
    bool has_usual_limit = false;  // that of every read that asks for none
    bool names_columns = true;  // else `columns` are all that the caller may see: the policy narrows them
    RowFilters one_of = {};
};

// Who set a cap: whoever is told that it was passed is told that too.
enum class CapSource { preference, standing, conditional_delete, rows_max, cascades };

struct Cap {
    std::uint64_t rows = 0;
    CapSource source = CapSource::preference;
};

// What the cap says, as the end of a sentence: "the request allows 3 (max-affected)".
[[nodiscard]] std::string describe(const Cap& cap);

// What a write of rows keeps to, and gives back, beside its condition. Without any of it the write is one statement; with it the
// rows are found and locked first, looked at, and only then written (see exec/counted.h).
struct Precautions {
    std::vector<Order> order;
    std::optional<std::uint64_t> limit;   // no more of the rows than so many, in this order, which is total then
    std::optional<Cap> set_max;           // rows that the write names
    std::optional<Cap> affected_max;      // … and those that foreign keys reach from there
    std::optional<std::uint64_t> cascaded_max;  // of the latter alone
    bool is_preview = false;    // nothing is written
    bool has_token = false;     // the rows have to be those of a preview, unchanged
    bool names_one_row = false; // by key: that there is none is an answer of its own
    bool tells_key = false;     // the answer says where the only row is now
    // The rows that the answer holds, by their keys: `where` is empty. Of a preview the keys themselves, of some rows.
    std::optional<ReadPlan> representation;

    // `names_one_row` alone asks for nothing that one statement does not do.
    [[nodiscard]] bool are_any() const {
        return !order.empty() || limit || set_max || affected_max || cascaded_max || is_preview || has_token || tells_key || representation;
    }
    // Rows beyond the write's own have to be counted before it.
    [[nodiscard]] bool count_cascades() const { return affected_max || cascaded_max || is_preview; }
};

struct InsertPlan {
    schemas::TablePtr table;
    std::vector<std::size_t> columns;  // the union of the columns of all rows, in table order
    std::size_t row_count = 0;
    std::vector<schemas::Value> cells;  // rows × columns, row by row
    std::vector<bool> is_given;         // one for each of the cells; one that is not given gets its column's default
    RowFilters one_of = {};
    std::optional<ReadPlan> representation = {};  // see Precautions
    std::optional<Cap> set_max = {};

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
    Precautions precautions = {};
};

struct DeletePlan {
    schemas::TablePtr table;
    std::vector<Predicate> where;
    RowFilters one_of = {};
    Precautions precautions = {};
};

using Plan = std::variant<ReadPlan, InsertPlan, UpdatePlan, DeletePlan>;

// Of an update or a delete; null of the others.
[[nodiscard]] const Precautions* precautions_of(const Plan& plan);
// The rows that a write gives back; null when it gives none.
[[nodiscard]] const ReadPlan* representation_of(const Plan& plan);

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
