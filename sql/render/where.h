// The WHERE of a plan: its conditions and the row filters that the guard put beside them. It does not know whose filters they are.
// Private to this folder; called for every statement that names rows.
#pragma once

#include <vector>

#include "schemas/catalog.h"
#include "sql/plan/plan.h"
#include "sql/render/dialect.h"
#include "sql/render/writer.h"

namespace sql::render {

// ` AND a AND b` for one filter, ` AND ((a AND b) OR (c))` for several, nothing for none.
void write_row_filters(Writer& writer, const Dialect& dialect, const schemas::Table& table, const plan::RowFilters& one_of);

// ` WHERE …`; nothing when there is neither condition nor filter.
void write_where(Writer& writer, const Dialect& dialect, const schemas::Table& table, const std::vector<plan::Predicate>& where,
                 const plan::RowFilters& one_of);

}  // namespace sql::render
