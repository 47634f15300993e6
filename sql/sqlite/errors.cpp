#include "sql/sqlite/errors.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <string>

namespace sql::sqlite {
namespace {

using exec::DbError;
using exec::DbFault;
using exec::Fate;

constexpr std::string_view kForeignKeyMessage = "FOREIGN KEY constraint failed";

std::string_view after(std::string_view message, std::string_view prefix) {
    return message.starts_with(prefix) ? message.substr(prefix.size()) : std::string_view();
}

// "users.email" without the table. A table's name may hold a dot too; SQLite quotes neither.
std::string column_of(std::string_view qualified) {
    return std::string(qualified.substr(qualified.rfind('.') + 1));
}

bool is_plain_name(std::string_view text) {
    const auto is_name_byte = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    return !text.empty() && std::all_of(text.begin(), text.end(), is_name_byte);
}

// "t.a, t.b", or "index 'name'" for an index on an expression.
std::string unique_constraint(std::string_view message) {
    std::string_view what = after(message, "UNIQUE constraint failed: ");
    constexpr std::string_view kIndex = "index '";
    if (what.starts_with(kIndex) && what.ends_with('\'') && what.size() > kIndex.size()) {
        what = what.substr(kIndex.size(), what.size() - kIndex.size() - 1);
    }
    return std::string(what);
}

void classify_constraint(int extended_code, std::string_view message, DbError& error) {
    error.fate = Fate::keep;
    error.fault = DbFault::row_refused;
    switch (extended_code) {
        case SQLITE_CONSTRAINT_UNIQUE:
        case SQLITE_CONSTRAINT_PRIMARYKEY:
        case SQLITE_CONSTRAINT_ROWID:
            error.fault = DbFault::unique_violated;
            error.constraint = unique_constraint(message);
            return;
        case SQLITE_CONSTRAINT_FOREIGNKEY:
            error.fault = DbFault::foreign_key_violated;
            return;
        case SQLITE_CONSTRAINT_TRIGGER:
            // ON DELETE RESTRICT and ON UPDATE RESTRICT are triggers of SQLite's own.
            if (message == kForeignKeyMessage) {
                error.fault = DbFault::foreign_key_violated;
            }
            return;
        case SQLITE_CONSTRAINT_NOTNULL:
            error.column = column_of(after(message, "NOT NULL constraint failed: "));
            return;
        case SQLITE_CONSTRAINT_DATATYPE:
            // "cannot store TEXT value in INTEGER column t.c"
            if (const auto at = message.find(" column "); at != std::string_view::npos) {
                error.column = column_of(message.substr(at + std::string_view(" column ").size()));
            }
            return;
        case SQLITE_CONSTRAINT_CHECK:
            // A check without a name is reported by its expression, which is SQL text.
            if (const std::string_view name = after(message, "CHECK constraint failed: "); is_plain_name(name)) {
                error.constraint = std::string(name);
            }
            return;
        default:  // SQLite's codes, not an enum of ours
            return;
    }
}

// SQLITE_ERROR says everything from a syntax error to a missing table. These are what a definition that moved under a
// statement looks like, when it is compiled and when a cached one compiles itself again at its first step.
bool is_definition_moved(std::string_view message) {
    const auto has = [&](std::string_view part) { return message.find(part) != std::string_view::npos; };
    return message.starts_with("no such table") || message.starts_with("no such column") ||
           message.starts_with("cannot INSERT into generated column") || message.starts_with("cannot UPDATE generated column") ||
           (message.starts_with("table ") && (has(" has no column named ") || has(" values were supplied"))) ||
           (message.starts_with("cannot modify ") && message.ends_with(" because it is a view"));
}

void classify_read_only(int extended_code, DbError& error) {
    switch (extended_code) {
        case SQLITE_READONLY_DBMOVED:   // another file stands at the path
        case SQLITE_READONLY_RECOVERY:  // a crashed writer's log, which this connection may not roll back
        case SQLITE_READONLY_ROLLBACK:
        case SQLITE_READONLY_CANTLOCK:
        case SQLITE_READONLY_CANTINIT:
            error.fault = DbFault::unavailable;
            error.fate = Fate::drop;
            return;
        default:  // SQLite's codes, not an enum of ours
            error.fault = DbFault::read_only;
            error.fate = Fate::keep;
            return;
    }
}

}  // namespace

DbError classify(int extended_code, std::string_view message) {
    DbError error;
    error.internal = fmt::format("SQLite {} ({}): {}", extended_code, sqlite3_errstr(extended_code), message);
    const auto set = [&error](DbFault fault, Fate fate) {
        error.fault = fault;
        error.fate = fate;
    };
    switch (extended_code & 0xff) {
        case SQLITE_CONSTRAINT:
            classify_constraint(extended_code, message, error);
            break;
        case SQLITE_MISMATCH:  // text into a rowid
            set(DbFault::row_refused, Fate::keep);
            break;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
        case SQLITE_PROTOCOL:  // the race for the WAL's locks was lost too often
            set(DbFault::busy, Fate::keep);
            break;
        case SQLITE_NOMEM:
            set(DbFault::busy, Fate::drop);
            break;
        case SQLITE_READONLY:
            classify_read_only(extended_code, error);
            break;
        case SQLITE_PERM:
        case SQLITE_FULL:
            set(DbFault::read_only, Fate::keep);
            break;
        case SQLITE_INTERRUPT:
            set(DbFault::deadline_exceeded, Fate::keep);
            break;
        case SQLITE_CANTOPEN:
        case SQLITE_NOTADB:
        case SQLITE_IOERR:
        case SQLITE_CORRUPT:
        case SQLITE_NOLFS:
            set(DbFault::unavailable, Fate::drop);
            break;
        case SQLITE_TOOBIG:
            set(DbFault::too_large, Fate::keep);
            break;
        case SQLITE_SCHEMA:
            set(DbFault::schema_changed, Fate::keep);
            break;
        case SQLITE_AUTH:
            set(DbFault::denied, Fate::keep);
            break;
        case SQLITE_ERROR:
            set(is_definition_moved(message) ? DbFault::schema_changed : DbFault::unknown, Fate::keep);
            break;
        default:  // SQLite's codes, not an enum of ours: MISUSE, INTERNAL, RANGE and those to come
            set(DbFault::unknown, Fate::drop);
            break;
    }
    return error;
}

bool leaves_commit_in_doubt(int extended_code) {
    return (extended_code & 0xff) == SQLITE_IOERR;
}

}  // namespace sql::sqlite
