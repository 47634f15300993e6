// A plan rewritten by the grants that it runs under: columns, row filters, forced values. What the grants do not say is not
// decided here: that a write has a condition is the guard's own rule. Pure. Private to this folder, called by guard.
#pragma once

#include <tl/expected.hpp>

#include "sql/plan/error.h"
#include "sql/plan/plan.h"
#include "sql/plan/policy.h"

namespace sql::plan {

[[nodiscard]] tl::expected<void, PlanError> narrow(ReadPlan& plan, const Policy& policy);
[[nodiscard]] tl::expected<void, PlanError> narrow(InsertPlan& plan, const Policy& policy);
[[nodiscard]] tl::expected<void, PlanError> narrow(UpdatePlan& plan, const Policy& policy);
[[nodiscard]] tl::expected<void, PlanError> narrow(DeletePlan& plan, const Policy& policy);

}  // namespace sql::plan
