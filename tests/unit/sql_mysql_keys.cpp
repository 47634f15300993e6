// Keys named in lists against a real MariaDB: they match the rows that eq on each part matches, no others, and by the index.
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "sql/plan/bind.h"
#include "sql/plan/guard.h"
#include "sql/render/render.h"
#include "tests/unit/sql_mysql_live.h"

using namespace live;
using sql::plan::Intent;
using sql::plan::JsonKind;
using sql::plan::Verb;

namespace {

struct Keys {
    std::vector<std::vector<std::string>> keys;
};

Intent by_body(Verb verb, const Keys& named) {
    Intent intent;
    intent.verb = verb;
    auto& body = intent.body_keys.emplace();
    for (const auto& key : named.keys) {
        body.positions.push_back(0);
        for (const std::string& part : key) {
            body.parts.push_back({{part, 0}, JsonKind::string});
        }
        body.ends.push_back(body.parts.size());
    }
    return intent;
}

// The column `n` of the rows that the keys name, read.
std::vector<std::string> found(const Server& server, const TablePtr& table, const Intent& asked) {
    Intent intent = asked;
    intent.verb = Verb::read;
    intent.query.select.push_back({"n", 0});
    intent.query.order.push_back({"n", 0, filters::Direction::ascending});
    auto plan = sql::plan::bind_query(intent, table, {});
    REQUIRE_MESSAGE(plan, plan.error().detail);
    const Program program = sql::render::render(sql::plan::Guard::guard(*std::move(plan)).value(), sql::mysql::dialect());
    std::vector<std::string> out;
    for (const auto& row : server.rows(program.statements.at(0), {table->find("n")})) {
        out.push_back(row.at(0).substr(2));
    }
    return out;
}

std::string erased(const Server& server, const TablePtr& table, const Intent& intent) {
    auto plan = sql::plan::bind_query(intent, table, {});
    REQUIRE_MESSAGE(plan, plan.error().detail);
    const Program program = sql::render::render(sql::plan::Guard::guard(*std::move(plan)).value(), sql::mysql::dialect());
    const auto done = execute(program, {}, *server, soon(), nullptr);
    REQUIRE_MESSAGE(done, done.error().internal);
    return std::to_string(done->rows_affected);
}

// The same keys one by one, by eq.
std::vector<std::string> found_by_eq(const Server& server, const TablePtr& table, const Keys& named) {
    std::set<std::string> rows;
    for (const auto& key : named.keys) {
        Intent intent;
        for (std::size_t part = 0; part < key.size(); ++part) {
            filters::Condition condition;
            condition.column = table->columns[table->primary_key->columns[part]].name.text();
            condition.values.push_back({key[part], 0});
            intent.query.where.push_back(std::move(condition));
        }
        for (std::string& row : found(server, table, intent)) {
            rows.insert(std::move(row));
        }
    }
    return {rows.begin(), rows.end()};
}

using Names = std::vector<std::string>;

// Steps from row to row, of all scans.
constexpr SqlLiteral kSteps =
    "SELECT CAST(SUM(VARIABLE_VALUE) AS SIGNED) FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME IN ('HANDLER_READ_RND_NEXT', "
    "'HANDLER_READ_NEXT')";

}  // namespace

TEST_CASE("on MariaDB keys in a list match as eq does: case, accents and trailing blanks as the collation has it") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE folded (a VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci, b INT, n INT, PRIMARY KEY (a, b))");
    server.run("INSERT INTO folded VALUES ('Abc', 1, 1), ('abd ', 1, 2), ('x', 1, 3), ('Abc', 2, 4)");
    server.run("CREATE TABLE exact (a VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, n INT, PRIMARY KEY (a))");
    server.run("INSERT INTO exact VALUES ('Abc', 1), ('abc', 2), ('abc ', 3), ('0', 4), ('\xF0\x9F\x98\x80', 5), ('\xF0\x9F\x98\x81', 6)");
    const TablePtr folded = server.table("folded");
    const Keys pairs{{{"ABC", "1"}, {"abd", "1"}, {"x ", "2"}, {"abc ", "2"}, {"\xE2\x82\xAC", "1"}}};
    CHECK(found(server, folded, by_body(Verb::read, pairs)) == Names{"1", "2", "4"});
    CHECK(found(server, folded, by_body(Verb::read, pairs)) == found_by_eq(server, folded, pairs));
    const TablePtr exact = server.table("exact");
    const Keys texts{{{"abc"}, {"ABC"}, {"Abc "}, {"0"}, {"00"}, {"\xF0\x9F\x98\x80"}}};
    CHECK(found(server, exact, by_body(Verb::read, texts)) == Names{"2", "4", "5"});
    CHECK(found(server, exact, by_body(Verb::read, texts)) == found_by_eq(server, exact, texts));
    // The same text key in a list so long that MariaDB would make a subquery of it.
    Keys many = texts;
    for (int i = 0; i < 2500; ++i) {
        many.keys.push_back({"no " + std::to_string(i)});
    }
    CHECK(found(server, exact, by_body(Verb::read, many)) == Names{"2", "4", "5"});
    CHECK(erased(server, exact, by_body(Verb::erase, many)) == "3");
    CHECK(server.count("SELECT COUNT(*) FROM exact") == "i:3");
    CHECK(erased(server, folded, by_body(Verb::erase, pairs)) == "3");
}

TEST_CASE("on MariaDB keys of every kind in a list match the row that eq matches") {
    const Server server;
    if (!server) {
        return;
    }
    server.run(
        "CREATE TABLE kinds (d DECIMAL(30,10), t DATETIME(6), u UUID, e ENUM('red','1','2'), y YEAR, f DOUBLE, b VARBINARY(8), n INT, "
        "PRIMARY KEY (d, t, u, e, y, f, b))");
    server.run(
        "INSERT INTO kinds VALUES (12345678901234567890.1, '2026-01-02 03:04:05', '00000000-0000-0000-0000-00000000000a', '1', 2026, 0.1, "
        "x'00ff', 1), (12345678901234567890.2, '2026-01-02 03:04:05.000001', '00000000-0000-0000-0000-00000000000a', '2', 2026, 0.1, x'00ff', 2)");
    const TablePtr table = server.table("kinds");
    const Keys first{{{"12345678901234567890.1", "2026-01-02T03:04:05", "00000000-0000-0000-0000-00000000000A", "1", "2026", "0.1", "\\x00ff"}}};
    CHECK(found(server, table, by_body(Verb::read, first)) == Names{"1"});
    Keys both = first;
    both.keys.push_back({"12345678901234567890.2", "2026-01-02T03:04:05.000001", "00000000-0000-0000-0000-00000000000A", "2", "2026", "0.1", "\\x00ff"});
    CHECK(found(server, table, by_body(Verb::read, both)) == Names{"1", "2"});
    CHECK(found(server, table, by_body(Verb::read, both)) == found_by_eq(server, table, both));
    for (std::size_t part = 0; part < first.keys[0].size(); ++part) {
        CAPTURE(part);
        const Names others{"12345678901234567890.2", "2026-01-02", "00000000-0000-0000-0000-00000000000b", "red", "2025", "0.2", "\\x00"};
        Keys other = first;
        other.keys[0][part] = others[part];
        CHECK(found(server, table, by_body(Verb::read, other)).empty());
        other.keys.push_back(both.keys[1]);
        CHECK(found(server, table, by_body(Verb::read, other)) == Names{"2"});
    }
}

TEST_CASE("on MariaDB ten thousand keys are looked up in the primary key, read for update or deleted") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE big (a INT, b VARCHAR(10), n INT, PRIMARY KEY (a, b))");
    server.run("INSERT INTO big SELECT seq, CONCAT('k', seq), seq FROM seq_1_to_30000");
    const TablePtr table = server.settled("big");
    Keys named;
    for (int i = 1; i <= 10'000; ++i) {
        named.keys.push_back({std::to_string(3 * i), i % 2 == 0 ? "k" + std::to_string(3 * i) : "none"});
    }
    CHECK(found(server, table, by_body(Verb::read, {{{"3", "k3"}, {"4", "x"}}})) == Names{"3"});
    const std::string before = server.count(kSteps);
    CHECK(erased(server, table, by_body(Verb::erase, named)) == "5000");
    const std::string after = server.count(kSteps);
    // Far fewer steps than rows: the status table itself is read by a scan.
    CHECK(std::stod(after.substr(2)) - std::stod(before.substr(2)) < 10'000);
    CHECK(server.count("SELECT COUNT(*) FROM big") == "i:25000");
}
