#include <doctest/doctest.h>

#include "sql/exec/reference_map.h"
#include "tests/unit/sql_mysql_live.h"

using namespace live;
using schemas::ReferentialAction;

namespace {

sql::exec::ReferenceMap map_of(Database& database, const Server& server, const char* table, bool in_transaction = true) {
    auto lease = database.writers().lease(soon());
    REQUIRE_MESSAGE(lease, lease.error().internal);
    const auto known = server.raw(table);
    REQUIRE(known);
    if (in_transaction) {
        REQUIRE((*lease)->begin(soon()));
    }
    auto map = sql::exec::read_reference_map(**lease, schemas::build(*known), soon());
    REQUIRE_MESSAGE(map, map.error().internal);
    REQUIRE((*lease)->rollback(soon()));
    return std::move(*map);
}

schemas::References referencing(Database& database, const char* table) {
    auto lease = database.writers().lease(soon());
    REQUIRE_MESSAGE(lease, lease.error().internal);
    auto found = (*lease)->referencing(table, soon());
    REQUIRE_MESSAGE(found, found.error().internal);
    return std::move(*found);
}

std::unique_ptr<Database> as(const char* user) {
    auto other = settings(std::getenv("ROWGATE_TEST_MYSQL_SOCKET"));
    other.user = user;
    return sql::mysql::open(other, {});
}

// Accounts and the database beside ours, gone afterwards.
class Beside {
public:
    explicit Beside(const Server& server) : server_(server) {
        clean();
        server_.run("CREATE DATABASE `rowgate_unit-ö`");
        server_.run("CREATE USER few@localhost");
        server_.run("GRANT SELECT, INSERT, UPDATE, DELETE ON rowgate_unit.* TO few@localhost");
        server_.run("CREATE USER lone@localhost");
    }
    Beside(const Beside&) = delete;
    Beside& operator=(const Beside&) = delete;
    ~Beside() { clean(); }

private:
    void clean() const {
        server_.run("DROP DATABASE IF EXISTS `rowgate_unit-ö`");
        server_.run("DROP USER IF EXISTS few@localhost, lone@localhost");
    }
    const Server& server_;
};

}  // namespace

TEST_CASE("MariaDB: the keys that point at a table, read from InnoDB and as an account of few rights is shown them") {
    const Server server;
    if (!server) {
        return;
    }
    const Beside beside(server);
    server.run("CREATE TABLE `P/ö.x` (a INT, b INT, PRIMARY KEY (a, b), UNIQUE (b))");
    server.run("CREATE TABLE `c``h $` (id INT PRIMARY KEY, x INT, y INT, CONSTRAINT `k/é` FOREIGN KEY (x, y) REFERENCES `P/ö.x` (a, b)"
               " ON DELETE SET NULL ON UPDATE CASCADE)");
    server.run("CREATE TABLE plain (b INT, CONSTRAINT two FOREIGN KEY (b) REFERENCES `P/ö.x` (b) ON DELETE NO ACTION)");
    server.run("CREATE TABLE none (b INT PRIMARY KEY)");
    const auto few = as("few");
    for (Database* database : {&*server, few.get()}) {
        const bool is_root = database == &*server;
        CAPTURE(is_root);
        const auto found = referencing(*database, "P/ö.x");
        CHECK(found.is_complete == is_root);
        REQUIRE(found.list.size() == 2);
        CHECK(found.list[0].child_database.empty());
        CHECK(found.list[0].child_table == "c`h $");
        CHECK(found.list[0].key.name == "k/é");
        CHECK(found.list[0].key.columns == std::vector<std::string>{"x", "y"});
        CHECK(found.list[0].key.parent_columns == std::vector<std::string>{"a", "b"});
        CHECK(found.list[0].key.on_delete == ReferentialAction::set_null);
        CHECK(found.list[0].key.on_update == ReferentialAction::cascade);
        CHECK(found.list[1].child_table == "plain");
        CHECK(found.list[1].key.on_delete != ReferentialAction::cascade);
        CHECK(referencing(*database, "none").list.empty());
        CHECK(referencing(*database, "p/ö.x").list.empty());
        CHECK(referencing(*database, "\xF0\x9F\x98\x80").list.empty());
    }
}

TEST_CASE("MariaDB: a child that our account cannot see is known to be there") {
    const Server server;
    if (!server) {
        return;
    }
    const Beside beside(server);
    server.run("CREATE TABLE p (id INT PRIMARY KEY, up INT, FOREIGN KEY (up) REFERENCES p (id) ON DELETE SET NULL)");
    server.run("CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)");
    server.run("CREATE TABLE d (id INT PRIMARY KEY, c INT, p INT, FOREIGN KEY (c) REFERENCES c (id) ON DELETE CASCADE,"
               " FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE)");
    server.run("CREATE TABLE r (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id))");
    server.run("GRANT SELECT, DELETE ON rowgate_unit.p TO lone@localhost");
    const auto few = as("few");
    const auto lone = as("lone");
    CHECK(map_of(*server, server, "p").is_complete);
    const auto map = map_of(*few, server, "p");
    CHECK(map.is_complete);
    CHECK(map.tables.size() == 4);
    CHECK(map.keys.size() == 5);
    CHECK(map.fingerprint() == map_of(*few, server, "p").fingerprint());
    // Seen by nobody but the server: its tables are counted.
    CHECK(!map_of(*lone, server, "p").is_complete);
    server.run("CREATE TABLE `rowgate_unit-ö`.hidden (id INT PRIMARY KEY, c INT, CONSTRAINT h FOREIGN KEY (c) REFERENCES rowgate_unit.c (id) ON DELETE CASCADE)");
    CHECK(!map_of(*few, server, "p").is_complete);
    CHECK(!map_of(*few, server, "c").is_complete);
    CHECK(map_of(*few, server, "d").is_complete);
    // InnoDB's own list names it, but it is in another database.
    CHECK(!map_of(*server, server, "c").is_complete);
    const auto listed = referencing(*server, "c");
    REQUIRE(listed.list.size() == 2);
    CHECK(listed.is_complete);
    CHECK(listed.list[1].child_database == "rowgate_unit-ö");
    CHECK(listed.list[1].child_table == "hidden");
    server.run("DROP TABLE `rowgate_unit-ö`.hidden");
    CHECK(map_of(*few, server, "p").is_complete);
    // One who may not delete learns nothing.
    server.run("REVOKE DELETE ON rowgate_unit.* FROM few@localhost");
    CHECK(!map_of(*as("few"), server, "p").is_complete);
}

TEST_CASE("MariaDB: a foreign key that somebody adds is in the next map, and its fingerprint is another") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE p (id INT PRIMARY KEY)");
    server.run("CREATE TABLE c (id INT PRIMARY KEY, p INT, KEY (p))");
    const auto before = map_of(*server, server, "p");
    CHECK(before.keys.empty());
    server.run("ALTER TABLE c ADD CONSTRAINT late FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE");
    const auto after = map_of(*server, server, "p");
    CHECK(after.keys.size() == 1);
    CHECK(before.fingerprint() != after.fingerprint());
}

TEST_CASE("MariaDB: triggers are known to those who have the right to see them") {
    const Server server;
    if (!server) {
        return;
    }
    const Beside beside(server);
    server.run("CREATE TABLE p (id INT PRIMARY KEY)");
    server.run("CREATE TRIGGER gone AFTER DELETE ON p FOR EACH ROW SET @x = 1");
    server.run("CREATE TRIGGER come BEFORE INSERT ON p FOR EACH ROW SET @x = 2");
    const auto all = referencing(*server, "p");
    CHECK(all.are_triggers_complete);
    REQUIRE(all.triggers.size() == 2);
    CHECK(all.triggers[0].name == "come");
    CHECK(all.triggers[0].event == schemas::TriggerEvent::insert);
    CHECK(all.triggers[0].timing == schemas::TriggerTiming::before);
    CHECK(all.triggers[1].event == schemas::TriggerEvent::remove);
    CHECK(all.triggers[1].timing == schemas::TriggerTiming::after);
    const auto few = referencing(*as("few"), "p");
    // MariaDB shows it some all the same; whether these are all is not said.
    CHECK(!few.are_triggers_complete);
    server.run("GRANT TRIGGER ON rowgate_unit.* TO few@localhost");
    const auto more = referencing(*as("few"), "p");
    CHECK(more.triggers.size() == 2);
    CHECK(more.are_triggers_complete);
}
