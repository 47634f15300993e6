// One condition of the filter language to predicates on one column: where a literal meets the column's type.
// It alone decides what becomes of a literal that no cell of the column can equal. Pure. Private to this folder.
#pragma once

#include <vector>

#include <tl/expected.hpp>

#include "filters/ast.h"
#include "schemas/catalog.h"
#include "schemas/value.h"
#include "sql/plan/error.h"
#include "sql/plan/plan.h"
#include "sql/plan/sight.h"

namespace sql::plan {

// Appends one predicate or more to `where`; joined with AND they match exactly the rows that the condition matches.
// Fails with column_unknown or value_invalid; `where` is then not to be used.
[[nodiscard]] tl::expected<void, PlanError> bind_condition(const filters::Condition& condition, const schemas::Table& table,
                                                           const Hidden& hidden, std::vector<Predicate>& where);

// A literal that is to equal cells of the column: only one that is read exactly can. Fails with value_invalid.
[[nodiscard]] tl::expected<schemas::Reading, PlanError> read_comparison(const schemas::Column& column, const filters::Literal& literal);

}  // namespace sql::plan
