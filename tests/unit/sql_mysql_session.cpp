#include <doctest/doctest.h>

#include "tests/unit/sql_mysql_live.h"

using namespace live;

namespace {

std::uint64_t connection_id(sql::exec::Connection& connection) {
    schemas::Column column{Ident::from_catalog("n"), {}, false, false, false, false};
    column.type.type_class = schemas::TypeClass::year;
    Rows sink;
    REQUIRE(connection.query(text("SELECT CONNECTION_ID()"), {&column}, soon(), sink));
    return std::stoull(sink.rows.at(0).at(0).substr(2));
}

void kill(sql::exec::Connection& by, std::uint64_t id) {
    Writer writer = write("KILL ");
    writer.number(id);
    REQUIRE(by.run(std::move(writer).finish(), soon()));
    std::this_thread::sleep_for(50ms);
}

}  // namespace

TEST_CASE("a connection that the server killed fails as unavailable before a statement and is not given out again") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (v INT)");
    auto admin = (*server).writers().lease(soon());
    REQUIRE(admin);
    std::uint64_t id = 0;
    {
        auto victim = (*server).writers().lease(soon());
        REQUIRE(victim);
        id = connection_id(**victim);
        const Statement insert = text("INSERT INTO t VALUES (1)");
        REQUIRE((*victim)->run(insert, soon()));
        kill(**admin, id);
        const auto done = (*victim)->run(insert, soon());
        REQUIRE(!done);
        CAPTURE(done.error().internal);
        CHECK(done.error().fault == DbFault::unavailable);
        CHECK(done.error().fate == sql::exec::Fate::drop);
        CHECK(!(*victim)->is_alive(soon()));
    }
    std::this_thread::sleep_for(50ms);
    auto next = (*server).writers().lease(soon());
    REQUIRE(next);
    CHECK(connection_id(**next) != id);
    CHECK(server.count("SELECT COUNT(*) FROM t") == "i:1");
}

TEST_CASE("reads and writes go on after every idle connection was killed") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (v INT)");
    const TablePtr table = server.table("t");
    {
        auto admin = (*server).writers().lease(soon());
        std::vector<std::uint64_t> ids;
        {
            const auto a = (*server).writers().lease(soon());
            const auto b = (*server).writers().lease(soon());
            ids = {connection_id(**a), connection_id(**b)};
        }
        for (const std::uint64_t id : ids) {
            kill(**admin, id);
        }
        // Keep it out of the pool: the next lease must meet a killed one.
        CHECK(server.count("SELECT COUNT(*) FROM t") == "i:0");
        CHECK(execute(in_transaction(table, {text("INSERT INTO t VALUES (1)")}), {}, *server, soon(), nullptr));
    }
    CHECK(server.count("SELECT COUNT(*) FROM t") == "i:1");
}

TEST_CASE("a write that was killed while it ran is rolled back and tells no lie") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (v INT)");
    auto admin = (*server).writers().lease(soon());
    auto victim = (*server).writers().lease(soon());
    REQUIRE(admin);
    REQUIRE(victim);
    const std::uint64_t id = connection_id(**victim);
    std::thread killer([&] {
        std::this_thread::sleep_for(200ms);
        kill(**admin, id);
    });
    const auto done = (*victim)->run(text("INSERT INTO t SELECT SLEEP(3)"), soon());
    killer.join();
    REQUIRE(!done);
    CAPTURE(done.error().internal);
    CHECK((done.error().fault == DbFault::outcome_unknown || done.error().fault == DbFault::unavailable));
    CHECK(done.error().fate == sql::exec::Fate::drop);
    victim->poison();
    CHECK(server.count("SELECT COUNT(*) FROM t") == "i:0");
}

TEST_CASE("a session's meaning does not depend on the server's global settings") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'");
    server.run("SET GLOBAL foreign_key_checks = 0");
    server.run("SET GLOBAL time_zone = '+05:00'");
    {
        const auto fresh = sql::mysql::open(settings(std::getenv("ROWGATE_TEST_MYSQL_SOCKET")), {});
        auto lease = fresh->readers().lease(soon());
        REQUIRE(lease);
        schemas::Column column{Ident::from_catalog("v"), {}, false, false, false, false};
        column.type.type_class = schemas::TypeClass::enumeration;
        Rows sink;
        REQUIRE((*lease)->query(text("SELECT @@sql_mode, @@foreign_key_checks, @@time_zone, @@autocommit, @@tx_isolation,"
                                     " @@character_set_client, @@max_statement_time, @@check_constraint_checks"),
                                std::vector<const schemas::Column*>(8, &column), soon(), sink));
        CHECK(sink.rows.at(0).at(0) ==
              "t:NO_AUTO_VALUE_ON_ZERO,STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
              "NO_ENGINE_SUBSTITUTION");
        CHECK(sink.rows[0][1] == "t:1");
        CHECK(sink.rows[0][2] == "t:+00:00");
        CHECK(sink.rows[0][3] == "t:1");
        CHECK(sink.rows[0][4] == "t:READ-COMMITTED");
        CHECK(sink.rows[0][5] == "t:utf8mb4");
        CHECK(sink.rows[0][7] == "t:1");
    }
    server.run("SET GLOBAL sql_mode = DEFAULT");
    server.run("SET GLOBAL foreign_key_checks = 1");
    server.run("SET GLOBAL time_zone = 'SYSTEM'");
}

TEST_CASE("a prepared statement that a change of the table outdated is prepared again") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (v INT)");
    server.run("INSERT INTO t VALUES (7)");
    CHECK(server.count("SELECT v FROM t") == "i:7");
    server.run("ALTER TABLE t MODIFY v BIGINT, ADD w INT FIRST");
    CHECK(server.count("SELECT v FROM t") == "i:7");
    server.run("ALTER TABLE t MODIFY v VARCHAR(20)");
    CHECK(server.count("SELECT v FROM t") == "i:7");
}

TEST_CASE("a cell is never read as another type than its column now has") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (v INT, u INT)");
    server.run("INSERT INTO t VALUES (7, 8)");
    schemas::Column number{Ident::from_catalog("v"), {}, false, false, false, false};
    number.type.type_class = schemas::TypeClass::integer;
    const auto read = [&](const char* wanted) {
        Rows sink;
        auto lease = (*server).readers().lease(soon());
        REQUIRE(lease);
        const auto done = (*lease)->query(text("SELECT v FROM t"), {&number}, soon(), sink);
        CHECK((done ? sink.rows.at(0).at(0) : "stale") == wanted);
        if (!done) {
            CHECK(done.error().fault == sql::exec::DbFault::schema_changed);
            CHECK(sink.rows.empty());
        }
    };
    read("i:7");
    server.run("ALTER TABLE t MODIFY v BIGINT UNSIGNED");
    read("stale");
    server.run("ALTER TABLE t MODIFY v VARCHAR(10)");
    read("stale");
    server.run("ALTER TABLE t MODIFY v DECIMAL(5,2)");
    read("stale");
    server.run("ALTER TABLE t MODIFY v SMALLINT");
    read("i:7");
}

TEST_CASE("a sink that wants no more is shown no more, and the connection stays usable") {
    sql::CommonSettings common;
    common.connections_max = 1;
    const Server server(common);
    if (!server) {
        return;
    }
    struct Two final : sql::exec::RowSink {
        void row(std::span<const Cell>) override { wants_more_ = ++rows < 2; }
        void restart() override { rows = 0; }
        int rows = 0;
    } two;
    schemas::Column number{Ident::from_catalog("v"), {}, false, false, false, false};
    number.type.type_class = schemas::TypeClass::integer;
    {
        auto lease = (*server).readers().lease(soon());
        REQUIRE(lease);
        CHECK((*lease)->query(text("SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3"), {&number}, soon(), two).has_value());
    }
    CHECK(two.rows == 2);
    CHECK(server.count("SELECT 7") == "i:7");
}

TEST_CASE("more different statements than the cache holds still run") {
    sql::CommonSettings common;
    common.statements_cached = 2;
    common.connections_max = 1;
    const Server server(common);
    if (!server) {
        return;
    }
    for (int round = 0; round < 3; ++round) {
        CHECK(server.count("SELECT 1") == "i:1");
        CHECK(server.count("SELECT 2") == "i:2");
        CHECK(server.count("SELECT 3") == "i:3");
    }
}

TEST_CASE("a server that is not there, and one that refuses us, are unavailable") {
    const Server server;
    if (!server) {
        return;
    }
    auto wrong = settings("/nonexistent/socket");
    const auto nowhere = sql::mysql::open(wrong, {})->check(soon());
    REQUIRE(!nowhere);
    CHECK(nowhere.error().fault == DbFault::unavailable);
    wrong = settings(std::getenv("ROWGATE_TEST_MYSQL_SOCKET"));
    wrong.user = "nobody_of_that_name";
    wrong.password = "x";
    const auto refused = sql::mysql::open(wrong, {})->check(soon());
    REQUIRE(!refused);
    CHECK(refused.error().fault == DbFault::unavailable);
    wrong = settings(std::getenv("ROWGATE_TEST_MYSQL_SOCKET"));
    wrong.schema = "no_such_schema";
    CHECK(sql::mysql::open(wrong, {})->check(soon()).error().fault == DbFault::unavailable);
    wrong = settings(std::getenv("ROWGATE_TEST_MYSQL_SOCKET"));
    wrong.tls_ca = "/nonexistent/ca.pem";
    CHECK(sql::mysql::open(wrong, {})->check(soon()).error().fault == DbFault::unavailable);
    CHECK((*server).check(soon()));
}
