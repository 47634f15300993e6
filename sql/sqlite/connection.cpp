#include "sql/sqlite/connection.h"

#include <string>
#include <unordered_set>
#include <utility>

#include "sql/sqlite/dialect.h"
#include "sql/sqlite/introspect.h"
#include "sql/sqlite/references.h"
#include "sql/sqlite/session.h"

namespace sql::sqlite {
namespace {

using exec::DbResult;
using exec::Deadline;
using render::Statement;

class SqliteConnection : public exec::Connection {
public:
    explicit SqliteConnection(std::unique_ptr<Session> session) : session_(std::move(session)) {}

    DbResult<void> query(const Statement& statement, const std::vector<const schemas::Column*>& columns, Deadline deadline,
                         exec::RowSink& sink) override {
        return session_->select(statement, columns.size(), deadline, sink);
    }
    DbResult<std::uint64_t> run(const Statement& statement, Deadline deadline) override {
        return session_->change(statement, deadline);
    }

    DbResult<void> begin(Deadline deadline) override { return session_->begin(Session::Lock::write, deadline); }
    DbResult<void> commit(Deadline deadline) override { return session_->commit(deadline); }
    DbResult<void> rollback(Deadline) override { return session_->rollback(); }
    DbResult<void> look_at_deferred_keys() override { return session_->look_at_deferred_keys(); }

    DbResult<std::uint64_t> last_insert_id(Deadline) override { return session_->last_insert_id(); }

    DbResult<std::vector<schemas::TableName>> tables(Deadline deadline) override { return list_tables(*session_, deadline); }
    DbResult<std::optional<schemas::RawTable>> introspect(std::string_view table, Deadline deadline) override {
        return sqlite::introspect(*session_, table, deadline);
    }
    DbResult<std::string> version_token(std::string_view table, Deadline deadline) override {
        auto token = sqlite::version_token(*session_, deadline);
        if (token && *token != known_token_) {
            known_token_ = *token;
            known_tables_.clear();
        }
        if (!token || known_tables_.contains(std::string(table))) {
            return token;
        }
        const auto is_there = exists(*session_, table, deadline);
        if (!is_there) {
            return tl::unexpected(is_there.error());
        }
        if (!*is_there) {
            return std::string();
        }
        known_tables_.emplace(table);
        return token;
    }

    DbResult<schemas::References> referencing(std::string_view table, Deadline deadline) override {
        return sqlite::referencing(*session_, table, deadline);
    }

    bool is_alive(Deadline) override { return session_->is_same_file(); }
    [[nodiscard]] exec::Look look() const override {
        return session_->is_same_file() ? exec::Look::alive : exec::Look::dead;
    }
    [[nodiscard]] bool is_reusable() const override { return session_->is_settled(); }

private:
    std::unique_ptr<Session> session_;
    // Tables seen under the last token: looking for one means reading through all definitions.
    std::string known_token_;
    std::unordered_set<std::string> known_tables_;
};

exec::Pool::Connect connector(const SqliteSettings& settings, const CommonSettings& common, Access access) {
    const SessionOptions options{.path = settings.path,
                                 .access = access,
                                 .statements_cached = common.statements_cached,
                                 .statement_timeout = common.statement_timeout};
    return [options, connect_timeout = common.connect_timeout](Deadline deadline) -> DbResult<std::unique_ptr<exec::Connection>> {
        return Session::open(options, deadline.sooner(connect_timeout))
            .map([](std::unique_ptr<Session> session) -> std::unique_ptr<exec::Connection> {
                return std::make_unique<SqliteConnection>(std::move(session));
            });
    };
}

}  // namespace

std::unique_ptr<exec::Database> open(const SqliteSettings& settings, const CommonSettings& common) {
    exec::PoolOptions reading;
    reading.connections_max = common.connections_max;
    reading.wait_max = common.pool_wait_max;
    reading.queue_max = common.pool_queue_max;
    exec::PoolOptions writing = reading;
    writing.connections_max = 1;
    // As many requests may wait for the one writer as for all readers.
    writing.queue_max = common.pool_queue_max != 0 ? common.pool_queue_max : 4 * common.connections_max;
    return std::make_unique<exec::Database>(
        dialect(), std::make_unique<exec::Pool>(connector(settings, common, Access::read), reading),
        std::make_unique<exec::Pool>(connector(settings, common, Access::write), writing), common.catalog);
}

}  // namespace sql::sqlite
