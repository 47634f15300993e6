#include "sql/mysql/connection.h"

#include <cppconn/connection.h>
#include <cppconn/driver.h>
#include <cppconn/exception.h>
#include <cppconn/resultset.h>
#include <cppconn/statement.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "sql/exec/pool.h"
#include "sql/mysql/dialect.h"
#include "sql/mysql/errors.h"
#include "sql/mysql/session.h"

namespace sql::mysql {
namespace {

using exec::Deadline;
using exec::DbError;
using exec::DbFault;
using exec::DbResult;
using exec::Fate;
using render::Quote;
using render::Writer;

// The driver counts its timeouts in whole seconds; rounded up, at least one.
int whole_seconds(std::chrono::milliseconds time) {
    return static_cast<int>(std::clamp<std::int64_t>((time.count() + 999) / 1000, 1, 86400));
}

::sql::ConnectOptionsMap connect_options(const MysqlSettings& settings, const CommonSettings& common, Deadline deadline) {
    ::sql::ConnectOptionsMap options;
    const std::string host = settings.host.find(':') == std::string::npos ? settings.host : "[" + settings.host + "]";
    options["hostName"] = ::sql::SQLString(settings.socket.empty() ? fmt::format("tcp://{}:{}", host, settings.port)
                                                                   : "unix://" + settings.socket);
    options["userName"] = ::sql::SQLString(settings.user);
    options["password"] = ::sql::SQLString(settings.password);
    options["schema"] = ::sql::SQLString(settings.schema);
    options["OPT_CHARSET_NAME"] = ::sql::SQLString("utf8mb4");
    options["OPT_CONNECT_TIMEOUT"] = whole_seconds(std::min(common.connect_timeout, deadline.remaining()));
    // The server stops a statement first; the client's timeout, after which a write's fate is unknown, is the last resort.
    options["OPT_READ_TIMEOUT"] = whole_seconds(common.statement_timeout) + 2;
    options["OPT_WRITE_TIMEOUT"] = whole_seconds(common.statement_timeout) + 2;
    options["OPT_LOCAL_INFILE"] = 0;        // on by default: a server could read our files
    options["CLIENT_FOUND_ROWS"] = true;    // an UPDATE counts the rows it matched
    options["OPT_RECONNECT"] = false;
    if (!settings.tls_ca.empty()) {
        // Every other spelling of "TLS is required" falls back to plain text without a word.
        options["sslCA"] = ::sql::SQLString(settings.tls_ca);
        options["sslVerify"] = true;
    }
    return options;
}

std::string first_cell(::sql::Statement& statement, const render::Statement& select, unsigned column) {
    const std::unique_ptr<::sql::ResultSet> rows(statement.executeQuery(select.text()));
    return rows->next() ? rows->getString(column).asStdString() : std::string();
}

render::Statement command(render::SqlLiteral text) {
    Writer writer(Quote::backtick);
    writer.keyword(text);
    return std::move(writer).finish();
}

// Everything that a global setting of the server could change about what our statements mean.
render::Statement session_settings(Server server, std::chrono::milliseconds statement_timeout) {
    const auto timeout_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(statement_timeout.count(), 1));
    // Shorter than the statement's time, so that a lock wait is told from a slow statement.
    const std::uint64_t lock_wait = std::max<std::uint64_t>(timeout_ms / 1000, 2) - 1;
    Writer writer(Quote::backtick);
    writer.keyword(
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
        "NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00', autocommit = 1, foreign_key_checks = 1,"
        " unique_checks = 1, sql_auto_is_null = 0, sql_safe_updates = 0, sql_select_limit = DEFAULT");
    writer.keyword(", innodb_lock_wait_timeout = ").number(lock_wait).keyword(", lock_wait_timeout = ").number(lock_wait);
    switch (server) {
        case Server::mariadb:
            // A list of 1,000 items would be turned into a join with a temporary table, which compares by its own types.
            writer.keyword(", check_constraint_checks = 1, in_predicate_conversion_threshold = 0, max_statement_time = ")
                .number(timeout_ms / 1000)
                .keyword(" + ")
                .number(timeout_ms % 1000)
                .keyword(" / 1000");
            break;
        case Server::mysql:
            writer.keyword(", max_execution_time = ").number(timeout_ms);
            break;
    }
    return std::move(writer).finish();
}

DbResult<std::unique_ptr<exec::Connection>> connect(const MysqlSettings& settings, const CommonSettings& common,
                                                    Deadline deadline) {
    if (deadline.has_passed()) {
        return tl::unexpected(DbError{DbFault::busy, Fate::drop, {}, {}, "the deadline had passed before connecting"});
    }
    try {
        auto options = connect_options(settings, common, deadline);
        std::unique_ptr<::sql::Connection> connection(get_driver_instance()->connect(options));
        const std::unique_ptr<::sql::Statement> statement(connection->createStatement());
        if (!settings.tls_ca.empty() &&
            first_cell(*statement, command("SHOW SESSION STATUS LIKE 'Ssl_cipher'"), 2).empty()) {
            return tl::unexpected(DbError{DbFault::unavailable, Fate::drop, {}, {}, "TLS was required and is not in use"});
        }
        const bool is_mariadb = first_cell(*statement, command("SELECT VERSION()"), 1).find("MariaDB") != std::string::npos;
        const Server server = is_mariadb ? Server::mariadb : Server::mysql;
        statement->execute(session_settings(server, common.statement_timeout).text());
        // The driver asks for REPEATABLE READ when it connects.
        statement->execute(command("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").text());
        return std::make_unique<Session>(std::move(connection), server, common.statements_cached);
    } catch (const ::sql::SQLException& thrown) {
        return tl::unexpected(classify(thrown.getErrorCode(), thrown.getSQLState(), thrown.what(), Phase::connect));
    }
}

}  // namespace

void start() {
    if (get_driver_instance() == nullptr) {
        throw std::runtime_error("the MySQL driver cannot be used");
    }
}

std::unique_ptr<exec::Database> open(const MysqlSettings& settings, const CommonSettings& common) {
    exec::PoolOptions options;
    options.connections_max = common.connections_max;
    options.wait_max = common.pool_wait_max;
    auto pool = std::make_unique<exec::Pool>(
        [settings, common](Deadline deadline) { return connect(settings, common, deadline); }, options);
    return std::make_unique<exec::Database>(dialect(), std::move(pool), nullptr, common.catalog);
}

}  // namespace sql::mysql
