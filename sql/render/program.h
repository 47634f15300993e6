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

// Whether the rows of an update or delete are found, locked and looked at before they are written (see exec/counted.h).
enum class Counting {
    never,
    // When a foreign key may lead from the rows back into their table. The database may look for the later ones only when the first are
    // gone, and what their going did to others has a say in which these are; and it does not count rows that a cascade took first.
    when_led_back,
    always,
};

struct Program {
    std::vector<Statement> statements;
    Answer answer = Answer::rows;
    Proof proof = Proof::none;
    schemas::TablePtr table;
    Check check = Check::none;
    Counting counting = Counting::never;  // always: the statements are what would be written by condition
    std::optional<Statement> keys_before;
    std::shared_ptr<const plan::Plan> plan;  // keeps alive what the statements refer to

    // Insert only: what `last_insert_id` answers. `generated`: the id that the last statement generated; a number: the
    // explicit value of the last row; nothing: the table has no auto-increment column.
    bool last_id_is_generated = false;
    std::optional<schemas::Value> last_id_explicit;
    std::vector<std::size_t> returned;  // columns of the table that each INSERT returns of its rows; none: it returns nothing
    std::optional<std::uint64_t> rows_expected;  // all rows or none: a trigger may have skipped some (RAISE(IGNORE))
};

}  // namespace sql::render
