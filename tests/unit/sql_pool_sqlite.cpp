// From a query string to the rows of a real SQLite file: filters, bind, guard, render and execute together.
#include <atomic>
#include <filesystem>
#include <thread>

#include "filters/parse.h"
#include "sql/exec/execute.h"
#include "sql/plan/bind.h"
#include "sql/plan/guard.h"
#include "sql/render/render.h"
#include "tests/unit/sql_sqlite_fixture.h"

namespace {

using namespace sqlite_tests;
using sql::exec::DbFault;
using sql::exec::DbResult;
using sql::exec::Outcome;
using Lines = std::vector<std::string>;

std::unique_ptr<sql::exec::Database> open(const TemporaryFolder& folder) {
    sql::CommonSettings common;
    common.connections_max = 4;
    common.catalog.lifetime = std::chrono::hours(1);
    return sql::sqlite::open({.path = folder.file()}, common);
}

schemas::TablePtr table_of(sql::exec::Database& database, const std::string& name) {
    auto table = database.catalog().find(name, soon());
    if (!table) {
        FAIL(table.error().internal);
    }
    return *table;
}

sql::plan::Plan bound(sql::plan::Verb verb, schemas::TablePtr table, const std::string& query) {
    sql::plan::Intent intent;
    intent.verb = verb;
    auto parsed = filters::parse(query, 0, filters::Limits());
    if (!parsed) {
        FAIL(parsed.error().detail);
    }
    intent.query = std::move(*parsed);
    auto plan = sql::plan::bind_query(intent, std::move(table), schemas::Limits());
    if (!plan) {
        FAIL(plan.error().detail);
    }
    return std::move(*plan);
}

DbResult<Outcome> run(sql::exec::Database& database, sql::plan::Plan plan, Rows* rows = nullptr) {
    std::vector<const schemas::Column*> columns;
    if (const auto* read = std::get_if<sql::plan::ReadPlan>(&plan)) {
        for (const std::size_t column : read->columns) {
            columns.push_back(&read->table->columns[column]);
        }
    }
    auto guarded = sql::plan::Guard::guard(std::move(plan));
    if (!guarded) {
        FAIL(guarded.error().detail);
    }
    return sql::exec::execute(sql::render::render(*guarded, database.dialect()), columns, database, soon(), rows);
}

Lines read(sql::exec::Database& database, const std::string& table, const std::string& query) {
    Rows rows;
    const auto outcome = run(database, bound(sql::plan::Verb::read, table_of(database, table), query), &rows);
    if (!outcome) {
        FAIL(outcome.error().internal);
    }
    return rows.lines;
}

DbResult<Outcome> erase(sql::exec::Database& database, const schemas::TablePtr& table, const std::string& query) {
    return run(database, bound(sql::plan::Verb::erase, table, query));
}

sql::plan::InsertPlan insert(schemas::TablePtr table, const std::string& column, std::vector<schemas::Value> values) {
    sql::plan::InsertPlan plan;
    plan.columns = {table->index_of(column).value()};
    plan.table = std::move(table);
    plan.row_count = values.size();
    plan.clear_cells();
    for (std::size_t row = 0; row < values.size(); ++row) {
        plan.give(row, 0, std::move(values[row]));
    }
    return plan;
}

constexpr const char* kUsers =
    "CREATE TABLE users(id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL, email VARCHAR(100) UNIQUE, score DOUBLE, ratio FLOAT,"
    " began TIME);"
    "INSERT INTO users VALUES (1, 'alice', 'a@x', 1.5, 0.1, '01:00:00'), (2, 'Bob', 'b@x', 'high', 0.5, '-10:00:00'),"
    " (3, 'al', NULL, 2, 0.1, '100:00:00');";

}  // namespace

TEST_CASE("a filtered read on SQLite gives the rows that match") {
    const TemporaryFolder folder;
    Outsider(folder.file(), kUsers);
    const auto database = open(folder);
    CHECK(read(*database, "users", "select=id&name=li.al&order=id.desc") == Lines{"integer 3", "integer 1"});
    CHECK(read(*database, "users", "select=name&id=in.1,2&order=id") == Lines{"text alice", "text Bob"});
    CHECK(read(*database, "users", "select=id&score=gt.1&order=id") == Lines{"integer 1", "integer 3"});
    CHECK(read(*database, "users", "select=id&ratio=eq.0.1&order=id") == Lines{"integer 1", "integer 3"});
    CHECK(read(*database, "users", "select=id&began=gt.00:30:00&order=id") == Lines{"integer 1", "integer 3"});
    CHECK(read(*database, "users", "select=id&email=is.null") == Lines{"integer 3"});
    CHECK(read(*database, "users", "select=id&email=ne.a@x") == Lines{"integer 2"});
}

TEST_CASE("a delete on SQLite takes the rows that match and no other") {
    const TemporaryFolder folder;
    Outsider outsider(folder.file(), kUsers);
    const auto database = open(folder);
    const auto users = table_of(*database, "users");
    CHECK(erase(*database, users, "id=eq.99")->rows_affected == 0);
    CHECK(erase(*database, users, "name=eq.alice&id=gt.1")->rows_affected == 0);
    CHECK(erase(*database, users, "email=ne.b@x")->rows_affected == 1);
    CHECK(outsider.value("SELECT group_concat(id) FROM (SELECT id FROM users ORDER BY id)") == "2,3");
}

TEST_CASE("a batch on SQLite is written whole or not at all, and its last id is known") {
    const TemporaryFolder folder;
    Outsider outsider(folder.file(), kUsers);
    const auto database = open(folder);
    const auto users = table_of(*database, "users");
    std::vector<schemas::Value> names;
    for (int i = 0; i < 1000; ++i) {
        names.emplace_back(schemas::Text{fmt::format("name {}", i)});
    }
    const auto inserted = run(*database, insert(users, "name", names));
    REQUIRE(inserted);
    CHECK(inserted->rows_affected == 1000);
    CHECK(inserted->last_insert_id == schemas::Value(std::int64_t{1003}));
    names.emplace_back(schemas::Null());
    const auto refused = run(*database, insert(users, "name", names));
    REQUIRE(!refused);
    CHECK(refused.error().fault == DbFault::row_refused);
    CHECK(refused.error().column == "name");
    const auto doubled = run(*database, insert(users, "email", {schemas::Text{"n@x"}, schemas::Text{"a@x"}}));
    REQUIRE(!doubled);
    CHECK(doubled.error().fault == DbFault::row_refused);  // name comes first
    CHECK(outsider.value("SELECT count(*) FROM users") == "1003");
    outsider.run("UPDATE users SET name = 'free' WHERE id = 1");
}

TEST_CASE("a batch of which a trigger skips a row is not written at all") {
    const TemporaryFolder folder;
    Outsider outsider(folder.file(),
                      "CREATE TABLE t(id INTEGER PRIMARY KEY, v INT);"
                      "CREATE TRIGGER skip BEFORE INSERT ON t WHEN NEW.v = 14 BEGIN SELECT RAISE(IGNORE); END;");
    const auto database = open(folder);
    const auto t = table_of(*database, "t");
    const auto refused = run(*database, insert(t, "v", {std::int64_t{1}, std::int64_t{14}, std::int64_t{2}}));
    REQUIRE(!refused);
    CHECK(refused.error().fault == DbFault::row_refused);
    CHECK(outsider.value("SELECT count(*) FROM t") == "0");
    CHECK(run(*database, insert(t, "v", {std::int64_t{1}, std::int64_t{2}})));
}

TEST_CASE("a decimal literal too small for a double does not equal zero") {
    const TemporaryFolder folder;
    const Outsider outsider(folder.file(), "CREATE TABLE t(id INTEGER PRIMARY KEY, c DECIMAL(5,2)); INSERT INTO t VALUES (1, 0), (2, 1);");
    const auto database = open(folder);
    CHECK(read(*database, "t", "select=id&c=eq.1e-400").empty());
    CHECK(read(*database, "t", "select=id&c=in.1e-400,-1e-400").empty());
    CHECK(read(*database, "t", "select=id&c=gt.1e-400") == Lines{"integer 2"});
    CHECK(read(*database, "t", "select=id&c=gt.-1e-400").size() == 2);
    CHECK(read(*database, "t", "select=id&c=ne.1e-400").size() == 2);
}

TEST_CASE("a date in another form than ours is not compared, for its text does not sort") {
    const TemporaryFolder folder;
    const Outsider outsider(folder.file(),
                            "CREATE TABLE t(id INTEGER PRIMARY KEY, d DATETIME);"
                            "INSERT INTO t VALUES (1, '2024-01-01T09:00:00'), (2, '2024-01-01 13:00:00'), (3, '2024-01-01');");
    const auto database = open(folder);
    CHECK(read(*database, "t", "select=id&d=gt.2024-01-01T12:00:00") == Lines{"integer 2"});
    CHECK(read(*database, "t", "select=id&d=lt.2024-01-01T12:00:00").empty());
    CHECK(read(*database, "t", "select=id&d=ne.2024-01-01T12:00:00") == Lines{"integer 2"});
}

TEST_CASE("a write bound to another definition does nothing and says so") {
    const TemporaryFolder folder;
    Outsider outsider(folder.file(), "CREATE TABLE t(v INT); INSERT INTO t VALUES (0), (1)");
    const auto database = open(folder);
    const auto stale = table_of(*database, "t");
    CHECK(erase(*database, stale, "v=eq.5")->rows_affected == 0);
    SUBCASE("the column has another type") {
        outsider.run("DROP TABLE t; CREATE TABLE t(v TEXT); INSERT INTO t VALUES ('0'), ('x')");
    }
    SUBCASE("the column is gone") {
        outsider.run("ALTER TABLE t RENAME COLUMN v TO w");
    }
    SUBCASE("the table is gone") {
        outsider.run("ALTER TABLE t RENAME TO u");
    }
    SUBCASE("another table changed") {
        outsider.run("CREATE TABLE other(x)");
    }
    const auto erased = erase(*database, stale, "v=eq.0");
    REQUIRE(!erased);
    CHECK(erased.error().fault == DbFault::schema_changed);
    const bool is_renamed = outsider.value("SELECT count(*) FROM sqlite_schema WHERE name = 't'") == "0";
    CHECK(outsider.value(is_renamed ? "SELECT count(*) FROM u" : "SELECT count(*) FROM t") == "2");
    const auto fresh = database->catalog().reload(stale, "t", soon());
    REQUIRE(fresh);
    CHECK((*fresh == nullptr) == is_renamed);
    if (*fresh != nullptr && (*fresh)->index_of("v")) {
        CHECK(erase(*database, *fresh, "v=eq.0")->rows_affected == 1);
    }
}

TEST_CASE("a write bound to a file that was replaced does nothing on the new one") {
    const TemporaryFolder folder;
    const std::string kSql = "CREATE TABLE t(v INT); INSERT INTO t VALUES (0), (1)";
    Outsider(folder.file(), kSql);
    Outsider(folder.file("next"), "CREATE TABLE t(v TEXT); INSERT INTO t VALUES ('0'), ('1')");
    const auto database = open(folder);
    const auto stale = table_of(*database, "t");
    CHECK(erase(*database, stale, "v=eq.5")->rows_affected == 0);
    for (const char* suffix : {"-wal", "-shm"}) {
        std::filesystem::remove(folder.file() + suffix);
    }
    std::filesystem::rename(folder.file("next"), folder.file());
    const auto erased = erase(*database, stale, "v=eq.0");
    REQUIRE(!erased);
    CHECK(erased.error().fault == DbFault::schema_changed);
    CHECK(Outsider(folder.file()).value("SELECT count(*) FROM t") == "2");
    const auto fresh = database->catalog().reload(stale, "t", soon());
    REQUIRE(fresh);
    CHECK(erase(*database, *fresh, "v=eq.0")->rows_affected == 1);
    CHECK(read(*database, "t", "") == Lines{"text 1"});
}

TEST_CASE("deferred foreign keys are judged at COMMIT and nothing stays") {
    const TemporaryFolder folder;
    Outsider outsider(folder.file(),
                      "CREATE TABLE parent(id INTEGER PRIMARY KEY); CREATE TABLE child(p INT REFERENCES parent(id)"
                      " DEFERRABLE INITIALLY DEFERRED); INSERT INTO parent VALUES (1), (2); INSERT INTO child VALUES (1)");
    const auto database = open(folder);
    const auto erased = erase(*database, table_of(*database, "parent"), "id=ge.1");
    REQUIRE(!erased);
    CHECK(erased.error().fault == DbFault::foreign_key_violated);
    CHECK(outsider.value("SELECT count(*) FROM parent") == "2");
    CHECK(erase(*database, table_of(*database, "parent"), "id=eq.2")->rows_affected == 1);
}

TEST_CASE("many writers take turns and each row is written once") {
    const TemporaryFolder folder;
    Outsider outsider(folder.file(), "CREATE TABLE t(id INTEGER PRIMARY KEY, v INT)");
    const auto database = open(folder);
    const auto table = table_of(*database, "t");
    std::vector<std::thread> threads;
    std::atomic<int> failures = 0;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&, i] {
            for (int j = 0; j < 25; ++j) {
                failures += run(*database, insert(table, "v", {std::int64_t{i}})).has_value() ? 0 : 1;
                Rows rows;
                failures += run(*database, bound(sql::plan::Verb::read, table, "v=eq.1"), &rows).has_value() ? 0 : 1;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(failures == 0);
    CHECK(outsider.value("SELECT count(*) FROM t") == "100");
}
