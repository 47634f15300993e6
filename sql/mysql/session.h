// One live driver connection behind exec::Connection, with its prepared statements.
// Private to sql/mysql, and the place that its driver headers do not leave; made by sql/mysql/connection, tested through it.
#pragma once

#include <cppconn/connection.h>
#include <cppconn/prepared_statement.h>
#include <cppconn/resultset.h>

#include <chrono>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sql/exec/connection.h"
#include "sql/exec/watchdog.h"
#include "sql/mysql/errors.h"
#include "sql/mysql/introspect.h"
#include "sql/mysql/socket.h"

namespace sql::mysql {

struct SessionOptions {
    Server server = Server::mariadb;
    std::size_t statements_cached = 64;
    std::chrono::milliseconds statement_timeout{10000};  // MariaDB stops a statement by itself after it
};

class Session final : public exec::Connection {
public:
    // `watched` cuts by `socket`, both of `connection`.
    Session(std::unique_ptr<::sql::Connection> connection, const SessionOptions& options, Socket socket,
            std::unique_ptr<exec::Watched> watched);

    exec::DbResult<void> query(const render::Statement& statement, const std::vector<const schemas::Column*>& columns,
                               exec::Deadline deadline, exec::RowSink& sink) override;
    exec::DbResult<std::uint64_t> run(const render::Statement& statement, exec::Deadline deadline) override;
    exec::DbResult<void> begin(exec::Deadline deadline) override;
    exec::DbResult<void> begin_repeatable(exec::Deadline deadline) override;
    exec::DbResult<void> commit(exec::Deadline deadline) override;
    exec::DbResult<void> rollback(exec::Deadline deadline) override;
    exec::DbResult<std::uint64_t> last_insert_id(exec::Deadline deadline) override;
    exec::DbResult<std::vector<schemas::TableName>> tables(exec::Deadline deadline) override;
    exec::DbResult<std::optional<schemas::RawTable>> introspect(std::string_view table, exec::Deadline deadline) override;
    exec::DbResult<std::string> version_token(std::string_view table, exec::Deadline deadline) override;
    exec::DbResult<schemas::References> referencing(std::string_view table, exec::Deadline deadline) override;
    exec::DbResult<std::optional<std::size_t>> tables_of_delete(const schemas::Ident& table, exec::Deadline deadline) override;
    bool is_alive(exec::Deadline deadline) override;
    [[nodiscard]] exec::Look look() const override;
    [[nodiscard]] bool is_reusable() const override;

private:
    struct Prepared {
        std::string text;
        std::unique_ptr<::sql::PreparedStatement> statement;
    };
    using Cache = std::list<Prepared>;

    // Has the watchdog look after what runs while this lives, where the server would not stop it in time.
    class Timed;

    // Prepares (or finds), binds and runs `use`; once more when the server had forgotten the statement. `use` gets the driver's
    // statement and answers a DbResult; it may throw the driver's exceptions.
    template <typename Use>
    auto with_prepared(const render::Statement& statement, exec::Deadline deadline, Use use)
        -> decltype(use(std::declval<::sql::PreparedStatement&>()));
    ::sql::PreparedStatement& prepare(const render::Statement& statement);
    void forget(const std::string& text);
    void forget_large();
    void shrink_buffers();
    exec::DbResult<void> text_command(const render::Statement& statement, exec::Deadline deadline);
    exec::DbResult<std::vector<TextRow>> select(const render::Statement& statement, exec::Deadline deadline);
    [[nodiscard]] Select selector(exec::Deadline deadline);

    // Statements go before the connection that they live on.
    const std::unique_ptr<::sql::Connection> connection_;
    const std::unique_ptr<::sql::Statement> text_statement_;
    const SessionOptions options_;
    const Socket socket_;
    const std::unique_ptr<exec::Watched> watched_;
    Cache cache_;  // the most recently used first
    std::unordered_map<std::string_view, Cache::iterator> by_text_;
    std::optional<Prepared> large_;  // the one large statement that is kept, until its transaction ends
    std::vector<exec::Cell> cells_;     // of the row being read
    std::vector<std::string> buffers_;  // what its cells view
    bool is_in_transaction_ = false;
    bool has_unread_id_ = false;     // an INSERT ran since the generated id was read
};

}  // namespace sql::mysql
