// What the writes of this folder share: a transaction that is rolled back unless it is committed, and the proof that the table is
// still the one that a program was bound to. Which statements run in between is not here. Private to this folder.
#pragma once

#include "schemas/catalog.h"
#include "sql/exec/connection.h"
#include "sql/exec/pool.h"

namespace sql::exec {

// Measured: MariaDB answers a DELETE that is killed while it is planned with 0 rows and no error (41 of 72,000 under a storm of
// KILL QUERY). That nothing matched is believed when it was said twice; by SQLite at once, whose triggers would run twice too.
inline constexpr int kZerosBelieved = 2;

// Success when the table is, on this connection and now, the one that the program was bound to.
[[nodiscard]] DbResult<void> prove(Connection& connection, const schemas::Table& table, Deadline deadline);

// Nothing was done. If the binding was stale, that is the better reason.
[[nodiscard]] DbError better_reason(DbError error, Connection& connection, const schemas::Table& table, Deadline deadline);

// A connection that cannot roll back is dropped.
class Transaction {
public:
    explicit Transaction(Lease& lease) : lease_(lease) {}
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction();

    DbResult<void> begin(Deadline deadline);
    // As the connection's: a locking read finds the same rows again.
    DbResult<void> begin_repeatable(Deadline deadline);
    DbResult<void> commit(Deadline deadline);

private:
    Lease& lease_;
    bool is_open_ = false;
};

}  // namespace sql::exec
