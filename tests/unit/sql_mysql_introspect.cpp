#include <doctest/doctest.h>

#include <map>

#include "tests/unit/sql_mysql_live.h"

using namespace live;

TEST_CASE("introspection tells keys, foreign keys, defaults, generated and JSON columns") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE parent (a INT, b INT, PRIMARY KEY (a, b))");
    server.run(
        "CREATE TABLE t (id BIGINT UNSIGNED AUTO_INCREMENT, a INT, b INT, v VARCHAR(50) NOT NULL DEFAULT 'x', n INT NULL,"
        " twice INT AS (n * 2) STORED, thrice INT AS (n * 3) VIRTUAL, j JSON, l LONGTEXT, k LONGTEXT CHECK (LENGTH(k) > 1),"
        " PRIMARY KEY (id), UNIQUE u (b, a), UNIQUE part (v(10)), KEY plain (n),"
        " CONSTRAINT fk FOREIGN KEY (a, b) REFERENCES parent (a, b) ON DELETE CASCADE ON UPDATE SET NULL)");
    const auto raw = server.raw("t");
    REQUIRE(raw);
    CHECK(raw->kind == schemas::TableKind::table);
    REQUIRE(raw->columns.size() == 10);
    CHECK(raw->columns[0].is_auto_increment);
    CHECK(raw->columns[0].column_type == "bigint(20) unsigned");
    CHECK(!raw->columns[0].is_nullable);
    CHECK(raw->columns[3].default_expression == "'x'");
    CHECK(raw->columns[3].characters_max == 50U);
    CHECK(raw->columns[5].is_generated);
    CHECK(raw->columns[6].is_generated);
    CHECK(raw->columns[7].has_json_check);
    CHECK(!raw->columns[8].has_json_check);
    CHECK(!raw->columns[9].has_json_check);
    REQUIRE(raw->keys.size() == 2);
    std::map<std::string, schemas::RawKey> keys;
    for (const auto& key : raw->keys) {
        keys[key.name] = key;
    }
    CHECK(keys["PRIMARY"].is_primary);
    CHECK(keys["u"].columns == std::vector<std::string>{"b", "a"});
    REQUIRE(raw->foreign_keys.size() == 1);
    CHECK(raw->foreign_keys[0].name == "fk");
    CHECK(raw->foreign_keys[0].columns == std::vector<std::string>{"a", "b"});
    CHECK(raw->foreign_keys[0].parent_table == "parent");
    CHECK(raw->foreign_keys[0].on_delete == schemas::ReferentialAction::cascade);
    CHECK(raw->foreign_keys[0].on_update == schemas::ReferentialAction::set_null);
}

TEST_CASE("a table's name is exact, and only tables and views are tables") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE `Odd ``name` (id INT)");
    server.run("CREATE TABLE plain (id INT) ENGINE = MyISAM");
    server.run("CREATE VIEW seen AS SELECT id FROM plain");
    server.run("CREATE SEQUENCE counter");
    CHECK(server.raw("Odd `name"));
    for (const char* name : {"odd `name", "Odd `name ", "Odd%", "", "counter", "nope", "TABLES"}) {
        CAPTURE(name);
        CHECK(!server.raw(name));
    }
    CHECK(server.raw("seen")->kind == schemas::TableKind::view);
    // Nothing is written to an engine that cannot roll back.
    CHECK(server.raw("plain")->kind == schemas::TableKind::view);
    CHECK(!server.raw("plain")->is_version_settled);
    const auto tables = (*server).tables(soon());
    REQUIRE(tables);
    REQUIRE(tables->size() == 3);
    CHECK((*tables)[0].name == "Odd `name");
    CHECK((*tables)[0].kind == schemas::TableKind::table);
    CHECK((*tables)[1].name == "plain");
    CHECK((*tables)[1].kind == schemas::TableKind::view);
    CHECK((*tables)[2].name == "seen");
    CHECK((*tables)[2].kind == schemas::TableKind::view);
}

TEST_CASE("a name that information_schema's character set cannot hold is no table, not a failure") {
    const Server server;
    if (!server) {
        return;
    }
    CHECK(!server.raw("\xF0\x9F\x92\xA3'"));
    CHECK(!server.raw("t\xF0\x9F\x98\x80"));
}

TEST_CASE("the server's own schemas have no tables") {
    const Server server;
    if (!server) {
        return;
    }
    for (const char* schema : {"mysql", "information_schema", "INFORMATION_SCHEMA", "performance_schema"}) {
        CAPTURE(schema);
        auto other = settings(std::getenv("ROWGATE_TEST_MYSQL_SOCKET"));
        other.schema = schema;
        const auto database = sql::mysql::open(other, {});
        CHECK(database->tables(soon()).value().empty());
        CHECK(database->catalog().find("user", soon()).value() == nullptr);
        CHECK(database->catalog().find("TABLES", soon()).value() == nullptr);
    }
}

TEST_CASE("every change of a table changes its version") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE p (id INT PRIMARY KEY)");
    server.run("CREATE TABLE other (id VARCHAR(9), v INT)");
    server.run("CREATE TABLE t (id INT, v INT, w INT)");
    const std::vector<std::vector<SqlLiteral>> changes = {
        {"ALTER TABLE t MODIFY v VARCHAR(20)"},
        {"ALTER TABLE t ADD COLUMN n INT, ALGORITHM = INSTANT", "ALTER TABLE t RENAME COLUMN w TO w2, ALGORITHM = INSTANT"},
        {"ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (id) REFERENCES p (id)"},
        {"ALTER TABLE t DROP FOREIGN KEY fk", "ALTER TABLE t ALTER v SET DEFAULT 'x'"},
        {"RENAME TABLE t TO gone, other TO t"},
        {"DROP TABLE t", "CREATE TABLE t (id INT)"},
    };
    for (const auto& change : changes) {
        CAPTURE(change.front().text());
        const TablePtr before = server.settled("t");
        for (const SqlLiteral& statement : change) {
            server.run(statement);
        }
        const auto after = server.raw("t");
        REQUIRE(after);
        CHECK(after->version_token != before->version.token);
        CHECK(!after->is_version_settled);
        CHECK(schemas::fingerprint(*after) != before->version.fingerprint);
    }
}
