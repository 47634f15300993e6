// What each MariaDB and MySQL error number means to us: whose fault, is the connection usable, may we try again.
// Reads numbers, states and messages only; includes no driver header. Called by sql/mysql/connection wherever the driver threw.
#pragma once

#include <string_view>

#include "sql/exec/db_error.h"

namespace sql::mysql {

// What the connection was doing. It decides what a lost connection means: nothing reached the server's executor while we
// connected or prepared; while a statement ran nobody knows.
enum class Phase { connect, prepare, execute };

// Never fails: a number that the table does not have is DbFault::unknown, and its connection is dropped.
// A connection lost in Phase::execute after the command was sent is DbFault::outcome_unknown, whatever the statement was:
// `exec::execute` knows whether a statement can be repeated. Names of constraints and columns are taken from the message;
// nothing else of it leaves `DbError::internal`.
[[nodiscard]] exec::DbError classify(int code, std::string_view state, std::string_view message, Phase phase);

// The server forgot or outdated the prepared statement and did not run it: prepare it again, once.
[[nodiscard]] bool wants_new_prepare(int code);

}  // namespace sql::mysql
