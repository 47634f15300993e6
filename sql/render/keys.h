// Rows named by their primary keys (`key_in`): the condition's text, and the parts that a statement is cut into when it would have
// more placeholders than the database takes. Private to this folder; called by where and by what renders a write.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "schemas/catalog.h"
#include "schemas/value.h"
#include "sql/plan/plan.h"
#include "sql/render/dialect.h"
#include "sql/render/writer.h"

namespace sql::render {

// One condition: the row's primary key is one of `values`. The table has one.
void write_key_list(Writer& writer, const Dialect& dialect, const schemas::Table& table, std::span<const schemas::Value> values);

// The same conditions once a part, each part with its own share of the keys. Nothing when one statement takes them all, or when
// it is not the keys that are too many. No key is in two parts; a row is in two when its column takes two keys for equal that bind
// took for different (`a` and `A`): a DELETE meets it once, a SELECT may find it twice.
[[nodiscard]] std::vector<std::vector<plan::Predicate>> split_keys(const std::vector<plan::Predicate>& where, const plan::RowFilters& one_of,
                                                                   std::size_t placeholders_max, const schemas::Table& table);

}  // namespace sql::render
