// What the foreign keys that a write reaches mean for it: the refusal that the database would end it with, the caps that it would pass,
// what a preview says of it. It asks no database and counts nothing: reference_map and cascade have. Private to this folder, called by counted.
#pragma once

#include <cstdint>
#include <optional>

#include "sql/exec/cascade.h"
#include "sql/exec/counted.h"
#include "sql/exec/reference_map.h"
#include "sql/plan/plan.h"

namespace sql::exec {

struct Followed {
    std::optional<ReferenceMap> map;  // nothing: nobody asked
    Consequences consequences;
};

// A row that comes to refer to its default parent by a column of another key too may go with that key's parent.
[[nodiscard]] bool has_unknown_default(const Followed& followed);

// The refusal that the database would end the write with, as far as foreign keys tell.
[[nodiscard]] std::optional<DbError> obstacle(const Followed& followed);
// What the database refused, with the rows in the way where they are known.
[[nodiscard]] DbError with_rows_in_the_way(DbError error, const Followed& followed);

// What is in the way may go before its turn: only the database tells.
void contest_obstacles(Consequences& found);

// `rows`: of the write's own. Fails with over_cascade_cap, or with cascade_uncountable when nobody knows.
[[nodiscard]] DbResult<void> check_cascade_caps(const Followed& followed, std::uint64_t rows, const plan::Precautions& precautions);

// Cascades and triggers. The map is there.
void describe(const Followed& followed, bool is_delete, Preview& preview);

}  // namespace sql::exec
