// What a delete or an update would do beyond its own rows: the foreign keys of a ReferenceMap followed level by level with locking
// reads, each row counted once. It changes nothing and refuses nothing; what is too much or in the way is for execute to say.
// Called inside the write's transaction, before the write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "schemas/value.h"
#include "sql/exec/connection.h"
#include "sql/exec/reference_map.h"
#include "sql/plan/plan.h"
#include "sql/render/dialect.h"

namespace sql::exec {

// Rows that one foreign key leads to. The rows that the write itself names are in none of these numbers.
struct Reached {
    std::size_t key = 0;  // into ReferenceMap::keys
    schemas::ReferentialAction action = schemas::ReferentialAction::cascade;
    std::uint64_t rows = 0;
};

struct Consequences {
    // By CASCADE, SET NULL and SET DEFAULT, in the order of the map's keys, those that reach a row only. A row that two keys lead to
    // counts for the first; one that is deleted is not among those that another key would have set to NULL.
    std::vector<Reached> effects;
    // By RESTRICT and NO ACTION: rows that are in the way, and not all of them go. The write fails.
    std::vector<Reached> obstacles;
    // The same where all of them go, or come to refer to nobody, by another key: it depends on what comes first.
    std::vector<Reached> contested;
    std::uint64_t rows = 0;  // deleted or changed by the effects, each once
    // Rows of the write's own that a cascade takes too: the database may leave them out of its count of the statement.
    std::uint64_t own_rows_reached = 0;
    // A chain of references longer than the database follows: the write fails.
    bool is_too_deep = false;
    // False when it depends on the order in which the database takes the rows, or on more than foreign keys, whether the write
    // succeeds or what becomes of a row: only doing it tells. Effects are then what may be, at most. (SET DEFAULT excepted: a row
    // that has come to refer to another may go with it.)
    bool is_decided = true;
    // More than `rows_max` rows: what is said here is only the beginning, and no row is an obstacle, for it may go later.
    bool is_cut = false;

    [[nodiscard]] bool is_refused() const { return !obstacles.empty() || is_too_deep; }
};

struct CascadeLimits {
    std::uint64_t rows_max = 100'000;  // work ends at one more
};

// `rows`: of the rows to be written, one after another, the cells of ReferenceMap::tables[0].columns. Fails as the connection does;
// with denied when our account may not read a child.
[[nodiscard]] DbResult<Consequences> consequences_of_delete(Connection& connection, const render::Dialect& dialect,
                                                            const ReferenceMap& map, std::span<const schemas::Value> rows,
                                                            CascadeLimits limits, Deadline deadline);
[[nodiscard]] DbResult<Consequences> consequences_of_update(Connection& connection, const render::Dialect& dialect,
                                                            const ReferenceMap& map, std::span<const schemas::Value> rows,
                                                            const std::vector<plan::Assignment>& assignments, CascadeLimits limits,
                                                            Deadline deadline);

}  // namespace sql::exec
