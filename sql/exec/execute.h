// The first contact with the database: runs a Program on a leased connection, in a transaction where it needs one, rolled
// back unless committed. Called by the pipeline.
#pragma once

#include <cstdint>
#include <optional>

#include "sql/exec/database.h"
#include "sql/render/program.h"

namespace sql::exec {

struct Outcome {
    std::uint64_t rows_affected = 0;
    std::optional<schemas::Value> last_insert_id;  // a number; nothing when the table has none
};

// Fails with DbFault::schema_changed when the program was bound to a table that is no longer so: nothing was done, bind again.
// A read is tried once more on a new connection when the first turned out dead; a write never is after it was sent
// (outcome_unknown). DbFault::conflict is tried again up to three times within the deadline: it was rolled back whole.
// `sink` is for Answer::rows; `columns` are the plan's.
[[nodiscard]] DbResult<Outcome> execute(const render::Program& program, const std::vector<const schemas::Column*>& columns,
                                        Database& database, Deadline deadline, RowSink* sink);

}  // namespace sql::exec
