// Asks how many rows of a write's set a condition on text finds by its column's collation alone. Private to this folder; called for
// previews.
#pragma once

#include <vector>

#include "sql/exec/connection.h"
#include "sql/exec/counted.h"
#include "sql/plan/plan.h"
#include "sql/render/dialect.h"

namespace sql::exec {

// Those columns where there is one.
[[nodiscard]] DbResult<std::vector<LooseMatch>> read_loose_matches(Connection& connection, const plan::Plan& plan, const render::Dialect& dialect,
                                                                   Deadline deadline);

}  // namespace sql::exec
