#include "sql/exec/transaction.h"

#include <chrono>
#include <utility>

namespace sql::exec {
namespace {

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
        case DbFault::row_missing:
        case DbFault::over_cap:
        case DbFault::over_cascade_cap:
        case DbFault::set_changed:
        case DbFault::cascade_uncountable:
        case DbFault::answer_too_large:
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
        case DbFault::row_missing:
        case DbFault::over_cap:
        case DbFault::over_cascade_cap:
        case DbFault::set_changed:
        case DbFault::cascade_uncountable:
        case DbFault::answer_too_large:
        case DbFault::denied:
            return false;
    }
    return true;
}

}  // namespace

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

DbError better_reason(DbError error, Connection& connection, const schemas::Table& table, Deadline deadline) {
    if (may_come_from_stale_binding(error.fault)) {
        const auto proof = prove(connection, table, deadline);
        if (!proof && proof.error().fault == DbFault::schema_changed) {
            return {DbFault::schema_changed, error.fate, {}, {}, proof.error().internal + "; " + error.internal};
        }
    }
    return error;
}

Transaction::~Transaction() {
    if (is_open_ && !lease_->rollback(Deadline::after(kRollbackTime))) {
        lease_.poison();
    }
}

DbResult<void> Transaction::begin(Deadline deadline) {
    auto done = lease_->begin(deadline);
    is_open_ = done.has_value();
    return done;
}

DbResult<void> Transaction::begin_repeatable(Deadline deadline) {
    auto done = lease_->begin_repeatable(deadline);
    is_open_ = done.has_value();
    return done;
}

DbResult<void> Transaction::commit(Deadline deadline) {
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

}  // namespace sql::exec
