// MariaDB and MySQL through Connector/C++ 1.1: opens a Database whose pool makes connections with a pinned session.
// Not a general client: it runs what render wrote and what introspection asks. Called by sql/backends.
#pragma once

#include <memory>

#include "sql/backends.h"

namespace sql::mysql {

// Makes the driver's singleton, which is not thread safe. Call before threads start; throws std::runtime_error when the
// driver's library cannot be used.
void start();

// Does not connect: the first lease does. A lease fails with busy (too many connections) or unavailable (all else, TLS that
// could not be verified included), the driver's text in DbError::internal.
[[nodiscard]] std::unique_ptr<exec::Database> open(const MysqlSettings& settings, const CommonSettings& common);

}  // namespace sql::mysql
