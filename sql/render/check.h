// The statements by which a write under row filters is looked at again: which rows it is about, and which of them the filters
// show once they are written. Both go by primary key. The verdict is execute's. Pure.
#pragma once

#include <vector>

#include "schemas/value.h"
#include "sql/plan/plan.h"
#include "sql/render/dialect.h"
#include "sql/render/writer.h"

namespace sql::render {

// The columns of the primary key, in key order: `a, b`. Without a key nothing.
void write_key(Writer& writer, const Dialect& dialect, const schemas::Table& table);

// The keys of the rows that the update will change, locked until the transaction ends.
[[nodiscard]] Statement render_keys_to_update(const plan::UpdatePlan& plan, const Dialect& dialect);

// The columns that write_key and every statement here select.
[[nodiscard]] std::vector<const schemas::Column*> key_columns(const schemas::Table& table);

// `keys`: the values of one key after another. A key that the update itself changes becomes what it is set to.
void follow_assignments(const plan::Plan& plan, std::vector<schemas::Value>& keys);

// `keys`: the values of one key after another, as they were before the write. Together the statements select the keys of those rows
// that the plan's row filters show. The values are moved into them.
[[nodiscard]] std::vector<Statement> render_shown(const plan::Plan& plan, const Dialect& dialect, std::vector<schemas::Value> keys);

}  // namespace sql::render
