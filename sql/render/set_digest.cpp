#include "sql/render/set_digest.h"

#include <algorithm>
#include <limits>

#include "sql/render/where.h"

namespace sql::render {
namespace {

std::int64_t signed_count(std::uint64_t count) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(count, std::numeric_limits<std::int64_t>::max()));
}

}  // namespace

Statement render_set_digest(const RowSet& set, const Dialect& dialect, const schemas::Text& salt) {
    Writer writer(dialect.quote());
    writer.keyword("SELECT COUNT(*), ");
    dialect.set_digest(writer);
    writer.keyword(" FROM (SELECT ");
    dialect.row_digest(writer, set.table, salt);
    writer.keyword(" FROM ").ident(set.table.name);
    write_where(writer, dialect, set.table, set.where, set.one_of);
    for (std::size_t i = 0; i < set.order.size(); ++i) {
        if (i == 0) {
            writer.keyword(" ORDER BY ");
        } else {
            writer.keyword(", ");
        }
        dialect.ordered(writer, set.table.columns[set.order[i].column]);
        if (set.order[i].direction == plan::Direction::descending) {
            writer.keyword(" DESC");
        }
    }
    // Always there: without it MariaDB would put the inner expression wherever the outer one names it, and digest each row twice.
    writer.keyword(" LIMIT ").param(signed_count(set.rows_max));
    dialect.locking(writer);
    writer.keyword(") AS rows_of_the_set");
    return std::move(writer).finish();
}

}  // namespace sql::render
