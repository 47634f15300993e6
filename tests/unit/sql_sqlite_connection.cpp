#include "sql/sqlite/connection.h"

#include <filesystem>
#include <thread>

#include "tests/unit/sql_sqlite_fixture.h"

namespace {

using namespace sqlite_tests;
using sql::exec::DbFault;
using sql::exec::Deadline;
using Lines = std::vector<std::string>;

std::unique_ptr<sql::exec::Database> open(const TemporaryFolder& folder, std::size_t connections_max = 2) {
    sql::CommonSettings common;
    common.connections_max = connections_max;
    common.pool_wait_max = std::chrono::milliseconds(50);
    return sql::sqlite::open({.path = folder.file()}, common);
}

sql::exec::Lease lease(sql::exec::Pool& pool) {
    auto leased = pool.lease(soon());
    if (!leased) {
        FAIL(leased.error().internal);
    }
    return std::move(*leased);
}

const std::vector<const schemas::Column*> kOneColumn = {nullptr};

}  // namespace

TEST_CASE("opening a database does not touch it, and a missing one is found out by the first lease") {
    const TemporaryFolder folder;
    const auto database = open(folder);
    CHECK_FALSE(std::filesystem::exists(folder.file()));
    for (auto* pool : {&database->readers(), &database->writers()}) {
        const auto leased = pool->lease(soon());
        REQUIRE(!leased);
        CHECK(leased.error().fault == DbFault::unavailable);
    }
    CHECK(database->check(soon()).error().fault == DbFault::unavailable);
    CHECK_FALSE(std::filesystem::exists(folder.file()));
    Outsider(folder.file(), "CREATE TABLE t(a)");
    std::this_thread::sleep_for(std::chrono::milliseconds(30));  // the pool's pause after a database that was not there
    CHECK(database->check(soon()).has_value());
}

TEST_CASE("there are many readers and one writer, and they do not block each other") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    const auto database = open(folder);
    CHECK(&database->readers() != &database->writers());
    const auto writer = lease(database->writers());
    CHECK(database->writers().lease(soon()).error().fault == DbFault::busy);
    const auto one = lease(database->readers());
    const auto two = lease(database->readers());
    CHECK(database->readers().lease(soon()).error().fault == DbFault::busy);
    REQUIRE(writer->begin(soon()));
    CHECK(writer->run(Text("INSERT INTO t VALUES (2)"), soon()) == 1U);
    Rows rows;
    CHECK(one->query(Text("SELECT count(*) FROM t"), kOneColumn, soon(), rows));
    CHECK(rows.lines == Lines{"integer 1"});
    REQUIRE(writer->commit(soon()));
    rows.restart();
    CHECK(two->query(Text("SELECT count(*) FROM t"), kOneColumn, soon(), rows));
    CHECK(rows.lines == Lines{"integer 2"});
    CHECK(one->begin(soon()).error().fault == DbFault::read_only);
    CHECK(one->run(Text("DELETE FROM t"), soon()).error().fault == DbFault::read_only);
}

TEST_CASE("the version token is empty for a table that is gone") {
    const TemporaryFolder folder;
    Outsider outsider(folder.file(), "CREATE TABLE t(a); CREATE VIEW v AS SELECT 1");
    const auto database = open(folder);
    const auto reader = lease(database->readers());
    const auto token = reader->version_token("t", soon());
    REQUIRE(token);
    CHECK_FALSE(token->empty());
    CHECK(reader->version_token("t", soon()) == *token);
    CHECK(reader->version_token("v", soon()) == *token);
    CHECK(reader->version_token("T", soon()) == "");
    CHECK(reader->version_token("nosuch", soon()) == "");
    outsider.run("CREATE TABLE nosuch(a); DROP TABLE t");
    CHECK(reader->version_token("t", soon()) == "");
    const auto next = reader->version_token("nosuch", soon());
    CHECK(next != "");
    CHECK(next != *token);
    const auto raw = reader->introspect("nosuch", soon());
    REQUIRE(raw);
    REQUIRE(raw->has_value());
    CHECK((*raw)->version_token == *next);
}

TEST_CASE("a definition cannot change between BEGIN and COMMIT") {
    const TemporaryFolder folder;
    Outsider outsider(folder.file(), "CREATE TABLE t(a)");
    const auto database = open(folder);
    const auto writer = lease(database->writers());
    REQUIRE(writer->begin(soon()));
    const auto token = writer->version_token("t", soon());
    sqlite3* other = nullptr;
    REQUIRE(sqlite3_open(folder.file().c_str(), &other) == SQLITE_OK);
    CHECK(sqlite3_exec(other, "ALTER TABLE t ADD COLUMN b", nullptr, nullptr, nullptr) == SQLITE_BUSY);
    sqlite3_close(other);
    CHECK(writer->version_token("t", soon()) == *token);
    REQUIRE(writer->commit(soon()));
    outsider.run("ALTER TABLE t ADD COLUMN b");
    CHECK(writer->version_token("t", soon()) != *token);
}

TEST_CASE("a connection is alive while its file is there, and used again while no transaction was left open") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE t(a)");
    const auto database = open(folder);
    const auto writer = lease(database->writers());
    CHECK(writer->is_alive(soon()));
    CHECK(writer->is_reusable());
    REQUIRE(writer->begin(soon()));
    CHECK_FALSE(writer->is_reusable());
    REQUIRE(writer->rollback(soon()));
    CHECK(writer->is_reusable());
    CHECK(writer->look() == sql::exec::Look::alive);
    std::filesystem::rename(folder.file(), folder.file("moved"));
    CHECK_FALSE(writer->is_alive(soon()));
    CHECK(writer->look() == sql::exec::Look::dead);
}

TEST_CASE("after a replacement the pool gives connections to the new file") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    Outsider(folder.file("next"), "CREATE TABLE t(a); INSERT INTO t VALUES (2)");
    const auto database = open(folder, 1);
    CHECK(lease(database->readers())->is_alive(soon()));
    CHECK(lease(database->writers())->is_alive(soon()));
    for (const char* suffix : {"-wal", "-shm"}) {
        std::filesystem::remove(folder.file() + suffix);
    }
    std::filesystem::rename(folder.file("next"), folder.file());
    std::this_thread::sleep_for(std::chrono::milliseconds(40));
    Rows rows;
    CHECK(lease(database->readers())->query(Text("SELECT a FROM t"), kOneColumn, soon(), rows));
    CHECK(rows.lines == Lines{"integer 2"});
    CHECK(lease(database->writers())->run(Text("DELETE FROM t WHERE a = 2"), soon()) == 1U);
    CHECK(Outsider(folder.file()).value("SELECT count(*) FROM t") == "0");
}
