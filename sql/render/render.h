// Guarded plan to Program, for any dialect. Total: it cannot fail, and knows of no policy. Pure.
#pragma once

#include "sql/plan/plan.h"
#include "sql/render/dialect.h"
#include "sql/render/program.h"

namespace sql::render {

// Inserts of many rows become several statements; the last row always stands alone, so that its generated id is known.
// A read asks for `limit + 1` rows.
[[nodiscard]] Program render(const plan::GuardedPlan& plan, const Dialect& dialect);

}  // namespace sql::render
