// The statement that counts a set of rows and digests it: one text for exactly these rows with exactly these cells, in any order.
// Two sets that differ have one text by chance alone, once in 2^64 at the least. It locks the rows as the write will. It is no
// checksum to be kept: it holds for one salt. Pure; called for the previews of writes. The rows are asked for by sql/exec/set_digest.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "schemas/catalog.h"
#include "schemas/value.h"
#include "sql/plan/plan.h"
#include "sql/render/dialect.h"
#include "sql/render/writer.h"

namespace sql::render {

// The rows that a write is about. Views: lives no longer than the plan.
struct RowSet {
    const schemas::Table& table;
    const std::vector<plan::Predicate>& where;
    const plan::RowFilters& one_of;
    std::span<const plan::Order> order = {};
    std::uint64_t rows_max = 0;  // no more than so many: the write's limit, or one more than anybody wants to count
};

// Answers one row: the number of rows, and the digest as text. It is NULL for no rows, and when the database could not digest one.
// `salt` is 32 hexadecimal digits that whoever writes the rows does not know.
[[nodiscard]] Statement render_set_digest(const RowSet& set, const Dialect& dialect, const schemas::Text& salt);

}  // namespace sql::render
