// What execute runs: statements, how they hang together, and how the program proves that the catalog was not stale.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "schemas/catalog.h"
#include "sql/plan/plan.h"
#include "sql/render/writer.h"

namespace sql::render {

enum class Answer {
    rows,           // the (single) statement is a SELECT
    rows_affected,  // the sum over all statements
};

enum class Proof {
    none,            // a read: it may lag
    // The only statement's WHERE holds the proof, of the version or of the types of its filter's columns; 0 rows mean: ask for
    // the version, bind again if it moved.
    in_statement,
    in_transaction,  // before COMMIT the version is asked for again and compared; if it moved: roll back, bind again
};

// A write under row filters: what it wrote must be shown by them, looked up by primary key before COMMIT (see render_shown).
enum class Check {
    none,
    rows_returned,        // each statement is an INSERT that returns its rows' keys
    rows_of_keys_before,  // the rows that `keys_before` found, and locked, before the UPDATE
};

struct Program {
    std::vector<Statement> statements;
    Answer answer = Answer::rows;
    Proof proof = Proof::none;
    schemas::TablePtr table;
    Check check = Check::none;
    std::optional<Statement> keys_before;
    std::shared_ptr<const plan::Plan> plan;  // keeps alive what the statements refer to

    // Insert only: what `last_insert_id` answers. `generated`: the id that the last statement generated; a number: the
    // explicit value of the last row; nothing: the table has no auto-increment column.
    bool last_id_is_generated = false;
    std::optional<schemas::Value> last_id_explicit;
    std::optional<std::uint64_t> rows_expected;  // all rows or none: a trigger may have skipped some (RAISE(IGNORE))
};

}  // namespace sql::render
