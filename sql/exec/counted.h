// A write whose rows are found and locked before it: counted against its caps, held against a preview's token, followed along foreign
// keys, given back to the caller; and only then written, by key where the database would not find them all the same way again.
// Everything happens in one transaction, which ends without a trace unless the write does exactly what was counted. Or nothing is
// written at all: a preview. Called by execute.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "schemas/reference.h"
#include "schemas/value.h"
#include "sql/exec/database.h"
#include "sql/exec/pool.h"
#include "sql/exec/set_digest.h"
#include "sql/render/program.h"

namespace sql::exec {

// What a counted write is given beside its program.
struct Company {
    std::string salt;  // of digests, 32 hexadecimal digits
    // Whether the set is the one that the token's preview showed. Asked when the plan has a token.
    std::function<bool(const SetDigest&)> is_shown_set;
    std::uint64_t digest_rows_max = 100'000;  // a larger set is counted, not digested
    std::size_t answer_bytes_max = std::numeric_limits<std::size_t>::max();  // of the rows given back
};

// Rows that a foreign key reaches from those of the write.
struct Cascade {
    std::string table;  // the child's
    std::string constraint;  // empty where the database keeps no names
    schemas::ReferentialAction action = schemas::ReferentialAction::cascade;
    std::uint64_t rows = 0;
};

// Rows of a preview that a condition on text found by its column's collation alone: they do not hold the text that it names.
struct LooseMatch {
    std::size_t column = 0;  // of the table
    std::uint64_t rows = 0;  // one or more
};

struct Preview {
    std::uint64_t rows = 0;
    std::vector<schemas::Value> sample;  // keys of some of them, one's values after another, as far as the caller may read them
    std::vector<LooseMatch> loose_matches;  // looked for in sets of no more than Company::digest_rows_max rows
    std::vector<Cascade> cascades;
    std::vector<std::string> triggers;  // that would run, by name
    bool are_triggers_known = true;
    bool is_refused = false;            // the write would end with 409
    std::optional<SetDigest> digest;    // nothing: none was made, see Company, or the database could not
};

// What came of it.
struct Counted {
    std::uint64_t rows = 0;
    std::vector<schemas::Value> key;  // of the only row as it is afterwards; empty when there are more
    std::optional<Preview> preview;
};

// `rows` gets what the plan gives back. `follows`: along foreign keys even where no cap asks for it, to say what is in the way.
// Fails as DbError says; foreign_key_violated, over_cap, over_cascade_cap and set_changed with a tally.
[[nodiscard]] DbResult<Counted> run_counted(const render::Program& program, Lease& lease, const render::Dialect& dialect, const Company& company,
                                            bool follows, RowSink* rows, Deadline deadline);

// The rows with these keys that the plan's row filters show, in the order of the keys, into `sink`; answer_too_large when they are
// more than it takes, or their cells more than bytes_max.
[[nodiscard]] DbResult<void> show_rows(const plan::ReadPlan& plan, const render::Dialect& dialect, Connection& connection,
                                       std::span<const schemas::Value> keys, std::size_t bytes_max, RowSink& sink, Deadline deadline);

}  // namespace sql::exec
