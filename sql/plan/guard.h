// The policy's door: every plan passes here before there is SQL. No write without a condition, whatever made the plan; under a
// policy only those of its grants that each allow every column that the plan uses, with their row filters and forced values.
// render knows of none of this: it renders the plan that comes out. Pure. Called by the pipeline.
#pragma once

#include <tl/expected.hpp>

#include "sql/plan/error.h"
#include "sql/plan/plan.h"
#include "sql/plan/policy.h"

namespace sql::plan {

class Guard {
public:
    // Fails with filter_required when an update or delete has no predicate, with row_invalid when it would change nothing
    // (no assignment, no row). A plan that passes is narrowed, never widened. Without a policy the caller may do everything.
    //   403 forbidden: no grant allows all columns together; 403 row_forbidden: the body contradicts the values that they force
    // `readers` is what the caller's grants say of reading, for the rows that a write gives back; null: everything may be read.
    //   412 set_too_large: more rows than may be inserted at once, told last
    //   501 not_implemented: a write under row filters on a table without a primary key
    [[nodiscard]] static tl::expected<GuardedPlan, PlanError> guard(Plan plan, const Policy* policy = nullptr, const Policy* readers = nullptr);
};

}  // namespace sql::plan
