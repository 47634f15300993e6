// One connection to one database, as the pool and execute see it. Implemented in sql/mysql and sql/sqlite.
// Not thread safe: whoever holds the lease calls. Every call takes the request's deadline; none throws.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "schemas/build.h"
#include "schemas/catalog.h"
#include "schemas/reference.h"
#include "sql/exec/db_error.h"
#include "sql/exec/deadline.h"
#include "sql/exec/row.h"
#include "sql/render/dialect.h"
#include "sql/render/writer.h"

namespace sql::exec {

template <typename T>
using DbResult = tl::expected<T, DbError>;

// What can be said of a connection without asking the database.
enum class Look { alive, dead, unknown };

class Connection {
public:
    virtual ~Connection() = default;

    // Runs a SELECT, or an INSERT that returns rows, and shows each row to `sink`; `columns` gives the type of each selected column, in order.
    virtual DbResult<void> query(const render::Statement& statement, const std::vector<const schemas::Column*>& columns,
                                 Deadline deadline, RowSink& sink) = 0;
    // Runs a write; the number of rows matched (an UPDATE that changes nothing counts its rows).
    virtual DbResult<std::uint64_t> run(const render::Statement& statement, Deadline deadline) = 0;

    // `begin` takes the write lock where the database has one for all (SQLite: BEGIN IMMEDIATE).
    virtual DbResult<void> begin(Deadline deadline) = 0;
    // As `begin`; and until the end of this transaction no row of others comes into what a locking read has found.
    virtual DbResult<void> begin_repeatable(Deadline deadline) { return begin(deadline); }
    virtual DbResult<void> commit(Deadline deadline) = 0;
    virtual DbResult<void> rollback(Deadline deadline) = 0;
    // Inside a transaction: fails as COMMIT would for the foreign keys that wait for it. Where none can wait, it asks nothing.
    virtual DbResult<void> look_at_deferred_keys() { return {}; }

    // The id that the last `run` generated; 0 when it generated none.
    virtual DbResult<std::uint64_t> last_insert_id(Deadline deadline) = 0;

    // The tables and views of the database, system tables left out.
    virtual DbResult<std::vector<schemas::TableName>> tables(Deadline deadline) = 0;
    // Everything about one table; nothing when there is none of exactly this name. Inside a transaction that has used the
    // table, it is the definition that the transaction works on.
    virtual DbResult<std::optional<schemas::RawTable>> introspect(std::string_view table, Deadline deadline) = 0;
    // The version token alone (cheap); empty when the table is gone.
    virtual DbResult<std::string> version_token(std::string_view table, Deadline deadline) = 0;

    // The foreign keys that point at a table, and its triggers, as they are now. Nothing freezes them: a write proves itself by
    // asking again after its statements (see ReferenceMap).
    virtual DbResult<schemas::References> referencing(std::string_view table, Deadline deadline) = 0;
    // How many tables a DELETE from this one opens for writing, those included that our account is not shown: itself, and every
    // table that a cascade reaches, itself again if one leads back. Nothing where the database does not tell. Inside a transaction;
    // afterwards the definitions of those tables stay as they are until it ends.
    virtual DbResult<std::optional<std::size_t>> tables_of_delete(const schemas::Ident&, Deadline) { return std::nullopt; }

    // True when the database answers on this connection. Called by the pool on a connection that was idle for long.
    virtual bool is_alive(Deadline deadline) = 0;
    // Takes no round trip. Called by the pool on a connection that was idle.
    [[nodiscard]] virtual Look look() const { return Look::unknown; }
    // False when something of a request may still cling to it: an open transaction, a KILL on its way. Called by the pool on
    // every connection that is given back.
    [[nodiscard]] virtual bool is_reusable() const { return true; }
};

}  // namespace sql::exec
