// What an answer may tell a caller who does not see the whole table: which columns it may name, and which names in a database's
// refusal must go. It decides about answers only; what a request may do is sql/plan's guard. Pure. Called by the pipeline.
#pragma once

#include <optional>

#include "sql/exec/db_error.h"
#include "sql/plan/plan.h"
#include "sql/plan/policy.h"

namespace gateway {

using MaybePolicy = std::optional<sql::plan::Policy>;  // none: the caller sees everything

// True when some grant of the caller lets the column out.
[[nodiscard]] bool is_shown(const MaybePolicy& policy, std::size_t column);

// Takes names out of the error that belong to hidden columns, or that would tell of hidden rows.
void hide_names(const MaybePolicy& policy, const sql::plan::Plan& plan, sql::exec::DbError& error);

}  // namespace gateway
