// The SQL functions that digest rows and sets: rowgate_row_digest(salt, cells…) and the aggregate rowgate_set_digest(row digest).
// A cell counts by its storage class, its length and its bytes. Private to this folder; called by functions.cpp.
#pragma once

struct sqlite3;

namespace sql::sqlite {

// rowgate_row_digest: 16 bytes; `salt` is 32 hexadecimal digits, anything else an error.
// rowgate_set_digest: two sums of 64 bits as text; NULL over nothing, or when a value is no row's digest.
// Answers SQLite's result code.
[[nodiscard]] int register_digest_functions(sqlite3* database);

}  // namespace sql::sqlite
