// The list of databases: a registry entry's settings in, a Database out. Nothing else names a backend.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "sql/exec/database.h"

namespace sql {

struct MysqlSettings {
    std::string socket;    // a unix socket's path; else host and port
    std::string host;
    std::uint16_t port = 3306;
    std::string user;
    std::string password;
    std::string schema;    // the database's name on the server
    std::string tls_ca;    // a CA file: TLS is required and verified; empty: no TLS
};

struct SqliteSettings {
    std::string path;      // must exist
};

struct CommonSettings {
    std::size_t connections_max = 16;
    std::chrono::milliseconds pool_wait_max{2000};
    std::size_t pool_queue_max = 0;  // callers that may wait for a connection; 0: four times connections_max
    std::chrono::milliseconds connect_timeout{2000};
    std::chrono::milliseconds statement_timeout{10000};  // no longer than the longest request, which it may outlast else
    std::size_t statements_cached = 64;  // prepared statements kept a connection
    exec::CatalogOptions catalog;
};

// Neither connects: the first lease does. Call once before threads start: `sql::start()`.
[[nodiscard]] std::unique_ptr<exec::Database> open_mysql(const MysqlSettings& settings, const CommonSettings& common);
[[nodiscard]] std::unique_ptr<exec::Database> open_sqlite(const SqliteSettings& settings, const CommonSettings& common);

// Process-wide driver initialisation (the MySQL driver's singleton is not thread safe). Call from main, once.
void start();

}  // namespace sql
