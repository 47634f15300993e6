// The statements of a write that is counted before it is done: those that find and lock its rows, those that write just these, and
// those that read rows back by their keys. In which order, and what of them is wanted, is exec/counted's. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "schemas/catalog.h"
#include "schemas/value.h"
#include "sql/plan/plan.h"
#include "sql/render/dialect.h"
#include "sql/render/writer.h"

namespace sql::render {

// So many rows are looked for: one more than may be. Nothing where there is no cap.
[[nodiscard]] std::optional<std::uint64_t> rows_sought(const plan::Precautions& precautions);

// Of an UpdatePlan or a DeletePlan. More than one statement where its keys are too many for one: each row is in one of them, but see
// split_keys. `rows_max`: no more rows a statement. `columns`: of the table; none: the rows are counted by the number 1 for each.
[[nodiscard]] std::vector<Statement> render_find(const plan::Plan& plan, const Dialect& dialect, std::span<const std::size_t> columns,
                                                 std::optional<std::uint64_t> rows_max);
// One number: how many rows render_find without rows_max would find.
[[nodiscard]] std::vector<Statement> render_count(const plan::Plan& plan, const Dialect& dialect);
// Each answers a count and a digest (see set_digest.h).
[[nodiscard]] std::vector<Statement> render_digests(const plan::Plan& plan, const Dialect& dialect, const schemas::Text& salt,
                                                    std::uint64_t rows_max);

// The columns whose collation may let a condition of the plan find a row that does not hold the text that the condition names.
[[nodiscard]] std::vector<std::size_t> loosely_matched_columns(const plan::Plan& plan);
// Each answers one row: for each of those columns the number of such rows in the set. None when there is no such column, or the
// condition has so many values that they cannot be said twice in a statement. Of a condition on keys of several columns each column
// is looked at by itself.
[[nodiscard]] std::vector<Statement> render_loose_matches(const plan::Plan& plan, const Dialect& dialect);

// `keys`: primary keys as render_find gave them, the values of one key after another.
[[nodiscard]] std::vector<Statement> render_write_by_keys(const plan::Plan& plan, const Dialect& dialect, std::span<const schemas::Value> keys);
// By the plan's own condition, order and limit.
[[nodiscard]] std::vector<Statement> render_write_by_condition(const plan::Plan& plan, const Dialect& dialect);

// The rows with these keys that `one_of` shows, as whose columns come the key's and then the plan's. Locked as long as the
// transaction lasts.
[[nodiscard]] std::vector<Statement> render_rows_by_keys(const plan::ReadPlan& plan, const Dialect& dialect, std::span<const schemas::Value> keys);
// These columns of those rows, locked.
[[nodiscard]] std::vector<Statement> render_cells_by_keys(const schemas::Table& table, const Dialect& dialect, std::span<const std::size_t> columns,
                                                          std::span<const schemas::Value> keys);
// The keys of those rows that are there, whatever else they hold now.
[[nodiscard]] std::vector<Statement> render_keys_left(const schemas::Table& table, const Dialect& dialect, std::span<const schemas::Value> keys);

}  // namespace sql::render
