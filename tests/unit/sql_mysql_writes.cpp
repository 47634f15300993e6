#include <doctest/doctest.h>

#include <atomic>

#include "tests/unit/sql_mysql_live.h"

using namespace live;

namespace {

// DELETE … WHERE v = 0, with its proof in the statement.
Program alone(const Server& server, TablePtr table) {
    Writer writer = write("DELETE FROM t WHERE v = ");
    writer.param(std::int64_t{0});
    (*server).dialect().freshness(writer, *table);
    Program program = in_transaction(std::move(table), {std::move(writer).finish()});
    program.proof = Proof::in_statement;
    return program;
}

}  // namespace

TEST_CASE("a write bound to a settled table that was altered does nothing and is bound again") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (v INT)");
    server.run("INSERT INTO t VALUES (0), (1)");
    const TablePtr table = server.settled("t");
    server.run("ALTER TABLE t MODIFY v VARCHAR(20)");
    server.run("INSERT INTO t VALUES ('x')");
    SUBCASE("in its statement") {
        const auto done = execute(alone(server, table), {}, *server, soon(), nullptr);
        REQUIRE(!done);
        CHECK(done.error().fault == DbFault::schema_changed);
    }
    SUBCASE("in a transaction") {
        const auto done =
            execute(in_transaction(table, {text("DELETE FROM t WHERE v = 0")}), {}, *server, soon(), nullptr);
        REQUIRE(!done);
        CHECK(done.error().fault == DbFault::schema_changed);
    }
    SUBCASE("the table is gone") {
        server.run("DROP TABLE t");
        const auto done = execute(alone(server, table), {}, *server, soon(), nullptr);
        REQUIRE(!done);
        CHECK(done.error().fault == DbFault::schema_changed);
        return;
    }
    CHECK(server.count("SELECT COUNT(*) FROM t") == "i:3");
}

TEST_CASE("a write bound to a table that was altered within the same second does nothing and is bound again") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (v INT)");
    server.run("INSERT INTO t VALUES (0), (1)");
    const TablePtr table = server.table("t");
    CHECK(!table->version.is_settled);
    server.run("ALTER TABLE t MODIFY v VARCHAR(20)");
    server.run("INSERT INTO t VALUES ('x')");
    const auto done = execute(in_transaction(table, {text("DELETE FROM t WHERE v = 0")}), {}, *server, soon(), nullptr);
    REQUIRE(!done);
    CHECK(done.error().fault == DbFault::schema_changed);
    CHECK(server.count("SELECT COUNT(*) FROM t") == "i:3");
    const auto again = (*server).catalog().reload(table, "t", soon()).value();
    CHECK(again->columns[0].type.type_class == schemas::TypeClass::text);
    CHECK(execute(in_transaction(again, {text("DELETE FROM t WHERE v = '0'")}), {}, *server, soon(), nullptr)->rows_affected ==
          1);
}

TEST_CASE("a write whose proof holds counts the rows it matched, those already equal included") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (v INT)");
    server.run("INSERT INTO t VALUES (0), (0), (1)");
    const TablePtr table = server.settled("t");
    CHECK(execute(in_transaction(table, {text("UPDATE t SET v = 0 WHERE v = 0")}), {}, *server, soon(), nullptr)->rows_affected ==
          2);
    CHECK(execute(alone(server, table), {}, *server, soon(), nullptr)->rows_affected == 2);
    CHECK(execute(alone(server, table), {}, *server, soon(), nullptr)->rows_affected == 0);
    CHECK(server.count("SELECT COUNT(*) FROM t") == "i:1");
}

TEST_CASE("an insert answers the id that its last statement generated, and only that") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, v INT)");
    server.run("CREATE TABLE s (id INT PRIMARY KEY, v INT)");
    Program program =
        in_transaction(server.table("t"), {text("INSERT INTO t (v) VALUES (1), (2)"), text("INSERT INTO t (v) VALUES (3)")});
    program.last_id_is_generated = true;
    const auto done = execute(program, {}, *server, soon(), nullptr);
    REQUIRE(done);
    CHECK(done->rows_affected == 3);
    CHECK(done->last_insert_id == Value(std::int64_t{3}));
    // Nobody asked for this id; it must not be taken for the next one.
    server.run("INSERT INTO t (v) VALUES (4)");
    Program none = in_transaction(server.table("s"), {text("INSERT INTO s VALUES (1, 1)")});
    none.last_id_is_generated = true;
    CHECK(!execute(none, {}, *server, soon(), nullptr)->last_insert_id);
}

TEST_CASE("rows that the table refuses are refused whole, naming constraint or column") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE p (id INT PRIMARY KEY)");
    server.run(
        "CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(3) NOT NULL DEFAULT '', p INT, n TINYINT, UNIQUE named (name),"
        " CONSTRAINT fk FOREIGN KEY (p) REFERENCES p (id), CONSTRAINT positive CHECK (n > 0))");
    server.run("INSERT INTO t (id, name) VALUES (1, 'a')");
    const TablePtr table = server.table("t");
    struct Case {
        SqlLiteral statement;
        DbFault fault;
        std::string constraint, column;
    };
    const std::vector<Case> cases = {
        {"INSERT INTO t (id, name) VALUES (2, 'a')", DbFault::unique_violated, "named", ""},
        {"INSERT INTO t (id, name) VALUES (1, 'b')", DbFault::unique_violated, "PRIMARY", ""},
        {"INSERT INTO t (id, p) VALUES (2, 5)", DbFault::foreign_key_violated, "fk", ""},
        {"INSERT INTO t (id, n) VALUES (2, 0)", DbFault::row_refused, "positive", ""},
        {"INSERT INTO t (id, n) VALUES (2, 300)", DbFault::row_refused, "", "n"},
        {"INSERT INTO t (id, name) VALUES (2, 'long')", DbFault::row_refused, "", "name"},
        {"INSERT INTO t (id, name) VALUES (2, NULL)", DbFault::row_refused, "", "name"},
        {"INSERT INTO t (name) VALUES ('z')", DbFault::row_refused, "", "id"},
        {"INSERT INTO t (id, n) VALUES (2, 'x')", DbFault::row_refused, "", "n"},
    };
    for (const Case& expected : cases) {
        CAPTURE(expected.statement.text());
        const auto done =
            execute(in_transaction(table, {text("INSERT INTO t (id, name) VALUES (9, 'i')"), text(expected.statement)}), {},
                    *server, soon(), nullptr);
        REQUIRE(!done);
        CAPTURE(done.error().internal);
        CHECK(done.error().fault == expected.fault);
        CHECK(done.error().constraint == expected.constraint);
        CHECK(done.error().column == expected.column);
    }
    CHECK(server.count("SELECT COUNT(*) FROM t") == "i:1");
    const auto gone = execute(in_transaction(table, {text("DELETE FROM nope WHERE id = 1")}), {}, *server, soon(), nullptr);
    REQUIRE(!gone);
    CHECK(gone.error().fault == DbFault::schema_changed);
}

TEST_CASE("a statement longer than its time is stopped in the database and leaves nothing") {
    sql::CommonSettings common;
    common.statement_timeout = 500ms;
    const Server server(common);
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (v INT)");
    const auto done =
        execute(in_transaction(server.table("t"), {text("INSERT INTO t SELECT SLEEP(3)")}), {}, *server, soon(), nullptr);
    REQUIRE(!done);
    CAPTURE(done.error().internal);
    CHECK(done.error().fault == DbFault::deadline_exceeded);
    CHECK(server.count("SELECT COUNT(*) FROM t") == "i:0");
}

TEST_CASE("a wait for a row lock ends as busy") {
    sql::CommonSettings common;
    common.statement_timeout = 3s;
    const Server server(common);
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)");
    server.run("INSERT INTO t VALUES (1, 1)");
    const TablePtr table = server.table("t");
    auto holder = (*server).writers().lease(soon());
    REQUIRE(holder);
    REQUIRE((*holder)->begin(soon()));
    REQUIRE((*holder)->run(text("UPDATE t SET v = 2 WHERE id = 1"), soon()));
    const auto done =
        execute(in_transaction(table, {text("UPDATE t SET v = 3 WHERE id = 1")}), {}, *server, soon(), nullptr);
    REQUIRE(!done);
    CAPTURE(done.error().internal);
    CHECK(done.error().fault == DbFault::busy);
    REQUIRE((*holder)->rollback(soon()));
}

TEST_CASE("two writes that deadlock both end well") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)");
    server.run("INSERT INTO t VALUES (1, 0), (2, 0)");
    const TablePtr table = server.settled("t");
    std::atomic<int> failed = 0;
    const auto update = [&](bool is_upwards) {
        const std::vector<Statement> up = {text("UPDATE t SET v = v + 1 WHERE id = 1 AND SLEEP(0.01) = 0"),
                                           text("UPDATE t SET v = v + 1 WHERE id = 2")};
        const std::vector<Statement> down = {text("UPDATE t SET v = v + 1 WHERE id = 2 AND SLEEP(0.01) = 0"),
                                             text("UPDATE t SET v = v + 1 WHERE id = 1")};
        for (int i = 0; i < 10; ++i) {
            for (;;) {
                const auto done = execute(in_transaction(table, is_upwards ? up : down), {}, *server, soon(), nullptr);
                if (done || done.error().fault != DbFault::conflict) {
                    break;
                }
                ++failed;
            }
        }
    };
    std::thread upwards(update, true);
    update(false);
    upwards.join();
    MESSAGE("conflicts that three retries did not end: " << failed.load());
    CHECK(server.count("SELECT SUM(v) FROM t") == "i:40");
}
