// What the tests of reference_map and cascade share: one connection of MariaDB or SQLite, statements written the same for both, and
// a number `n` in every row, by which a test sees what a write really did. Not the code under test.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "schemas/build.h"
#include "sql/exec/cascade.h"
#include "sql/exec/database.h"
#include "sql/exec/keys.h"
#include "sql/exec/reference_map.h"
#include "tests/unit/sql_mysql_live.h"
#include "tests/unit/sql_sqlite_fixture.h"

namespace lab {

using schemas::Ident;
using schemas::ReferentialAction;
using schemas::Value;
using sql::exec::Consequences;
using sql::exec::DbFault;
using sql::exec::DbResult;
using sql::exec::Deadline;
using sql::exec::ReferenceMap;
using sql::render::SqlLiteral;
using sql::render::Statement;
using sql::render::Writer;

inline Deadline soon() { return Deadline::after(std::chrono::seconds(20)); }

// SQLite takes names in backticks too.
inline Writer write(SqlLiteral text) {
    Writer writer(sql::render::Quote::backtick);
    writer.keyword(text);
    return writer;
}
inline Ident name(std::string text) { return Ident::from_catalog(std::move(text)); }

class Lab {
public:
    enum class Kind { mysql, sqlite };

    explicit Lab(Kind kind) : kind_(kind) {
        if (kind == Kind::mysql) {
            server_ = std::make_unique<live::Server>();
            database_ = *server_ ? &**server_ : nullptr;
        } else {
            folder_ = std::make_unique<sqlite_tests::TemporaryFolder>();
            const sqlite_tests::Outsider made(folder_->file(), "CREATE TABLE made (id INTEGER PRIMARY KEY)");
            file_ = sql::sqlite::open(sql::SqliteSettings{folder_->file()}, sql::CommonSettings());
            database_ = file_.get();
        }
        if (database_ != nullptr) {
            auto leased = database_->writers().lease(soon());
            REQUIRE_MESSAGE(leased, leased.error().internal);
            lease_ = std::make_unique<sql::exec::Lease>(std::move(*leased));
        }
    }
    explicit operator bool() const { return lease_ != nullptr; }
    [[nodiscard]] bool is_mysql() const { return kind_ == Kind::mysql; }
    [[nodiscard]] sql::exec::Connection& connection() const { return **lease_; }
    [[nodiscard]] const sql::render::Dialect& dialect() const { return database_->dialect(); }

    DbResult<std::uint64_t> try_run(const Statement& statement) const { return connection().run(statement, soon()); }
    std::uint64_t run(const Statement& statement) const {
        const auto done = try_run(statement);
        REQUIRE_MESSAGE(done, statement.text(), ": ", done.error().internal);
        return *done;
    }
    std::uint64_t run(SqlLiteral text) const { return run(write(text).finish()); }
    void begin() const { REQUIRE(connection().begin(soon())); }
    void commit() const { REQUIRE(connection().commit(soon())); }
    void rollback() const { REQUIRE(connection().rollback(soon())); }

    [[nodiscard]] schemas::TablePtr table(const std::string& table) const {
        const auto raw = connection().introspect(table, soon());
        REQUIRE_MESSAGE(raw, raw.error().internal);
        REQUIRE(*raw);
        return schemas::build(**raw);
    }
    [[nodiscard]] ReferenceMap map(const std::string& of) const {
        auto map = sql::exec::read_reference_map(connection(), table(of), soon());
        REQUIRE_MESSAGE(map, map.error().internal);
        return std::move(*map);
    }
    // By the rows' numbers: the cells of the map's first table, as a write's own SELECT would have them.
    [[nodiscard]] std::vector<Value> own_rows(const ReferenceMap& map, const std::vector<int>& numbers) const {
        const auto columns = map.columns_of(0);
        if (columns.empty()) {
            return {};
        }
        Writer writer(dialect().quote());
        writer.keyword("SELECT ");
        for (std::size_t i = 0; i < columns.size(); ++i) {
            if (i != 0) {
                writer.keyword(", ");
            }
            dialect().selected(writer, *columns[i]);
        }
        writer.keyword(" FROM ").ident(map.tables[0].table->name);
        write_numbers(writer, numbers);
        dialect().locking(writer);
        sql::exec::KeyRows rows;
        const auto done = connection().query(std::move(writer).finish(), columns, soon(), rows);
        REQUIRE_MESSAGE(done, done.error().internal);
        return std::move(rows).take();
    }
    static void write_numbers(Writer& writer, const std::vector<int>& numbers) {
        writer.keyword(" WHERE n IN (");
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            if (i != 0) {
                writer.keyword(", ");
            }
            writer.number(static_cast<std::uint64_t>(numbers[i]));
        }
        writer.keyword(")");
    }
    [[nodiscard]] Consequences of_delete(const ReferenceMap& map, const std::vector<int>& numbers, std::uint64_t rows_max = 100'000) const {
        auto found = sql::exec::consequences_of_delete(connection(), dialect(), map, own_rows(map, numbers), {rows_max}, soon());
        REQUIRE_MESSAGE(found, found.error().internal);
        return std::move(*found);
    }
    DbResult<std::uint64_t> try_delete(const Ident& from, const std::vector<int>& numbers) const {
        Writer writer = write("DELETE FROM ");
        writer.ident(from);
        write_numbers(writer, numbers);
        return try_run(std::move(writer).finish());
    }
    // All rows of a table: number to cells.
    [[nodiscard]] std::map<int, std::vector<Value>> content(const schemas::Table& table) const {
        Writer writer = write("SELECT ");
        std::vector<const schemas::Column*> columns;
        std::size_t place_of_n = 0;
        for (const schemas::Column& column : table.columns) {
            if (!columns.empty()) {
                writer.keyword(", ");
            }
            if (column.name.text() == "n") {
                place_of_n = columns.size();
            }
            columns.push_back(&column);
            writer.ident(column.name);
        }
        writer.keyword(" FROM ").ident(table.name);
        sql::exec::KeyRows rows;
        const auto done = connection().query(std::move(writer).finish(), columns, soon(), rows);
        REQUIRE_MESSAGE(done, done.error().internal);
        const std::vector<Value> cells = std::move(rows).take();
        std::map<int, std::vector<Value>> out;
        for (std::size_t at = 0; at < cells.size(); at += columns.size()) {
            const auto first = cells.begin() + static_cast<std::ptrdiff_t>(at);
            const auto n = std::get<std::int64_t>(cells[at + place_of_n]);
            out.emplace(static_cast<int>(n), std::vector<Value>(first, first + static_cast<std::ptrdiff_t>(columns.size())));
        }
        return out;
    }

private:
    Kind kind_;
    std::unique_ptr<live::Server> server_;
    std::unique_ptr<sqlite_tests::TemporaryFolder> folder_;
    std::unique_ptr<sql::exec::Database> file_;
    sql::exec::Database* database_ = nullptr;
    std::unique_ptr<sql::exec::Lease> lease_;
};

}  // namespace lab
