// Keys named in lists against a real SQLite file: they match the rows that eq on each part matches, and by the index.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "schemas/build.h"
#include "sql/plan/bind.h"
#include "sql/plan/guard.h"
#include "sql/render/render.h"
#include "sql/sqlite/dialect.h"
#include "sql/sqlite/introspect.h"
#include "tests/unit/sql_sqlite_fixture.h"

using namespace sqlite_tests;
using sql::plan::Intent;
using sql::plan::JsonKind;
using sql::plan::Verb;

namespace {

using Lines = std::vector<std::string>;
using Keys = std::vector<std::vector<std::string>>;

Intent by_body(Verb verb, const Keys& keys) {
    Intent intent;
    intent.verb = verb;
    auto& body = intent.body_keys.emplace();
    for (const auto& key : keys) {
        body.positions.push_back(0);
        for (const std::string& part : key) {
            body.parts.push_back({{part, 0}, JsonKind::string});
        }
        body.ends.push_back(body.parts.size());
    }
    return intent;
}

sql::render::Program rendered(const Intent& intent, const schemas::TablePtr& table) {
    auto plan = sql::plan::bind_query(intent, table, {});
    REQUIRE_MESSAGE(plan, plan.error().detail);
    return sql::render::render(sql::plan::Guard::guard(*std::move(plan)).value(), sql::sqlite::dialect());
}

// A file with one table t, and a session on it.
class File {
public:
    explicit File(const std::string& script) : outsider_(folder_.file(), script), session_(connect(folder_.file())) {}

    [[nodiscard]] schemas::TablePtr table() {
        const auto raw = sql::sqlite::introspect(*session_, "t", soon());
        REQUIRE(raw);
        REQUIRE(*raw);
        return schemas::build(**raw);
    }
    Lines found(Intent intent, const schemas::TablePtr& table) {
        intent.verb = Verb::read;
        intent.query.select.push_back({"n", 0});
        intent.query.order.push_back({"n", 0, filters::Direction::ascending});
        return select(*session_, rendered(intent, table).statements.at(0));
    }
    std::uint64_t erased(const Intent& intent, const schemas::TablePtr& table) {
        std::uint64_t count = 0;
        for (const auto& statement : rendered(intent, table).statements) {
            count += change(*session_, statement);
        }
        return count;
    }
    // What SQLite says it would do, a line a step.
    std::string plan(const std::string& sql) {
        sqlite3* database = nullptr;
        REQUIRE(sqlite3_open(folder_.file().c_str(), &database) == SQLITE_OK);
        std::string steps;
        const auto keep = [](void* to, int count, char** values, char**) {
            *static_cast<std::string*>(to) += std::string(values[count - 1]) + "\n";
            return 0;
        };
        CHECK(sqlite3_exec(database, ("EXPLAIN QUERY PLAN " + sql).c_str(), keep, &steps, nullptr) == SQLITE_OK);
        sqlite3_close(database);
        return steps;
    }
    std::string value(const std::string& sql) { return outsider_.value(sql); }

private:
    TemporaryFolder folder_;
    Outsider outsider_;
    std::unique_ptr<sql::sqlite::Session> session_;
};

}  // namespace

TEST_CASE("on SQLite keys in a list match as eq does: by the column's collation, and only cells of its class") {
    File file(
        "CREATE TABLE t (a VARCHAR(20) COLLATE NOCASE, b INT, d DATE, n INT, PRIMARY KEY (a, b, d));"
        "INSERT INTO t VALUES ('Abc', 1, '2026-01-02', 1), ('abd', 1, '2026-01-02', 2), ('x', 'one', '2026-01-02', 3), (7, 1, '2026-01-02', 4),"
        "('y', 1, 20260102, 5), ('Abc', 2, '2026-01-02', 6)");
    const auto table = file.table();
    const Keys keys{{"ABC", "1", "2026-01-02"}, {"abd ", "1", "2026-01-02"}, {"7", "1", "2026-01-02"}, {"y", "1", "2026-01-02"},
                    {"aBC", "2", "2026-01-02"}, {"x", "1", "2026-01-02"}};
    CHECK(file.found(by_body(Verb::read, keys), table) == Lines{"integer 1", "integer 4", "integer 6"});
    CHECK(file.found(by_body(Verb::read, {{"abc", "1", "2026-01-02"}}), table) == Lines{"integer 1"});
    // What eq says of each of them.
    std::size_t by_eq = 0;
    for (const auto& key : keys) {
        Intent intent;
        for (std::size_t part = 0; part < key.size(); ++part) {
            filters::Condition condition;
            condition.column = table->columns[table->primary_key->columns[part]].name.text();
            condition.values.push_back({key[part], 0});
            intent.query.where.push_back(std::move(condition));
        }
        by_eq += file.found(intent, table).size();
    }
    CHECK(by_eq == 3);
    CHECK(file.erased(by_body(Verb::erase, keys), table) == 3);
    CHECK(file.value("SELECT group_concat(n) FROM (SELECT n FROM t ORDER BY n)") == "2,3,5");
}

TEST_CASE("on SQLite a single key of another class than its column's is in no list") {
    File file("CREATE TABLE t (a VARCHAR(20) PRIMARY KEY NOT NULL, n INT); INSERT INTO t VALUES ('1', 1), (x'31', 2), ('A', 3)");
    const auto table = file.table();
    CHECK(file.found(by_body(Verb::read, {{"1"}, {"a"}}), table) == Lines{"integer 1"});
    CHECK(file.erased(by_body(Verb::erase, {{"1"}, {"1"}, {"nosuch"}}), table) == 1);
}

TEST_CASE("on SQLite ten thousand keys are looked up in the index, whole keys and single ones") {
    File file(
        "CREATE TABLE t (a INT NOT NULL, b VARCHAR(10) NOT NULL, n INT, PRIMARY KEY (a, b)); CREATE TABLE s (id INTEGER PRIMARY KEY);"
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 30000) INSERT INTO t SELECT i, 'k' || i, i FROM c");
    const auto table = file.table();
    Keys keys;
    for (int i = 1; i <= 10'000; ++i) {
        keys.push_back({std::to_string(3 * i), i % 2 == 0 ? "k" + std::to_string(3 * i) : "none"});
    }
    const auto program = rendered(by_body(Verb::erase, {{"1", "k1"}, {"2", "k2"}}), table);
    const std::string steps = file.plan(program.statements.at(0).text());
    CAPTURE(steps);
    CHECK(steps.find("SCAN t\n") == std::string::npos);
    CHECK(steps.find("SEARCH t USING ") != std::string::npos);
    CHECK(file.erased(by_body(Verb::erase, keys), table) == 5000);
    CHECK(file.value("SELECT count(*) FROM t") == "25000");
}
