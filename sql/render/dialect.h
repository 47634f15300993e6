// The questions that render asks a database family. One implementation each in sql/mysql and sql/sqlite; stateless,
// shared by all threads. A dialect writes through the Writer like everybody else.
#pragma once

#include <cstddef>
#include <vector>

#include "schemas/catalog.h"
#include "sql/plan/plan.h"
#include "sql/render/writer.h"

namespace sql::render {

class Dialect {
public:
    virtual ~Dialect() = default;

    [[nodiscard]] virtual Quote quote() const = 0;

    // One condition on one column, NULL and foreign storage classes excluded as the contract says. The text depends on the
    // kind, the column and the number of values only.
    virtual void predicate(Writer& writer, const schemas::Column& column, const plan::Predicate& predicate) const = 0;

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

    // After a SELECT: its rows stay as they are until the transaction ends, where BEGIN alone does not see to that.
    virtual void locking(Writer&) const {}

    // At most so many placeholders, and so many rows, in one INSERT.
    [[nodiscard]] virtual std::size_t placeholders_max() const = 0;
    [[nodiscard]] virtual std::size_t insert_rows_max() const = 0;
};

}  // namespace sql::render
