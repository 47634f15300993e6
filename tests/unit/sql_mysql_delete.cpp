#include <doctest/doctest.h>

#include <atomic>

#include "sql/plan/guard.h"
#include "sql/render/render.h"
#include "tests/unit/sql_mysql_live.h"
#include "tests/unit/sql_mysql_proxy.h"

using namespace live;
using proxy::Harm;
using proxy::Proxy;

namespace {

struct Where {
    std::string_view column;
    std::int64_t value;
};

Program by_key(const TablePtr& table, const std::vector<Where>& where) {
    sql::plan::DeletePlan plan;
    plan.table = table;
    for (const Where& condition : where) {
        sql::plan::Predicate predicate{table->index_of(condition.column).value(), sql::plan::PredicateKind::eq, {}};
        predicate.values.emplace_back(condition.value);
        plan.where.push_back(std::move(predicate));
    }
    Program program = sql::render::render(sql::plan::Guard::guard(std::move(plan)).value(), sql::mysql::dialect());
    REQUIRE(program.statements[0].text().find("COERCIBILITY(") != std::string::npos);
    return program;
}

std::unique_ptr<Database> one_connection(const char* socket, std::size_t connections = 1) {
    sql::CommonSettings common;
    common.connections_max = connections;
    common.statement_timeout = 5s;
    return sql::mysql::open(settings(socket), common);
}

std::unique_ptr<Database> one_connection() {
    return one_connection(std::getenv("ROWGATE_TEST_MYSQL_SOCKET"));
}

// The table t (id, v) with the rows of the INSERT, settled.
TablePtr rows_of_t(const Server& server, SqlLiteral insert) {
    server.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)");
    server.run(insert);
    return server.settled("t");
}

// Rows deleted, or -1 when the table turned out to be another.
int erase(Database& database, const Program& program) {
    const auto done = execute(program, {}, database, soon(), nullptr);
    if (!done) {
        CAPTURE(done.error().internal);
        CHECK(done.error().fault == DbFault::schema_changed);
        return -1;
    }
    return static_cast<int>(done->rows_affected);
}

std::string count_on(Database& database, SqlLiteral literal) {
    schemas::Column column{Ident::from_catalog("n"), {}, false, false, false, false};
    column.type.type_class = schemas::TypeClass::year;
    Program program;
    program.statements.push_back(text(literal));
    Rows sink;
    const auto done = execute(program, {&column}, database, soon(), &sink);
    REQUIRE_MESSAGE(done, done.error().internal);
    return sink.rows.at(0).at(0).substr(2);
}

constexpr SqlLiteral kQuestions =
    "SELECT CAST(VARIABLE_VALUE AS SIGNED) FROM information_schema.session_status WHERE VARIABLE_NAME = 'QUESTIONS'";

int number(Database& database, SqlLiteral literal) {
    return std::stoi(count_on(database, literal));
}

}  // namespace

TEST_CASE("a delete by key is one statement, which asks for nothing else") {
    const Server server;
    if (!server) {
        return;
    }
    const TablePtr table = rows_of_t(server, "INSERT INTO t VALUES (1, 0), (2, 0), (3, 0), (4, 0)");
    const auto database = one_connection();
    CHECK(erase(*database, by_key(table, {{"id", 1}})) == 1);
    const int before = number(*database, kQuestions);
    const int between = number(*database, kQuestions);
    CHECK(erase(*database, by_key(table, {{"id", 2}})) == 1);
    CHECK(erase(*database, by_key(table, {{"id", 3}})) == 1);
    const int after = number(*database, kQuestions);
    CHECK(after - between == between - before + 2);
    CHECK(server.count("SELECT GROUP_CONCAT(id) + 0 FROM t") == "i:4");
}

TEST_CASE("a delete by key takes the row that it named or none, whatever type a column of its filter has by then") {
    const Server server;
    if (!server) {
        return;
    }
    struct Case {
        SqlLiteral create, insert, alter;
        std::int64_t first, second;
        int taken;  // of the second row, once the type has changed; -1: refused
    };
#define KEY_AND_VALUE(name, type, one, two, taken)                                                                                 \
    Case{"CREATE TABLE k" name " (id INT NOT NULL PRIMARY KEY, v INT)", "INSERT INTO k" name " VALUES (" #one ", " #one "), (" #two ", " #two ")", \
         "ALTER TABLE k" name " MODIFY id " type " NOT NULL", one, two, taken},                                                           \
        Case{"CREATE TABLE v" name " (id INT NOT NULL PRIMARY KEY, v INT)", "INSERT INTO v" name " VALUES (" #one ", " #one "), (" #two ", " #two ")", \
             "ALTER TABLE v" name " MODIFY v " type, one, two, taken}
    const std::vector<Case> cases = {
        KEY_AND_VALUE("varchar", "VARCHAR(20)", 1, 2, -1), KEY_AND_VALUE("decimal", "DECIMAL(10,0)", 1, 2, 1),
        KEY_AND_VALUE("decimal2", "DECIMAL(10,2)", 1, 2, -1), KEY_AND_VALUE("double", "DOUBLE", 1, 2, 1),
        KEY_AND_VALUE("bigint", "BIGINT", 1, 2, 1), KEY_AND_VALUE("unsigned", "INT UNSIGNED", 1, 2, 1),
        KEY_AND_VALUE("zerofill", "INT(11) ZEROFILL", 1, 2, -1), KEY_AND_VALUE("date", "DATE", 20240101, 20240102, -1),
        KEY_AND_VALUE("enum", "ENUM('1', '2')", 1, 2, -1), KEY_AND_VALUE("year", "YEAR", 2001, 2002, 1),
        KEY_AND_VALUE("bit", "BIT(32)", 1, 2, -1), KEY_AND_VALUE("blob", "VARBINARY(20)", 1, 2, -1)};
#undef KEY_AND_VALUE
    for (const Case& each : cases) {
        server.run(each.create);
        server.run(each.insert);
    }
    const auto name_of = [](const Case& each) {
        return std::string(each.create.text().substr(13, each.create.text().find(' ', 13) - 13));
    };
    const auto database = one_connection();
    for (const Case& each : cases) {
        CAPTURE(each.alter.text());
        const TablePtr table = server.settled(name_of(each));
        const bool is_key = each.alter.text().find("MODIFY id") != std::string_view::npos;
        const auto of = [&](std::int64_t value) {
            return is_key ? by_key(table, {{"id", value}}) : by_key(table, {{"id", value}, {"v", value}});
        };
        CHECK(erase(*database, of(each.first)) == 1);
        server.run(each.alter);
        CHECK(erase(*database, of(each.second)) == each.taken);
        CHECK(erase(*database, of(each.second)) == -1);
        Writer rows = write("SELECT COUNT(*) FROM ");
        rows.ident(table->name);
        schemas::Column column{Ident::from_catalog("n"), {}, false, false, false, false};
        column.type.type_class = schemas::TypeClass::year;
        CHECK(server.rows(std::move(rows).finish(), {&column}).at(0).at(0).ends_with(each.taken == 1 ? ":0" : ":1"));
    }
    CHECK(database->writers().stats().connects == 1);
}

TEST_CASE("a delete by key meets another table under its name") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)");
    server.run("INSERT INTO t VALUES (0, 0), (1, 0)");
    server.run("CREATE TABLE same (id INT PRIMARY KEY, v INT)");
    server.run("CREATE TABLE texts (id VARCHAR(9) PRIMARY KEY, v INT)");
    const TablePtr table = server.settled("t");
    // Not in the same second as `t`.
    server.run("CREATE TABLE myisam (id INT PRIMARY KEY, v INT) ENGINE = MyISAM");
    server.run("CREATE TABLE aria (id VARCHAR(9) PRIMARY KEY, v VARCHAR(9)) ENGINE = Aria");
    server.run("INSERT INTO same VALUES (0, 0), (1, 0)");
    server.run("INSERT INTO texts VALUES ('x', 0), ('0', 0)");
    server.run("INSERT INTO myisam VALUES (0, 0)");
    server.run("INSERT INTO aria VALUES ('x', 'y')");
    const auto database = one_connection();
    CHECK(erase(*database, by_key(table, {{"id", 1}})) == 1);
    CHECK(erase(*database, by_key(table, {{"id", 1}, {"v", 0}})) == 0);
    const Program again = by_key(table, {{"id", 0}});
    SUBCASE("with the same columns: it is deleted from, for the request means just that") {
        server.run("RENAME TABLE t TO old, same TO t");
        CHECK(erase(*database, again) == 1);
        CHECK(server.count("SELECT COUNT(*) FROM t") == "i:1");
        CHECK(server.count("SELECT COUNT(*) FROM old") == "i:1");
    }
    SUBCASE("with other types") {
        server.run("RENAME TABLE t TO old, texts TO t");
        CHECK(erase(*database, again) == -1);
        CHECK(server.count("SELECT COUNT(*) FROM t") == "i:2");
    }
    SUBCASE("of another engine: likewise") {
        server.run("RENAME TABLE t TO old, myisam TO t");
        CHECK(erase(*database, again) == 1);
        CHECK(server.count("SELECT COUNT(*) FROM old") == "i:1");
    }
    SUBCASE("of an engine that does not roll back, with other types") {
        server.run("RENAME TABLE t TO old, aria TO t");
        CHECK(erase(*database, again) == -1);
        CHECK(erase(*database, by_key(table, {{"id", 0}, {"v", 0}})) == -1);
        CHECK(server.count("SELECT COUNT(*) FROM t") == "i:1");
    }
    SUBCASE("a view of other types") {
        server.run("RENAME TABLE t TO old");
        server.run("CREATE VIEW t AS SELECT * FROM texts");
        CHECK(erase(*database, again) == -1);
        CHECK(server.count("SELECT COUNT(*) FROM texts") == "i:2");
    }
    SUBCASE("a view that nothing can be deleted from") {
        server.run("RENAME TABLE t TO old");
        server.run("CREATE VIEW t AS SELECT DISTINCT id, v FROM same");
        CHECK(erase(*database, again) == -1);
        CHECK(server.count("SELECT COUNT(*) FROM same") == "i:2");
    }
    SUBCASE("none") {
        server.run("DROP TABLE t");
        CHECK(erase(*database, again) == -1);
    }
    SUBCASE("without the column") {
        server.run("ALTER TABLE t DROP COLUMN v");
        CHECK(erase(*database, by_key(table, {{"id", 0}, {"v", 0}})) == -1);
        CHECK(server.count("SELECT COUNT(*) FROM t") == "i:1");
    }
    SUBCASE("with a type that has no such value") {
        server.run("INSERT INTO t VALUES (300, 0)");
        CHECK(erase(*database, by_key(table, {{"id", 300}})) == 1);
        server.run("ALTER TABLE t MODIFY id TINYINT UNSIGNED");
        CHECK(erase(*database, by_key(table, {{"id", 300}})) == -1);
        CHECK(erase(*database, by_key(table, {{"id", -1}})) == -1);
    }
    SUBCASE("the same, asked for what no row can be") {
        CHECK(erase(*database, by_key(table, {{"id", 0}, {"id", 1}})) == 0);
        CHECK(erase(*database, by_key(table, {{"id", 0}, {"id", 0}})) == 1);
        CHECK(erase(*database, by_key(table, {{"id", 0}, {"id", 1}})) == 0);
    }
    SUBCASE("with a geometry for the column, which the driver cannot describe") {
        server.run("ALTER TABLE t DROP COLUMN v, ADD COLUMN v POINT");
        CHECK(erase(*database, by_key(table, {{"id", 0}, {"v", 0}})) == -1);
    }
}

TEST_CASE("deletes by key from two tables and by two filters do not take one's columns for the other's") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)");
    server.run("CREATE TABLE s (id INT PRIMARY KEY, v INT)");
    server.run("INSERT INTO t VALUES (0, 0), (1, 0), (2, 0), (3, 0)");
    server.run("INSERT INTO s VALUES (0, 0), (1, 0), (2, 0), (3, 0)");
    const TablePtr t = server.settled("t");
    const TablePtr s = server.settled("s");
    const auto database = one_connection();
    CHECK(erase(*database, by_key(t, {{"id", 1}})) == 1);
    CHECK(erase(*database, by_key(s, {{"id", 1}})) == 1);
    CHECK(erase(*database, by_key(s, {{"v", 0}, {"id", 2}})) == 1);
    CHECK(erase(*database, by_key(s, {{"v", 1}, {"id", 3}})) == 0);
    server.run("ALTER TABLE s MODIFY v VARCHAR(9)");
    CHECK(erase(*database, by_key(s, {{"id", 3}, {"v", 0}})) == -1);
    CHECK(erase(*database, by_key(s, {{"v", 0}, {"id", 3}})) == -1);
    CHECK(erase(*database, by_key(t, {{"v", 0}, {"id", 3}})) == 1);
    CHECK(server.count("SELECT COUNT(*) FROM s") == "i:2");
}

TEST_CASE("no delete by key takes a row that its types do not match while the table changes all the time") {
    const Server server;
    if (!server) {
        return;
    }
    const TablePtr table = rows_of_t(server, "INSERT INTO t VALUES (1, 0), (2, 0), (3, 0), (4, 0)");
    const auto database = one_connection(std::getenv("ROWGATE_TEST_MYSQL_SOCKET"), 3);
    std::atomic<bool> is_over = false;
    std::atomic<int> deleted = 0, refused = 0, failed = 0;
    const auto keep_deleting = [&](std::int64_t id) {
        while (!is_over) {
            const auto done = execute(by_key(table, {{"id", id}, {"v", 0}}), {}, *database, soon(), nullptr);
            if (done) {
                deleted += static_cast<int>(done->rows_affected);
            } else {
                ++(done.error().fault == DbFault::schema_changed ? refused : failed);
            }
        }
    };
    std::vector<std::thread> threads;
    for (const std::int64_t id : {1, 2, 3}) {
        threads.emplace_back(keep_deleting, id);
    }
    int wrong = 0;
    for (int round = 0; round < 40; ++round) {
        server.run("REPLACE INTO t VALUES (1, 0), (2, 0), (3, 0), (4, 0)");
        std::this_thread::sleep_for(5ms);
        server.run("ALTER TABLE t MODIFY v VARCHAR(9)");
        server.run("REPLACE INTO t VALUES (1, 'x'), (2, ''), (3, '0'), (4, '0 ')");
        std::this_thread::sleep_for(5ms);
        wrong += server.count("SELECT COUNT(*) FROM t") != "i:4" ? 1 : 0;
        server.run("DELETE FROM t");
        server.run("ALTER TABLE t MODIFY v INT");
    }
    is_over = true;
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(wrong == 0);
    CHECK(failed == 0);
    // Deletes, then a change: both were met.
    CHECK(deleted > 0);
    CHECK(refused > 0);
}

TEST_CASE("a delete by key that loses a deadlock is tried again") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)");
    server.run("CREATE TABLE log (id INT PRIMARY KEY, v INT)");
    server.run("CREATE TABLE heavy (id INT PRIMARY KEY AUTO_INCREMENT, v INT)");
    server.run("CREATE TRIGGER erased BEFORE DELETE ON t FOR EACH ROW UPDATE log SET v = v + 1 WHERE id = 1");
    server.run("INSERT INTO t VALUES (1, 0), (2, 0)");
    server.run("INSERT INTO log VALUES (1, 0)");
    const TablePtr table = server.settled("t");
    const auto database = one_connection();
    CHECK(erase(*database, by_key(table, {{"id", 1}})) == 1);
    auto holder = (*server).writers().lease(soon());
    REQUIRE((*holder)->begin(soon()));
    // What changed fewer rows is rolled back.
    REQUIRE((*holder)->run(text("INSERT INTO heavy (v) SELECT seq FROM seq_1_to_100"), soon()));
    REQUIRE((*holder)->run(text("UPDATE log SET v = v + 10 WHERE id = 1"), soon()));
    int rows = 0;
    std::thread eraser([&] { rows = erase(*database, by_key(table, {{"id", 2}})); });
    std::this_thread::sleep_for(200ms);
    CHECK((*holder)->run(text("UPDATE t SET v = 1 WHERE id = 2"), soon()).value() == 1);
    REQUIRE((*holder)->commit(soon()));
    eraser.join();
    CHECK(rows == 1);
    CHECK(server.count("SELECT v FROM log") == "i:12");
    CHECK(server.count("SELECT COUNT(*) FROM t") == "i:0");
}

TEST_CASE("a delete by key whose connection ends") {
    const Server server;
    if (!server) {
        return;
    }
    const TablePtr table = rows_of_t(server, "INSERT INTO t VALUES (1, 0), (2, 0)");
    Proxy between(std::getenv("ROWGATE_TEST_MYSQL_SOCKET"));
    const auto database = one_connection(between.path().c_str());
    CHECK(erase(*database, by_key(table, {{"id", 1}})) == 1);
    const auto is_execute = [](std::string_view bytes) { return bytes.size() > 4 && bytes[4] == 0x17; };
    const auto second = by_key(table, {{"id", 2}});
    SUBCASE("before the statement arrives: nobody can tell, and it is not sent again") {
        between.harm(Harm::cut_before, is_execute);
        const auto done = execute(second, {}, *database, soon(), nullptr);
        REQUIRE(!done);
        CHECK(done.error().fault == DbFault::outcome_unknown);
        CHECK(server.count("SELECT COUNT(*) FROM t") == "i:1");
    }
    SUBCASE("before its answer arrives: likewise") {
        between.harm(Harm::cut_after, is_execute);
        const auto done = execute(second, {}, *database, soon(), nullptr);
        REQUIRE(!done);
        CHECK(done.error().fault == DbFault::outcome_unknown);
    }
    SUBCASE("it was killed while it was idle") {
        const int id = number(*database, "SELECT CONNECTION_ID()");
        CHECK(erase(*database, by_key(table, {{"id", 7}})) == 0);
        Writer kill = write("KILL ");
        kill.number(static_cast<std::uint64_t>(id));
        server.run(std::move(kill).finish());
        std::this_thread::sleep_for(50ms);
        CHECK(erase(*database, second) == 1);
    }
    CHECK(count_on(*database, "SELECT @@autocommit") == "1");
    CHECK(database->writers().stats().connects == 2);
}

TEST_CASE("a delete by key that a lock keeps past its deadline is rolled back") {
    const Server server;
    if (!server) {
        return;
    }
    const TablePtr table = rows_of_t(server, "INSERT INTO t VALUES (1, 0), (2, 0)");
    const auto database = one_connection();
    CHECK(erase(*database, by_key(table, {{"id", 1}})) == 1);
    auto holder = (*server).writers().lease(soon());
    REQUIRE((*holder)->begin(soon()));
    REQUIRE((*holder)->run(text("UPDATE t SET v = 1 WHERE id = 2"), soon()));
    const auto done = execute(by_key(table, {{"id", 2}}), {}, *database, Deadline::after(300ms), nullptr);
    REQUIRE(!done);
    CAPTURE(done.error().internal);
    CHECK(done.error().fault == DbFault::deadline_exceeded);
    REQUIRE((*holder)->commit(soon()));
    CHECK(server.count("SELECT COUNT(*) FROM t") == "i:1");
    CHECK(erase(*database, by_key(table, {{"id", 2}})) == 1);
}
