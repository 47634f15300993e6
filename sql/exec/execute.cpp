#include "sql/exec/execute.h"

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "sql/exec/keys.h"
#include "sql/render/check.h"

namespace sql::exec {
namespace {

using render::Answer;
using render::Check;
using render::Program;
using render::Proof;

constexpr int kConflictRetriesMax = 3;
// How long a rollback may take after the request's own time is over.
constexpr std::chrono::seconds kRollbackTime{2};

DbError stale() {
    return {DbFault::schema_changed, Fate::keep, {}, {}, "the table is not the one that the program was bound to"};
}

DbError too_late() {
    return {DbFault::deadline_exceeded, Fate::keep, {}, {}, "the deadline passed between two statements"};
}

// Could the statement have failed because the table is not what we thought?
bool may_come_from_stale_binding(DbFault fault) {
    switch (fault) {
        case DbFault::unique_violated:
        case DbFault::foreign_key_violated:
        case DbFault::row_refused:
        case DbFault::too_large:
        case DbFault::denied:
        case DbFault::unknown:
            return true;
        case DbFault::unavailable:
        case DbFault::busy:
        case DbFault::conflict:
        case DbFault::read_only:
        case DbFault::schema_changed:
        case DbFault::row_forbidden:
        case DbFault::set_too_large:
        case DbFault::deadline_exceeded:
        case DbFault::outcome_unknown:
            return false;
    }
    return false;
}

// A COMMIT that failed so may have happened all the same.
bool leaves_commit_open(DbFault fault) {
    switch (fault) {
        case DbFault::unavailable:
        case DbFault::deadline_exceeded:
        case DbFault::outcome_unknown:
        case DbFault::unknown:
            return true;
        case DbFault::busy:
        case DbFault::conflict:
        case DbFault::read_only:
        case DbFault::unique_violated:
        case DbFault::foreign_key_violated:
        case DbFault::row_refused:
        case DbFault::too_large:
        case DbFault::schema_changed:
        case DbFault::row_forbidden:
        case DbFault::set_too_large:
        case DbFault::denied:
            return false;
    }
    return true;
}

// Success when the table is, on this connection and now, the one that the program was bound to.
DbResult<void> prove(Connection& connection, const schemas::Table& table, Deadline deadline) {
    if (table.version.is_settled) {
        const auto token = connection.version_token(table.name.text(), deadline);
        if (!token) {
            return tl::unexpected(token.error());
        }
        return *token == table.version.token ? DbResult<void>() : tl::unexpected(stale());
    }
    const auto raw = connection.introspect(table.name.text(), deadline);
    if (!raw) {
        return tl::unexpected(raw.error());
    }
    const bool is_same = *raw && schemas::fingerprint(**raw) == table.version.fingerprint;
    return is_same ? DbResult<void>() : tl::unexpected(stale());
}

// Nothing was done. If the binding was stale, that is the better reason.
DbError better_reason(DbError error, Connection& connection, const schemas::Table& table, Deadline deadline) {
    if (may_come_from_stale_binding(error.fault)) {
        const auto proof = prove(connection, table, deadline);
        if (!proof && proof.error().fault == DbFault::schema_changed) {
            return {DbFault::schema_changed, error.fate, {}, {}, proof.error().internal + "; " + error.internal};
        }
    }
    return error;
}

// Rolled back unless committed; a connection that cannot roll back is dropped.
class Transaction {
public:
    explicit Transaction(Lease& lease) : lease_(lease) {}
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction() {
        if (is_open_ && !lease_->rollback(Deadline::after(kRollbackTime))) {
            lease_.poison();
        }
    }

    DbResult<void> begin(Deadline deadline) {
        auto done = lease_->begin(deadline);
        is_open_ = done.has_value();
        return done;
    }
    DbResult<void> commit(Deadline deadline) {
        if (deadline.has_passed()) {
            return tl::unexpected(too_late());
        }
        auto done = lease_->commit(deadline);
        is_open_ = !done.has_value();
        if (!done && leaves_commit_open(done.error().fault)) {
            done.error().fault = DbFault::outcome_unknown;
            done.error().fate = Fate::drop;
        }
        return done;
    }

private:
    Lease& lease_;
    bool is_open_ = false;
};

DbResult<Outcome> run_read(const Program& program, const std::vector<const schemas::Column*>& columns, Lease& lease,
                           Deadline deadline, RowSink& sink) {
    auto done = lease->query(program.statements.front(), columns, deadline, sink);
    if (!done) {
        return tl::unexpected(as_read(std::move(done.error()), deadline));
    }
    return Outcome{};
}

// Measured: MariaDB answers a DELETE that is killed while it is planned with 0 rows and no error (41 of 72,000 under a storm of
// KILL QUERY). That nothing matched is believed when it was said twice.
constexpr int kZerosBelieved = 2;

// One statement, its proof in its own WHERE.
DbResult<Outcome> run_alone(const Program& program, Lease& lease, Deadline deadline) {
    for (int zeros = 0;;) {
        auto count = lease->run(program.statements.front(), deadline);
        if (!count) {
            return tl::unexpected(better_reason(std::move(count.error()), *lease, *program.table, deadline));
        }
        if (*count > 0) {
            return Outcome{*count, std::nullopt};
        }
        // Nothing matched, or the table moved.
        if (auto proof = prove(*lease, *program.table, deadline); !proof) {
            return tl::unexpected(as_read(std::move(proof.error()), deadline));
        }
        if (++zeros >= kZerosBelieved) {
            return Outcome{};
        }
    }
}

DbResult<void> read_inserted_id(const Program& program, Connection& connection, Deadline deadline, Outcome& outcome) {
    if (!program.last_id_is_generated) {
        outcome.last_insert_id = program.last_id_explicit;
        return {};
    }
    const auto id = connection.last_insert_id(deadline);
    if (!id) {
        return tl::unexpected(id.error());
    }
    constexpr auto kSignedMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (*id > kSignedMax) {
        outcome.last_insert_id.emplace(std::in_place_type<std::uint64_t>, *id);
    } else if (*id > 0) {
        outcome.last_insert_id.emplace(std::in_place_type<std::int64_t>, static_cast<std::int64_t>(*id));
    }
    return {};
}

// One statement of a transaction: the number of rows it wrote.
DbResult<std::uint64_t> run_statement(const Program& program, const render::Statement& statement,
                                      const std::vector<const schemas::Column*>& key_columns, Connection& connection,
                                      Deadline deadline, KeyRows& keys) {
    if (program.check == Check::rows_returned) {
        const std::uint64_t before = keys.rows();
        if (auto done = connection.query(statement, key_columns, deadline, keys); !done) {
            return tl::unexpected(std::move(done.error()));
        }
        return keys.rows() - before;
    }
    auto count = connection.run(statement, deadline);
    for (int zeros = 1; count && *count == 0 && !program.rows_expected && zeros < kZerosBelieved; ++zeros) {
        count = connection.run(statement, deadline);
    }
    return count;
}

// Success when the row filters show every row that was written, as the database holds it now.
DbResult<void> check_written(const Program& program, const std::vector<const schemas::Column*>& key_columns, Connection& connection,
                             const render::Dialect& dialect, Deadline deadline, KeyRows&& keys, const Outcome& outcome) {
    if (keys.rows() != outcome.rows_affected) {
        // Somebody else's row came between the two statements.
        return tl::unexpected(DbError{DbFault::conflict, Fate::keep, {}, {}, "the rows changed are not the rows that were found"});
    }
    RowCount shown;
    const std::uint64_t wanted = keys.rows();
    for (const render::Statement& statement : render::render_shown(*program.plan, dialect, std::move(keys).take())) {
        if (auto done = connection.query(statement, key_columns, deadline, shown); !done) {
            return tl::unexpected(std::move(done.error()));
        }
    }
    if (shown.rows() != wanted) {
        return tl::unexpected(DbError{DbFault::row_forbidden, Fate::keep, {}, {}, "the row filters do not show a row that was written"});
    }
    return {};
}

DbResult<Outcome> run_transaction(const Program& program, Lease& lease, const render::Dialect& dialect, Deadline deadline) {
    Transaction transaction(lease);
    // Until COMMIT is sent, a lost connection means that nothing was done: the server rolls back.
    if (auto begun = transaction.begin(deadline); !begun) {
        return tl::unexpected(as_read(std::move(begun.error()), deadline));
    }
    Outcome outcome;
    KeyRows keys;
    const auto key_columns =
        program.check == Check::none ? std::vector<const schemas::Column*>() : render::key_columns(*program.table);
    if (program.keys_before) {
        if (auto found = lease->query(*program.keys_before, key_columns, deadline, keys); !found) {
            return tl::unexpected(as_read(better_reason(std::move(found.error()), *lease, *program.table, deadline), deadline));
        }
    }
    if (keys.is_overfull()) {
        return tl::unexpected(DbError{DbFault::set_too_large, Fate::keep, {}, {}, "more rows than a checked write takes"});
    }
    for (const render::Statement& statement : program.statements) {
        auto count = run_statement(program, statement, key_columns, *lease, deadline, keys);
        if (!count) {
            return tl::unexpected(as_read(better_reason(std::move(count.error()), *lease, *program.table, deadline), deadline));
        }
        outcome.rows_affected += *count;
    }
    if (auto id = read_inserted_id(program, *lease, deadline, outcome); !id) {
        return tl::unexpected(as_read(std::move(id.error()), deadline));
    }
    DbResult<void> written;
    if (program.check != Check::none) {
        written = keys.is_overfull()
                      ? tl::unexpected(DbError{DbFault::set_too_large, Fate::keep, {}, {}, "more rows than a checked write takes"})
                      : check_written(program, key_columns, *lease, dialect, deadline, std::move(keys), outcome);
    }
    // After the statements: they hold the table's definition still, so what is proved now is what they ran on.
    if (auto proof = prove(*lease, *program.table, deadline); !proof) {
        return tl::unexpected(as_read(std::move(proof.error()), deadline));
    }
    if (!written) {
        return tl::unexpected(as_read(std::move(written.error()), deadline));
    }
    if (program.rows_expected && outcome.rows_affected != *program.rows_expected) {
        return tl::unexpected(DbError{DbFault::row_refused, Fate::keep, {}, {}, "the database skipped some of the rows"});
    }
    if (auto done = transaction.commit(deadline); !done) {
        return tl::unexpected(std::move(done.error()));
    }
    return outcome;
}

DbResult<Outcome> run_once(const Program& program, const std::vector<const schemas::Column*>& columns, Database& database,
                           Deadline deadline, RowSink* sink) {
    const bool is_read = program.answer == Answer::rows;
    auto lease = is_read ? database.readers().lease(deadline, Purpose::read) : database.writers().lease(deadline, Purpose::write);
    if (!lease) {
        // Not to be tried again: this was a fresh connection, or none was free.
        DbError error = std::move(lease.error());
        if (error.fault == DbFault::unavailable) {
            database.drop_idle();
        }
        error.fate = Fate::keep;
        return tl::unexpected(std::move(error));
    }
    auto outcome = is_read                                 ? run_read(program, columns, *lease, deadline, *sink)
                   : program.proof == Proof::in_statement ? run_alone(program, *lease, deadline)
                                                          : run_transaction(program, *lease, database.dialect(), deadline);
    if (!outcome && outcome.error().fate == Fate::drop) {
        lease->poison();
    }
    return outcome;
}

// A write always names its table, whatever its proof: without one it is proved in a transaction.
bool can_run(const Program& program, const RowSink* sink) {
    const bool is_single = program.statements.size() == 1;
    if (program.answer == Answer::rows) {
        return is_single && sink != nullptr;
    }
    if (!program.table || program.statements.empty()) {
        return false;
    }
    // A version that is not settled cannot be proved by its token, in a WHERE neither.
    return program.proof != Proof::in_statement || (is_single && program.table->version.is_settled);
}

void wait_a_little(int conflicts) {
    thread_local std::minstd_rand random{std::random_device{}()};
    std::uniform_int_distribution<int> milliseconds(1, 10 << conflicts);
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds(random)));
}

}  // namespace

DbResult<Outcome> execute(const Program& program, const std::vector<const schemas::Column*>& columns, Database& database,
                          Deadline deadline, RowSink* sink) {
    if (!can_run(program, sink)) {
        return tl::unexpected(DbError{DbFault::unknown, Fate::keep, {}, {}, "a program that cannot be run"});
    }
    bool was_lost = false;
    for (int conflicts = 0;;) {
        auto outcome = run_once(program, columns, database, deadline, sink);
        if (outcome || deadline.has_passed()) {
            return outcome;
        }
        const DbError& error = outcome.error();
        if (error.fault == DbFault::unavailable && error.fate == Fate::drop && !was_lost) {
            was_lost = true;
            database.drop_idle();
        } else if (error.fault == DbFault::conflict && conflicts < kConflictRetriesMax) {
            wait_a_little(++conflicts);
        } else {
            return outcome;
        }
        if (sink != nullptr) {
            sink->restart();
        }
    }
}

}  // namespace sql::exec
