#include "sql/mysql/connection.h"

#include <cppconn/connection.h>
#include <cppconn/driver.h>
#include <cppconn/exception.h>
#include <cppconn/resultset.h>
#include <cppconn/statement.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "sql/exec/pool.h"
#include "sql/exec/watchdog.h"
#include "sql/mysql/dialect.h"
#include "sql/mysql/errors.h"
#include "sql/mysql/session.h"
#include "sql/mysql/socket.h"

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
    // The server stops a statement first, or the watchdog; the client's timeout, after which a write's fate is unknown, is the
    // last resort. The driver cannot change it on a connection that it has made.
    options["OPT_READ_TIMEOUT"] = whole_seconds(common.statement_timeout) + 1;
    options["OPT_WRITE_TIMEOUT"] = whole_seconds(common.statement_timeout) + 1;
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

struct Link {
    std::unique_ptr<::sql::Connection> connection;
    Socket socket;
};

// One connect at a time, so that each finds its own socket; but nobody waits for one that hangs.
class Turn {
public:
    Turn() {
        constexpr std::chrono::milliseconds kWaitMax{50};
        std::unique_lock lock(mutex);
        is_ours_ = ended.wait_for(lock, kWaitMax, [] { return !is_taken; });
        is_taken = true;
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
        if (is_ours_) {
            const std::lock_guard lock(mutex);
            is_taken = false;
            ended.notify_one();
        }
    }

private:
    static inline std::mutex mutex;
    static inline std::condition_variable ended;
    static inline bool is_taken = false;
    bool is_ours_ = false;
};

Link connect_one(const MysqlSettings& settings, ::sql::ConnectOptionsMap& options) {
    const Turn turn;
    const SocketFinder finder(settings.socket, settings.port);
    std::unique_ptr<::sql::Connection> connection(get_driver_instance()->connect(options));
    return {std::move(connection), finder.find()};
}

bool is_as_safe_as_required(const MysqlSettings& settings, ::sql::Statement& statement) {
    return settings.tls_ca.empty() || !first_cell(statement, command("SHOW SESSION STATUS LIKE 'Ssl_cipher'"), 2).empty();
}

// A connection of its own for each round of stops: the one that runs the statement is waiting for it.
class KillQuery final : public exec::Stopper {
public:
    KillQuery(MysqlSettings settings, const CommonSettings& common) : settings_(std::move(settings)), common_(common) {
        constexpr std::chrono::seconds kPatience{1};
        common_.connect_timeout = std::min<std::chrono::milliseconds>(common_.connect_timeout, kPatience);
        common_.statement_timeout = std::min<std::chrono::milliseconds>(common_.statement_timeout, kPatience);
    }
    void stop(const std::vector<std::uint64_t>& connection_ids) override {
        try {
            auto options = connect_options(settings_, common_, Deadline::after(common_.connect_timeout));
            const Link link = connect_one(settings_, options);
            const std::unique_ptr<::sql::Statement> statement(link.connection->createStatement());
            if (!is_as_safe_as_required(settings_, *statement)) {
                return;
            }
            for (const std::uint64_t id : connection_ids) {
                kill(*statement, id);
            }
        } catch (const std::exception&) {
            // A database that does not answer: the watchdog cuts the connection.
        }
    }

private:
    static void kill(::sql::Statement& statement, std::uint64_t connection_id) {
        Writer writer(Quote::backtick);
        writer.keyword("KILL QUERY ").number(connection_id);
        try {
            statement.execute(std::move(writer).finish().text());
        } catch (const ::sql::SQLException&) {
            // The connection has ended by itself.
        }
    }

    MysqlSettings settings_;
    CommonSettings common_;
};

// One watchdog for all databases that there are.
std::shared_ptr<exec::Watchdog> watchdog() {
    static std::mutex mutex;
    static std::weak_ptr<exec::Watchdog> known;
    const std::lock_guard lock(mutex);
    auto watchdog = known.lock();
    if (!watchdog) {
        watchdog = std::make_shared<exec::Watchdog>();
        known = watchdog;
    }
    return watchdog;
}

class Connector {
public:
    Connector(const MysqlSettings& settings, const CommonSettings& common)
        : settings_(settings), common_(common), watchdog_(watchdog()), stopper_(std::make_shared<KillQuery>(settings, common)) {}

    DbResult<std::unique_ptr<exec::Connection>> operator()(Deadline deadline) const {
        if (deadline.has_passed()) {
            return tl::unexpected(DbError{DbFault::busy, Fate::drop, {}, {}, "the deadline had passed before connecting"});
        }
        try {
            return connect(deadline);
        } catch (const ::sql::SQLException& thrown) {
            return tl::unexpected(classify(thrown.getErrorCode(), thrown.getSQLState(), thrown.what(), Phase::connect));
        } catch (const std::exception& thrown) {
            return tl::unexpected(DbError{DbFault::unavailable, Fate::drop, {}, {}, thrown.what()});
        }
    }

private:
    static constexpr std::uint64_t kNoId = 0;

    DbResult<std::unique_ptr<exec::Connection>> connect(Deadline deadline) const {
        auto options = connect_options(settings_, common_, deadline);
        Link link = connect_one(settings_, options);
        // From here on a database that does not answer is not waited for beyond the deadline; until here the driver waits, which
        // knows a time for the greeting and the login only.
        exec::Watched connecting(watchdog_, stopper_, kNoId, link.socket.descriptor());
        connecting.arm(deadline.sooner(common_.connect_timeout), exec::Watched::Means::sever);
        const std::unique_ptr<::sql::Statement> statement(link.connection->createStatement());
        if (!is_as_safe_as_required(settings_, *statement)) {
            return tl::unexpected(DbError{DbFault::unavailable, Fate::drop, {}, {}, "TLS was required and is not in use"});
        }
        const std::string id = first_cell(*statement, command("SELECT CONNECTION_ID()"), 1);
        auto watched = std::make_unique<exec::Watched>(watchdog_, stopper_, std::stoull(id), link.socket.descriptor());
        const bool is_mariadb = first_cell(*statement, command("SELECT VERSION()"), 1).find("MariaDB") != std::string::npos;
        const Server server = is_mariadb ? Server::mariadb : Server::mysql;
        statement->execute(session_settings(server, common_.statement_timeout).text());
        // The driver asks for REPEATABLE READ when it connects.
        statement->execute(command("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").text());
        connecting.disarm();
        if (connecting.is_stopped()) {
            return tl::unexpected(DbError{DbFault::unavailable, Fate::drop, {}, {}, "the database did not answer in time"});
        }
        return std::make_unique<Session>(std::move(link.connection),
                                         SessionOptions{server, common_.statements_cached, common_.statement_timeout},
                                         std::move(link.socket), std::move(watched));
    }

    const MysqlSettings settings_;
    const CommonSettings common_;
    const std::shared_ptr<exec::Watchdog> watchdog_;
    const std::shared_ptr<exec::Stopper> stopper_;
};

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
    options.queue_max = common.pool_queue_max;
    auto pool = std::make_unique<exec::Pool>(Connector(settings, common), options);
    return std::make_unique<exec::Database>(dialect(), std::move(pool), nullptr, common.catalog);
}

}  // namespace sql::mysql
