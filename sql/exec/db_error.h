// A database's failure, classified once in the backend's errors.cpp: whose fault, is the connection usable, may we try again.
// gateway/error maps each kind to status and code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "sql/exec/deadline.h"
#include "sql/plan/plan.h"

namespace sql::exec {

enum class DbFault {
    unavailable,          // 503: cannot connect, or the connection was gone before the statement was sent
    busy,                 // 503: pool full, lock wait, too many connections, SQLITE_BUSY past the deadline
    conflict,             // 503: deadlock or lost certification; rolled back, may be tried again
    read_only,            // 503: the database takes no writes now
    unique_violated,      // 409
    foreign_key_violated, // 409
    row_refused,          // 422: CHECK, NOT NULL, out of range: the table refuses the values
    too_large,            // 413: larger than the database's packet
    schema_changed,       // bind again: a table or column is not what the catalog said
    row_forbidden,        // 403: what was written is not what the program's row filters show; rolled back
    set_too_large,        // 400: more rows than can be looked at again; rolled back
    row_missing,          // 404: no row at the key; nothing was done
    over_cap,             // 412: more rows match than may; rolled back
    over_cascade_cap,     // 412: more rows would be reached through foreign keys than may; rolled back
    set_changed,          // 412: the rows are not those that a preview showed; rolled back
    cascade_uncountable,  // 409: what foreign keys would do cannot be counted, and it was to be; rolled back
    answer_too_large,     // 400: the rows to be given back are more than an answer may hold; rolled back
    deadline_exceeded,    // 504: stopped in the database, rolled back
    outcome_unknown,      // 504: the connection was lost while a write ran. From a Connection: lost while any statement ran
    denied,               // 500: our account lacks a privilege; the operator's to mend
    unknown,              // 500
};

enum class Fate { keep, drop };

// The numbers behind a refusal that was counted.
struct Tally {
    std::uint64_t rows = 0;       // that are too many, or in the way, or that the set has now
    bool is_at_least = false;     // nobody counted on
    std::uint64_t cascaded = 0;   // of `rows`, those that foreign keys reach
    std::string child_table;      // whose rows are in the way
    std::optional<plan::Cap> cap;
};

struct DbError {
    DbFault fault = DbFault::unknown;
    Fate fate = Fate::drop;
    std::string constraint;  // the violated constraint's name where the database gives it
    std::string column;      // the refused column where the database gives it
    std::string internal;    // driver's code and message, for the log only
    std::optional<Tally> tally = {};
};

// What the failure of a read, or of a statement in a transaction that was not committed, means: a connection lost on the way
// left nothing behind. It was lost because the deadline passed, or the database is gone.
[[nodiscard]] inline DbError as_read(DbError error, Deadline deadline) {
    if (error.fault == DbFault::outcome_unknown) {
        error.fault = deadline.has_passed() ? DbFault::deadline_exceeded : DbFault::unavailable;
    }
    return error;
}

}  // namespace sql::exec
