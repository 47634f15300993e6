// What a delete does beyond its own rows where the foreign keys that it reaches are a tree: each table is reached by one key, none
// leads back. Then no row can be met twice, nothing hangs on an order, and the database counts the rows of each key by one
// statement, without showing them. Whatever is no such tree is cascade's. Called by counted, for the same questions.
#pragma once

#include <optional>

#include "sql/exec/cascade.h"
#include "sql/exec/connection.h"
#include "sql/exec/reference_map.h"
#include "sql/plan/plan.h"
#include "sql/render/dialect.h"

namespace sql::exec {

// Inside a transaction in which the condition of the delete finds the same rows again. Nothing when the keys are no tree, or when the
// plan is one that a condition alone does not say: an update, a limit, keys for several statements.
[[nodiscard]] DbResult<std::optional<Consequences>> consequences_in_tree(Connection& connection, const render::Dialect& dialect,
                                                                         const ReferenceMap& map, const plan::Plan& plan, Deadline deadline);

}  // namespace sql::exec
