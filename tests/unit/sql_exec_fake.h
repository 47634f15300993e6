// A connection that does what its test tells it, and the pieces to build a Database around it. Used by sql_exec*.cpp.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sql/exec/database.h"
#include "sql/mysql/dialect.h"

namespace fake {

using namespace std::chrono_literals;
using sql::exec::Deadline;
using sql::exec::DbError;
using sql::exec::DbFault;
using sql::exec::DbResult;
using sql::exec::Fate;

inline tl::unexpected<DbError> failed(DbFault fault, Fate fate) {
    return tl::unexpected(DbError{fault, fate, {}, {}, "told to fail"});
}

inline Deadline soon() {
    return Deadline::after(5s);
}

// What the database would answer, shared by its connections. A null function means success.
struct Script {
    std::function<DbResult<void>(int connection)> query, begin, commit, rollback;
    std::function<DbResult<std::uint64_t>(int connection)> run;
    std::function<DbResult<std::string>()> token;
    std::function<DbResult<std::optional<schemas::RawTable>>(std::string_view)> introspect;
    std::function<bool(int connection)> is_alive;
    std::function<DbResult<void>()> connect;
    std::uint64_t last_id = 0;
    sql::exec::Look look = sql::exec::Look::unknown;
    bool is_reusable = true;
    std::atomic<int> pings{0};

    std::atomic<int> connects{0};
    std::atomic<int> open{0};
    std::atomic<int> open_max{0};
    std::vector<std::string> calls;  // of the transaction tests, which have one thread
};

class Connection final : public sql::exec::Connection {
public:
    explicit Connection(Script& script) : script_(script), number_(++script.connects) {
        const int now = ++script.open;
        int seen = script.open_max;
        while (now > seen && !script.open_max.compare_exchange_weak(seen, now)) {
        }
    }
    ~Connection() override { --script_.open; }

    DbResult<void> query(const sql::render::Statement&, const std::vector<const schemas::Column*>&, Deadline,
                         sql::exec::RowSink&) override {
        return call(script_.query, "query");
    }
    DbResult<std::uint64_t> run(const sql::render::Statement&, Deadline) override {
        script_.calls.emplace_back("run");
        return script_.run ? script_.run(number_) : DbResult<std::uint64_t>(1);
    }
    DbResult<void> begin(Deadline) override { return call(script_.begin, "begin"); }
    DbResult<void> commit(Deadline) override { return call(script_.commit, "commit"); }
    DbResult<void> rollback(Deadline) override { return call(script_.rollback, "rollback"); }
    DbResult<std::uint64_t> last_insert_id(Deadline) override { return script_.last_id; }
    DbResult<std::vector<schemas::TableName>> tables(Deadline) override { return std::vector<schemas::TableName>(); }
    DbResult<std::optional<schemas::RawTable>> introspect(std::string_view table, Deadline) override {
        return script_.introspect ? script_.introspect(table) : DbResult<std::optional<schemas::RawTable>>();
    }
    DbResult<std::string> version_token(std::string_view, Deadline) override {
        return script_.token ? script_.token() : DbResult<std::string>("v1");
    }
    DbResult<schemas::References> referencing(std::string_view, Deadline) override { return schemas::References(); }
    bool is_alive(Deadline) override {
        ++script_.pings;
        return !script_.is_alive || script_.is_alive(number_);
    }
    [[nodiscard]] sql::exec::Look look() const override { return script_.look; }
    [[nodiscard]] bool is_reusable() const override { return script_.is_reusable; }

private:
    DbResult<void> call(const std::function<DbResult<void>(int)>& what, const char* name) {
        script_.calls.emplace_back(name);
        return what ? what(number_) : DbResult<void>();
    }

    Script& script_;
    const int number_;
};

inline std::unique_ptr<sql::exec::Pool> pool(Script& script, sql::exec::PoolOptions options = {}) {
    return std::make_unique<sql::exec::Pool>(
        [&script](Deadline) -> DbResult<std::unique_ptr<sql::exec::Connection>> {
            if (script.connect) {
                if (auto done = script.connect(); !done) {
                    return tl::unexpected(done.error());
                }
            }
            return std::make_unique<Connection>(script);
        },
        options);
}

inline std::unique_ptr<sql::exec::Database> database(Script& script, sql::exec::CatalogOptions catalog = {}) {
    return std::make_unique<sql::exec::Database>(sql::mysql::dialect(), pool(script), nullptr, catalog);
}

// A table `t` with one column.
inline schemas::RawTable raw_table(std::string column_type = "int(11)", std::string token = "v1", bool is_settled = true) {
    schemas::RawTable raw;
    raw.name = "t";
    schemas::RawColumn column;
    column.name = "id";
    column.data_type = column_type.substr(0, column_type.find('('));
    column.column_type = std::move(column_type);
    raw.columns.push_back(std::move(column));
    raw.version_token = std::move(token);
    raw.is_version_settled = is_settled;
    return raw;
}

}  // namespace fake
