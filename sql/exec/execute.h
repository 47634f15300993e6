// The first contact with the database: runs a Program on a leased connection, in a transaction where it needs one, rolled
// back unless committed. Called by the pipeline.
#pragma once

#include <cstdint>
#include <optional>

#include "sql/exec/counted.h"
#include "sql/exec/database.h"
#include "sql/render/program.h"

namespace sql::exec {

struct Outcome {
    std::uint64_t rows_affected = 0;
    std::optional<schemas::Value> last_insert_id;  // a number; nothing when the table has none
    std::vector<schemas::Value> key = {};          // of the only row of a counted write, as it is afterwards
    std::optional<Preview> preview = {};           // nothing was written
};

// Fails with DbFault::schema_changed when the program was bound to a table that is no longer so: nothing was done, bind again.
// A read is tried once more on a new connection when the first turned out dead; a write never is after it was sent
// (outcome_unknown). DbFault::conflict is tried again up to three times within the deadline: it was rolled back whole.
// A write that a foreign key refused is tried once more, counted, to say what is in the way.
// `sink` is for Answer::rows, and for the rows that a write gives back; `columns` are the plan's.
[[nodiscard]] DbResult<Outcome> execute(const render::Program& program, const std::vector<const schemas::Column*>& columns,
                                        Database& database, Deadline deadline, RowSink* sink, const Company& company = {});

}  // namespace sql::exec
