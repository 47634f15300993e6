// Rows named by primary key, to predicates: the `{key}` of the path, the `ids` of a query, the keys of a body. And whether an order
// leaves no two rows equal. A literal means what it means under `eq`. Pure. Private to this folder, but for has_key and is_total.
#pragma once

#include <vector>

#include <tl/expected.hpp>

#include "schemas/catalog.h"
#include "sql/plan/error.h"
#include "sql/plan/intent.h"
#include "sql/plan/plan.h"
#include "sql/plan/sight.h"

namespace sql::plan {

// The table has a primary key, and no part of it is hidden: `{table}/{key}` is an address.
[[nodiscard]] bool has_key(const schemas::Table& table, const Hidden& hidden);

// A literal for each column of the primary key, in key order. Fails as bind_path_key does, but for the values.
[[nodiscard]] tl::expected<std::vector<filters::Literal>, PlanError> read_path_key(const PathKey& key, const schemas::Table& table,
                                                                                   const Hidden& hidden);

// Appends an `eq` for each column of the primary key (or `never`).
//   404 key_unknown: no primary key, or one with a hidden column
//   400 key_invalid: parts that do not parse, too few or too many; value_invalid, in the target
[[nodiscard]] tl::expected<void, PlanError> bind_path_key(const PathKey& key, const schemas::Table& table, const Hidden& hidden,
                                                          std::vector<Predicate>& where);

// Append one `key_in`, in which each key stands once; a key that no row can have is left out, `never` when that is all of them.
// Fail with value_invalid, and query_invalid where the keys are not the table's: 400.
[[nodiscard]] tl::expected<void, PlanError> bind_ids(const filters::Ids& ids, const schemas::Table& table, const Hidden& hidden,
                                                     std::vector<Predicate>& where);
[[nodiscard]] tl::expected<void, PlanError> bind_body_keys(const BodyKeys& keys, const schemas::Table& table, const Hidden& hidden,
                                                           std::vector<Predicate>& where);

// Every row has its own place in the order: it names the primary key or a unique key that holds no NULL, all of its columns.
[[nodiscard]] bool is_total(const std::vector<Order>& order, const schemas::Table& table);

}  // namespace sql::plan
