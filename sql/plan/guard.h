// The policy's door: every plan passes here before there is SQL. No write without a condition, whatever made the plan.
// Grants with columns and row filters will rewrite plans here; render does not know of them. Pure.
#pragma once

#include <tl/expected.hpp>

#include "sql/plan/error.h"
#include "sql/plan/plan.h"

namespace sql::plan {

class Guard {
public:
    // Fails with filter_required when an update or delete has no predicate, with row_invalid when it would change nothing
    // (no assignment, no row). A plan that passes is narrowed, never widened.
    [[nodiscard]] static tl::expected<GuardedPlan, PlanError> guard(Plan plan);
};

}  // namespace sql::plan
