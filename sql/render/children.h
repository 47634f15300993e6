// The statement that finds the rows of one table that refer to certain rows of another: one step of following a delete.
// And the statement that only counts what several steps lead to. Which steps there are is exec/cascade's and exec/key_tree's. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "schemas/catalog.h"
#include "schemas/value.h"
#include "sql/plan/plan.h"
#include "sql/render/dialect.h"
#include "sql/render/writer.h"

namespace sql::render {

struct Children {
    const schemas::Table& child;
    std::span<const std::size_t> selected;       // columns of the child, in the order of the answer
    std::span<const std::size_t> child_columns;  // the foreign key's
    const schemas::Table& parent;
    std::span<const std::size_t> parent_columns;  // what they refer to, in the same order
    bool is_parent_unique = true;                 // else a child may be found once for each of several equal parents
};

// `values`: the parent columns of one row after another, none of them NULL. Both tables' cells meet in the database, so that they
// compare as a foreign key does; the rows found are locked until the transaction ends.
[[nodiscard]] Statement render_children(const Children& step, const Dialect& dialect, std::span<const schemas::Value> values);

// How many rows the last of the steps leads to from all rows that the delete names: each step's child is the next one's parent. They
// are locked with `locks`: what is counted to be shown needs no lock, and costs half without. Nothing when the delete's keys are too many for one statement.
[[nodiscard]] std::optional<Statement> render_count_of_children(const plan::DeletePlan& plan, std::span<const Children> steps, const Dialect& dialect,
                                                                bool locks);

}  // namespace sql::render
