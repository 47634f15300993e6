// An InsertPlan to statements: how many rows go together, what a missing cell becomes. Private to this folder, called by render.
#pragma once

#include <vector>

#include "sql/plan/plan.h"
#include "sql/render/dialect.h"
#include "sql/render/writer.h"

namespace sql::render {

// The rows in the plan's order; the last row alone in the last statement. The row counts of a statement come from a few fixed
// sizes, so that batches of any length share their prepared statements.
// What each statement returns of its rows: their keys, to find them by, or without a key the rows that the plan gives back.
[[nodiscard]] std::vector<std::size_t> returned_columns(const plan::InsertPlan& plan);
[[nodiscard]] std::vector<Statement> render_insert(const plan::InsertPlan& plan, const Dialect& dialect);

}  // namespace sql::render
