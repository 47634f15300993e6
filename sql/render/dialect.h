// The questions that render asks a database family. One implementation each in sql/mysql and sql/sqlite; stateless,
// shared by all threads. A dialect writes through the Writer like everybody else.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "schemas/catalog.h"
#include "sql/plan/plan.h"
#include "sql/render/writer.h"

namespace sql::render {

// How a database follows foreign keys, where they differ. Unless said otherwise: as InnoDB, row by row while the statement runs.
struct CascadeRules {
    bool no_action_waits = false;         // NO ACTION looks at the end of the statement, or of the transaction
    bool updates_a_table_once = true;     // a chain of updates that comes to one table again is refused
    bool compares_as_columns = true;      // a child's column equals its parent's as SQL's `=` says, whichever stands first
    bool null_may_be_refused = false;     // SET NULL may be declared on columns that take no NULL
    std::size_t depth_max = 14;           // so many levels below the row that is written; one more is refused
};

class Dialect {
public:
    virtual ~Dialect() = default;

    [[nodiscard]] virtual Quote quote() const = 0;

    // One condition on one column (not key_in), NULL and foreign storage classes excluded as the contract says. The text depends on the
    // kind, the column and the number of values only.
    virtual void predicate(Writer& writer, const schemas::Column& column, const plan::Predicate& predicate) const = 0;

    // The primary key, whose columns these are, equals one of `values`, key by key in key order, as eq compares each part: one
    // condition that AND may join. At least one key; the text depends on the columns and the number of keys only.
    virtual void keys(Writer& writer, std::span<const schemas::Column* const> key, std::span<const schemas::Value> values) const = 0;

    // These columns of a row hold just the cells that were read as one of `values`, row by row, whatever their storage class; none is
    // NULL.
    virtual void cells(Writer& writer, std::span<const schemas::Column* const> columns, std::span<const schemas::Value> values) const {
        keys(writer, columns, values);
    }
    [[nodiscard]] virtual CascadeRules cascade_rules() const { return {}; }
    // Every row of an UPDATE or DELETE is found before the first is written, and nobody else writes meanwhile: what foreign keys do to
    // the first rows has no say in which are the last. Then its condition names the same rows as a SELECT before it.
    [[nodiscard]] virtual bool finds_before_writing() const { return false; }

    // The expression that a SELECT lists for this column; a cell reaches gateway/respond as exec/row.h says.
    virtual void selected(Writer& writer, const schemas::Column& column) const = 0;

    // The expression that ORDER BY sorts on for this column: the order that lt and gt compare in.
    virtual void ordered(Writer& writer, const schemas::Column& column) const = 0;

    // A placeholder that stores `value` in this column; `value` is the plan's and is not copied.
    virtual void stored(Writer& writer, const schemas::Column& column, const schemas::Value& value) const = 0;

    // What a missing cell of a batch writes: DEFAULT, or what the dialect has for it.
    [[nodiscard]] virtual bool has_default_keyword() const = 0;

    // True when a write can carry its proof against a stale catalog in its own WHERE (see Program).
    [[nodiscard]] virtual bool proves_in_statement() const = 0;
    // ` AND <the table is still the version that the plan was bound to>`; called only when proves_in_statement().
    virtual void freshness(Writer& writer, const schemas::Table& table) const = 0;

    // True when meaning() can say all that binding this condition took from the catalog.
    [[nodiscard]] virtual bool tells_meaning(const schemas::Column&, const plan::Predicate&) const { return false; }
    // ` AND <in this row the condition means what it was bound to mean>`: a cheaper proof than freshness(), for a DELETE by key;
    // called only when tells_meaning().
    virtual void meaning(Writer&, const schemas::Column&, const plan::Predicate&) const {}

    // An expression that a SELECT lists: 64 bits or more that say of one row what stands in each of its columns, under a name that no
    // column has. NULL when the database could not make it. `salt` is 32 hexadecimal digits.
    virtual void row_digest(Writer& writer, const schemas::Table& table, const schemas::Text& salt) const = 0;
    // Over a SELECT that lists row_digest() alone: text, the same for the same rows in whatever order; NULL when one of them is, or
    // there is none.
    virtual void set_digest(Writer& writer) const = 0;

    // The UTF-8 bytes of a text cell, and of such a value: they are equal when the texts are, whatever the column's collation.
    virtual void verbatim(Writer& writer, const schemas::Column& column) const = 0;
    virtual void verbatim(Writer& writer, const schemas::Text& value) const = 0;

    // After a SELECT: its rows stay as they are until the transaction ends, where BEGIN alone does not see to that.
    virtual void locking(Writer&) const {}

    // At most so many placeholders, and so many rows, in one INSERT.
    [[nodiscard]] virtual std::size_t placeholders_max() const = 0;
    [[nodiscard]] virtual std::size_t insert_rows_max() const = 0;
};

}  // namespace sql::render
