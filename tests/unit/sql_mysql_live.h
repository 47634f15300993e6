// What the tests against a real server share. The socket is read from ROWGATE_TEST_MYSQL_SOCKET, the account is root without a
// password; each test makes the database `rowgate_unit` anew. Without the variable a test says so and does nothing.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "schemas/build.h"
#include "sql/exec/execute.h"
#include "sql/mysql/connection.h"
#include "sql/mysql/dialect.h"
#include "sql/render/writer.h"

namespace live {

using namespace std::chrono_literals;
using schemas::Bytes;
using schemas::Ident;
using schemas::Null;
using schemas::TablePtr;
using schemas::Text;
using schemas::Value;
using sql::exec::Cell;
using sql::exec::Database;
using sql::exec::DbFault;
using sql::exec::Deadline;
using sql::exec::execute;
using sql::render::Answer;
using sql::render::Program;
using sql::render::Proof;
using sql::render::SqlLiteral;
using sql::render::Statement;
using sql::render::Writer;

inline Deadline soon() {
    return Deadline::after(10s);
}

inline Writer write(SqlLiteral text) {
    Writer writer(sql::render::Quote::backtick);
    writer.keyword(text);
    return writer;
}

inline Statement text(SqlLiteral literal) {
    return write(literal).finish();
}

// Rows as text, one string a cell: `i:`, `u:`, `d:`, `t:`, `b:` and the value, or `null`.
struct Rows final : sql::exec::RowSink {
    void row(std::span<const Cell> cells) override {
        std::vector<std::string>& out = rows.emplace_back();
        for (const Cell& cell : cells) {
            switch (cell.kind) {
                case Cell::Kind::null: out.emplace_back("null"); break;
                case Cell::Kind::integer: out.push_back("i:" + std::to_string(cell.integer)); break;
                case Cell::Kind::unsigned_integer: out.push_back("u:" + std::to_string(cell.unsigned_integer)); break;
                case Cell::Kind::real: reals.push_back(cell.real); out.emplace_back("d"); break;
                case Cell::Kind::text: out.push_back("t:" + std::string(cell.text)); break;
                case Cell::Kind::bytes: out.push_back("b:" + std::string(cell.text)); break;
            }
        }
    }
    void restart() override { rows.clear(); }
    std::vector<std::vector<std::string>> rows;
    std::vector<double> reals;
};

inline sql::MysqlSettings settings(const char* socket) {
    sql::MysqlSettings settings;
    settings.socket = socket;
    settings.user = "root";
    settings.schema = "rowgate_unit";
    return settings;
}

class Server {
public:
    explicit Server(sql::CommonSettings common = {}) {
        const char* socket = std::getenv("ROWGATE_TEST_MYSQL_SOCKET");
        if (socket == nullptr) {
            MESSAGE("ROWGATE_TEST_MYSQL_SOCKET is not set: skipped");
            return;
        }
        sql::mysql::start();
        auto admin = settings(socket);
        admin.schema.clear();
        const auto bare = sql::mysql::open(admin, {});
        auto lease = bare->writers().lease(soon());
        REQUIRE_MESSAGE(lease, lease.error().internal);
        REQUIRE((*lease)->run(text("DROP DATABASE IF EXISTS rowgate_unit"), soon()));
        REQUIRE((*lease)->run(text("CREATE DATABASE rowgate_unit CHARACTER SET utf8mb4"), soon()));
        database_ = sql::mysql::open(settings(socket), common);
    }
    explicit operator bool() const { return database_ != nullptr; }
    Database& operator*() const { return *database_; }

    void run(const Statement& statement) const {
        auto lease = database_->writers().lease(soon());
        REQUIRE_MESSAGE(lease, lease.error().internal);
        const auto done = (*lease)->run(statement, soon());
        REQUIRE_MESSAGE(done, done.error().internal);
    }
    void run(SqlLiteral literal) const { run(text(literal)); }

    [[nodiscard]] std::optional<schemas::RawTable> raw(std::string_view table) const {
        auto lease = database_->readers().lease(soon());
        REQUIRE(lease);
        auto found = (*lease)->introspect(table, soon());
        REQUIRE_MESSAGE(found, found.error().internal);
        return *found;
    }
    [[nodiscard]] TablePtr table(std::string_view name) const {
        const auto found = database_->catalog().find(name, soon());
        REQUIRE_MESSAGE(found, found.error().internal);
        REQUIRE(*found);
        return *found;
    }
    // The table once no later change can bear the same version.
    [[nodiscard]] TablePtr settled(std::string_view name) const {
        for (int i = 0; i < 50; ++i) {
            if (const auto found = raw(name); found && found->is_version_settled) {
                return schemas::build(*found);
            }
            std::this_thread::sleep_for(100ms);
        }
        FAIL("the version did not settle");
        return nullptr;
    }
    [[nodiscard]] std::vector<std::vector<std::string>> rows(const Statement& statement,
                                                             const std::vector<const schemas::Column*>& columns) const {
        Rows sink;
        Program program;
        program.statements.push_back(statement);
        const auto done = execute(program, columns, *database_, soon(), &sink);
        REQUIRE_MESSAGE(done, done.error().internal);
        return sink.rows;
    }
    [[nodiscard]] std::string count(SqlLiteral literal) const {
        schemas::Column column{Ident::from_catalog("n"), {}, false, false, false, false};
        // An integer of whatever the statement calls it: `year` is one whose type is not held against the answer's.
        column.type.type_class = schemas::TypeClass::year;
        std::string cell = rows(text(literal), {&column}).at(0).at(0);
        return cell.starts_with("u:") ? "i:" + cell.substr(2) : cell;
    }

private:
    std::unique_ptr<Database> database_;
};

inline Program in_transaction(TablePtr table, std::vector<Statement> statements) {
    Program program;
    program.answer = Answer::rows_affected;
    program.proof = Proof::in_transaction;
    program.table = std::move(table);
    program.statements = std::move(statements);
    return program;
}

}  // namespace live
