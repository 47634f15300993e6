// A database file in a folder of its own, a second hand on it through SQLite's own interface, and a sink that keeps rows as text.
// Not the code under test. Included by the sql_sqlite tests.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sql/render/writer.h"
#include "sql/sqlite/connection.h"
#include "sql/sqlite/session.h"
#include "tests/unit/scratch_folder.h"

namespace sqlite_tests {

class TemporaryFolder : public ScratchFolder {
public:
    [[nodiscard]] std::string file(const std::string& name = "test.sqlite") const { return ScratchFolder::file(name); }
};

// Somebody else who has the file open: makes tables, holds locks, changes definitions.
class Outsider {
public:
    explicit Outsider(const std::string& path) { REQUIRE(sqlite3_open(path.c_str(), &database_) == SQLITE_OK); }
    Outsider(const std::string& path, const std::string& sql) : Outsider(path) { run(sql); }
    Outsider(const Outsider&) = delete;
    Outsider& operator=(const Outsider&) = delete;
    ~Outsider() { sqlite3_close(database_); }

    void run(const std::string& sql) {
        char* message = nullptr;
        const int code = sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, &message);
        INFO(sql << ": " << (message == nullptr ? "" : message));
        CHECK(code == SQLITE_OK);
        sqlite3_free(message);
    }
    [[nodiscard]] std::string value(const std::string& sql) {
        std::string out;
        const auto keep = [](void* to, int, char** values, char**) {
            *static_cast<std::string*>(to) = values[0] == nullptr ? "NULL" : values[0];
            return 0;
        };
        CHECK(sqlite3_exec(database_, sql.c_str(), keep, &out, nullptr) == SQLITE_OK);
        return out;
    }

private:
    sqlite3* database_ = nullptr;
};

class Rows : public sql::exec::RowSink {
public:
    void row(std::span<const sql::exec::Cell> cells) override {
        using Kind = sql::exec::Cell::Kind;
        std::string line;
        for (const auto& cell : cells) {
            line += line.empty() ? "" : "|";
            switch (cell.kind) {
                case Kind::null:
                    line += "null";
                    break;
                case Kind::integer:
                    line += fmt::format("integer {}", cell.integer);
                    break;
                case Kind::unsigned_integer:
                    line += fmt::format("unsigned {}", cell.unsigned_integer);
                    break;
                case Kind::real:
                    line += fmt::format("real {}", cell.real);
                    break;
                case Kind::text:
                    line += fmt::format("text {}", cell.text);
                    break;
                case Kind::bytes:
                    line += fmt::format("bytes {}", cell.text);
                    break;
            }
        }
        lines.push_back(line);
    }
    void restart() override { lines.clear(); }

    std::vector<std::string> lines;
};

inline sql::exec::Deadline soon() {
    return sql::exec::Deadline::after(std::chrono::seconds(5));
}

// A statement from parts: `text("INSERT INTO t VALUES (").param(…)`.
class Text {
public:
    explicit Text(sql::render::SqlLiteral literal) : writer_(sql::render::Quote::double_quote) { writer_.keyword(literal); }
    Text&& keyword(sql::render::SqlLiteral literal) && {
        writer_.keyword(literal);
        return std::move(*this);
    }
    Text&& name(const std::string& name) && {
        writer_.ident(schemas::Ident::from_catalog(name));
        return std::move(*this);
    }
    Text&& param(schemas::Value value) && {
        writer_.param(std::move(value));
        return std::move(*this);
    }
    operator sql::render::Statement() && { return std::move(writer_).finish(); }  // NOLINT(google-explicit-constructor)

private:
    sql::render::Writer writer_;
};

inline std::unique_ptr<sql::sqlite::Session> connect(const std::string& path,
                                                     sql::sqlite::Access access = sql::sqlite::Access::write,
                                                     std::size_t statements_cached = 64) {
    auto session = sql::sqlite::Session::open({.path = path, .access = access, .statements_cached = statements_cached}, soon());
    if (!session) {
        FAIL(session.error().internal);
    }
    return std::move(*session);
}

inline std::vector<std::string> select(sql::sqlite::Session& session, const sql::render::Statement& statement) {
    Rows rows;
    const auto selected = session.select(statement, std::nullopt, soon(), rows);
    if (!selected) {
        FAIL(selected.error().internal);
    }
    return rows.lines;
}

inline std::uint64_t change(sql::sqlite::Session& session, const sql::render::Statement& statement) {
    const auto changed = session.change(statement, soon());
    if (!changed) {
        FAIL(changed.error().internal);
    }
    return *changed;
}

inline sql::exec::DbError change_error(sql::sqlite::Session& session, const sql::render::Statement& statement) {
    auto changed = session.change(statement, soon());
    REQUIRE(!changed);
    return changed.error();
}

}  // namespace sqlite_tests
