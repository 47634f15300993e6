// Intent meets catalog: names become columns, text becomes typed values, or one located error.
// The only place where the filter language and the catalog meet. Pure. Called by the pipeline.
#pragma once

#include <optional>

#include <tl/expected.hpp>

#include "schemas/catalog.h"
#include "schemas/limits.h"
#include "sql/plan/error.h"
#include "sql/plan/intent.h"
#include "sql/plan/plan.h"
#include "sql/plan/sight.h"

namespace sql::plan {

// What binds without the body: unfiltered writes, then undelivered controls, then columns and values of the query string.
// The pipeline calls it before it looks at the body, so that refusals come in the contract's order.
//   406 filter_required: update or erase without a condition (controls are none, but a condition not yet delivered is 501)
//   501 not_implemented: an undelivered control; offset on a write
//   400 query_invalid: a filter, ids, order or limit on an insert; limit on a write whose order is not total; order, limit, offset on
//       a read of one row by its key
//   400 column_unknown, value_invalid, limit_exceeded
//   428 confirmation_required
// For insert and update the plan comes back with no cells and no assignments. A column that `sight` hides is an unknown one.
// With intent.awaits_body a write may come back without a condition; it is bound again when its body is read, and the guard lets none pass.
[[nodiscard]] tl::expected<Plan, PlanError> bind_query(const Intent& intent, schemas::TablePtr table,
                                                       const schemas::Limits& limits, const Sight& sight = kClearSight);

// Adds the body to an InsertPlan or UpdatePlan that bind_query made. 422 row_invalid names column and row (rows count from 1).
// Position is in the body. Columns of sight.filled_in may be missing; the guard fills them in.
// `key` is that of the path, which bind_query has bound: an update's body must agree with it, and what agrees is not assigned, unless
// the body holds nothing else.
[[nodiscard]] tl::expected<Plan, PlanError> bind_body(Plan plan, const Body& body, const Sight& sight = kClearSight,
                                                      const std::optional<PathKey>& key = std::nullopt);

}  // namespace sql::plan
