#include <doctest/doctest.h>

#include "tests/unit/sql_mysql_live.h"
#include "tests/unit/sql_mysql_proxy.h"

using namespace live;
using proxy::Harm;
using proxy::Proxy;
using sql::exec::Fate;
using Clock = std::chrono::steady_clock;

namespace {

constexpr char kExecutePrepared = 0x17;

bool is_execute(std::string_view bytes) {
    return bytes.size() > 4 && bytes[4] == kExecutePrepared;
}

bool is_commit(std::string_view bytes) {
    return bytes.ends_with("\x03" "COMMIT");
}

bool is_rollback(std::string_view bytes) {
    return bytes.ends_with("\x03" "ROLLBACK");
}

// A table `t` of one row, reached through a proxy and, as `server`, without.
struct Setup {
    Setup() {
        if (!server) {
            return;
        }
        server.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)");
        server.run("INSERT INTO t VALUES (1, 0)");
        table = server.settled("t");
        between = std::make_unique<Proxy>(std::getenv("ROWGATE_TEST_MYSQL_SOCKET"));
        sql::CommonSettings common;
        common.connections_max = 4;
        common.statement_timeout = 3000ms;
        database = sql::mysql::open(settings(between->path().c_str()), common);
    }
    [[nodiscard]] auto write(Program program, Deadline deadline = Deadline::after(2s)) const {
        return execute(program, {}, *database, deadline, nullptr);
    }
    // Again when the first found out that something is not as it was.
    [[nodiscard]] auto read(const char* seconds, Deadline deadline) const {
        Writer writer = live::write("SELECT id + SLEEP(");
        writer.param(Text{seconds}).keyword(") FROM t");
        schemas::Column column{Ident::from_catalog("n"), {}, false, false, false, false};
        column.type.type_class = schemas::TypeClass::year;
        Program program;
        program.statements.push_back(std::move(writer).finish());
        Rows rows;
        return execute(program, {&column}, *database, deadline, &rows);
    }
    [[nodiscard]] std::string v() const { return server.count("SELECT SUM(v) FROM t"); }

    Server server;
    TablePtr table;
    std::unique_ptr<Proxy> between;
    std::unique_ptr<Database> database;
};

Program alone(const TablePtr& table, Statement statement) {
    Program program = in_transaction(table, {std::move(statement)});
    program.proof = Proof::in_statement;
    return program;
}

Statement increment() {
    return text("UPDATE t SET v = v + 1 WHERE id = 1");
}

std::chrono::milliseconds since(Clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
}

}  // namespace

TEST_CASE("a read and a write that outlive their deadline are stopped in the database, at once and for good") {
    const Setup setup;
    if (!setup.server) {
        return;
    }
    const auto start = Clock::now();
    SUBCASE("a read") {
        const auto done = setup.read("30", Deadline::after(300ms));
        REQUIRE(!done);
        CHECK(done.error().fault == DbFault::deadline_exceeded);
    }
    SUBCASE("a write alone") {
        const auto done = setup.write(alone(setup.table, text("UPDATE t SET v = v + 1 WHERE SLEEP(30) = 0")), Deadline::after(300ms));
        REQUIRE(!done);
        CHECK(done.error().fault == DbFault::deadline_exceeded);
    }
    SUBCASE("a write in a transaction") {
        const auto done = setup.write(in_transaction(setup.table, {increment(), text("UPDATE t SET v = v + 1 WHERE SLEEP(30) = 0")}),
                                      Deadline::after(300ms));
        REQUIRE(!done);
        CHECK(done.error().fault == DbFault::deadline_exceeded);
    }
    CHECK(since(start) >= 300ms);
    CHECK(since(start) < 800ms);
    CHECK(setup.server.count("SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%SLEEP(30)%' AND info NOT LIKE "
                             "'%processlist%'") == "i:0");
    CHECK(setup.v() == "i:0");
    // The next request has a connection that no stop can reach.
    CHECK(setup.read("0.2", soon()));
    CHECK(setup.write(alone(setup.table, increment())));
    CHECK(setup.v() == "i:1");
}

TEST_CASE("a stop never hits the statement of another request") {
    const Setup setup;
    if (!setup.server) {
        return;
    }
    // Statements end about when they are stopped. A request with time must never see a stop.
    std::atomic<int> stopped = 0;
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 15; ++round) {
                const auto tight = setup.read("0.05", Deadline::after(std::chrono::milliseconds(10 + round * 4)));
                stopped += tight ? 0 : 1;
                const auto easy = setup.read("0.02", soon());
                wrong += easy ? 0 : 1;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(wrong == 0);
    CHECK(stopped > 0);
}

TEST_CASE("a write that was sent and cut off has an unknown outcome and is not repeated") {
    const Setup setup;
    if (!setup.server) {
        return;
    }
    REQUIRE(setup.write(alone(setup.table, increment())));
    bool is_done = true;
    SUBCASE("after the server had it") {
        setup.between->harm(Harm::cut_after, is_execute);
    }
    SUBCASE("before the server had it") {
        setup.between->harm(Harm::cut_before, is_execute);
        is_done = false;
    }
    const auto done = setup.write(alone(setup.table, increment()));
    REQUIRE(!done);
    CHECK(done.error().fault == DbFault::outcome_unknown);
    std::this_thread::sleep_for(50ms);
    CHECK(setup.v() == (is_done ? "i:2" : "i:1"));
    CHECK(setup.write(alone(setup.table, increment())));
}

TEST_CASE("a COMMIT that was cut off has an unknown outcome and is not repeated") {
    const Setup setup;
    if (!setup.server) {
        return;
    }
    bool is_done = true;
    SUBCASE("after the server had it") {
        setup.between->harm(Harm::cut_after, is_commit);
    }
    SUBCASE("before the server had it") {
        setup.between->harm(Harm::cut_before, is_commit);
        is_done = false;
    }
    const auto done = setup.write(in_transaction(setup.table, {increment()}));
    REQUIRE(!done);
    CHECK(done.error().fault == DbFault::outcome_unknown);
    std::this_thread::sleep_for(50ms);
    CHECK(setup.v() == (is_done ? "i:1" : "i:0"));
}

TEST_CASE("a transaction cut off before its COMMIT was rolled back and is run once more") {
    const Setup setup;
    if (!setup.server) {
        return;
    }
    setup.between->harm(Harm::cut_after, is_execute);
    const auto done = setup.write(in_transaction(setup.table, {increment()}));
    REQUIRE_MESSAGE(done, done.error().internal);
    CHECK(setup.v() == "i:1");
}

TEST_CASE("a read that was cut off is answered from a new connection") {
    const Setup setup;
    if (!setup.server) {
        return;
    }
    REQUIRE(setup.read("0", soon()));
    setup.between->harm(Harm::cut_before, is_execute);
    CHECK(setup.read("0", soon()));
}

TEST_CASE("a database that stops answering holds no request beyond its deadline") {
    const Setup setup;
    if (!setup.server) {
        return;
    }
    REQUIRE(setup.write(alone(setup.table, increment())));
    REQUIRE(setup.read("0", soon()));
    const auto start = Clock::now();
    SUBCASE("a read") {
        setup.between->harm(Harm::stall_before, is_execute);
        const auto done = setup.read("0", Deadline::after(500ms));
        REQUIRE(!done);
        CHECK(done.error().fault == DbFault::deadline_exceeded);
    }
    SUBCASE("a write alone") {
        setup.between->harm(Harm::stall_before, is_execute);
        const auto done = setup.write(alone(setup.table, increment()), Deadline::after(500ms));
        REQUIRE(!done);
        CHECK(done.error().fault == DbFault::outcome_unknown);
    }
    SUBCASE("a write in a transaction") {
        setup.between->harm(Harm::stall_after, is_execute);
        const auto done = setup.write(in_transaction(setup.table, {increment()}), Deadline::after(500ms));
        REQUIRE(!done);
        CHECK(done.error().fault == DbFault::deadline_exceeded);
    }
    SUBCASE("a COMMIT") {
        setup.between->harm(Harm::stall_before, is_commit);
        const auto done = setup.write(in_transaction(setup.table, {increment()}), Deadline::after(500ms));
        REQUIRE(!done);
        CHECK(done.error().fault == DbFault::outcome_unknown);
    }
    CHECK(since(start) >= 500ms);
    CHECK(since(start) < 1300ms);
    std::this_thread::sleep_for(50ms);
    CHECK(setup.v() == "i:1");
    CHECK(setup.read("0", soon()));
}

TEST_CASE("a database that stops answering while we connect holds nobody for long") {
    const Setup setup;
    if (!setup.server) {
        return;
    }
    for (const char* at : {"CONNECTION_ID()", "VERSION()", "sql_mode", "READ COMMITTED"}) {
        CAPTURE(at);
        setup.between->harm(Harm::stall_before, [at](std::string_view bytes) { return bytes.find(at) != std::string_view::npos; });
        const auto start = Clock::now();
        const auto database = sql::mysql::open(settings(setup.between->path().c_str()), {});
        const auto lease = database->readers().lease(Deadline::after(1s));
        REQUIRE(!lease);
        CHECK(lease.error().fault == DbFault::unavailable);
        CHECK(since(start) < 1700ms);
    }
}

TEST_CASE("a rollback that does not end is not waited for long") {
    const Setup setup;
    if (!setup.server) {
        return;
    }
    setup.between->harm(Harm::stall_before, is_rollback);
    const auto start = Clock::now();
    const auto done = setup.write(in_transaction(setup.table, {increment(), text("INSERT INTO t VALUES (1, 1)")}));
    REQUIRE(!done);
    CHECK(done.error().fault == DbFault::unique_violated);
    CHECK(since(start) < 2600ms);
    std::this_thread::sleep_for(50ms);
    CHECK(setup.v() == "i:0");
    CHECK(setup.write(alone(setup.table, increment())));
}

TEST_CASE("a database that stalls and comes back is served within two seconds, and idle connections that it closed are seen") {
    const Setup setup;
    if (!setup.server) {
        return;
    }
    REQUIRE(setup.write(alone(setup.table, increment())));
    setup.between->stall(true);
    for (int i = 0; i < 3; ++i) {
        const auto start = Clock::now();
        const auto done = setup.read("0", Deadline::after(400ms));
        CHECK(!done);
        CHECK(since(start) < 1600ms);
    }
    setup.between->stall(false);
    const auto back = Clock::now();
    while (!setup.read("0", soon())) {
        std::this_thread::sleep_for(5ms);
        REQUIRE(since(back) < 2s);
    }
    // Killed while idle: a write must not be sent into it.
    setup.server.run("CREATE PROCEDURE kill_others() BEGIN DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END; "
                     "FOR r IN (SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND command = 'Sleep') "
                     "DO KILL r.id; END FOR; END");
    {
        auto lease = (*setup.server).writers().lease(soon());
        REQUIRE(lease);
        REQUIRE((*lease)->run(text("CALL kill_others()"), soon()));
    }
    std::this_thread::sleep_for(30ms);
    CHECK(setup.write(alone(setup.table, increment())));
    CHECK(setup.v() == "i:2");
}

TEST_CASE("a transaction that a caller left open is not there for the next one") {
    const Setup setup;
    if (!setup.server) {
        return;
    }
    {
        auto lease = setup.database->writers().lease(soon());
        REQUIRE(lease);
        REQUIRE((*lease)->begin(soon()));
        REQUIRE((*lease)->run(increment(), soon()));
    }
    CHECK(setup.database->writers().stats().idle == 0);
    REQUIRE(setup.write(alone(setup.table, increment())));
    CHECK(setup.v() == "i:1");
}

TEST_CASE("a database that became read-only refuses writes as such, serves reads and takes writes again") {
    const Setup setup;
    if (!setup.server) {
        return;
    }
    setup.server.run("CREATE OR REPLACE USER rowgate_unit_plain@localhost");
    setup.server.run("GRANT ALL ON rowgate_unit.* TO rowgate_unit_plain@localhost");
    auto account = settings(std::getenv("ROWGATE_TEST_MYSQL_SOCKET"));
    account.user = "rowgate_unit_plain";
    const auto plain = sql::mysql::open(account, {});
    const auto write = [&](const Program& program) { return execute(program, {}, *plain, soon(), nullptr); };
    REQUIRE(write(alone(setup.table, increment())));
    setup.server.run("SET GLOBAL read_only = 1");
    const auto one = write(alone(setup.table, increment()));
    const auto two = write(in_transaction(setup.table, {increment()}));
    setup.server.run("SET GLOBAL read_only = 0");
    REQUIRE(!one);
    CHECK(one.error().fault == DbFault::read_only);
    CHECK(one.error().fate == Fate::keep);
    REQUIRE(!two);
    CHECK(two.error().fault == DbFault::read_only);
    CHECK(write(in_transaction(setup.table, {increment()})));
    CHECK(setup.v() == "i:2");
}

TEST_CASE("an account that may have two connections serves eight callers with them") {
    const Setup setup;
    if (!setup.server) {
        return;
    }
    setup.server.run("CREATE OR REPLACE USER rowgate_unit_few@localhost WITH MAX_USER_CONNECTIONS 2");
    setup.server.run("GRANT ALL ON rowgate_unit.* TO rowgate_unit_few@localhost");
    auto account = settings(std::getenv("ROWGATE_TEST_MYSQL_SOCKET"));
    account.user = "rowgate_unit_few";
    const auto few = sql::mysql::open(account, {});
    std::atomic<int> done = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 5; ++round) {
                done += execute(alone(setup.table, increment()), {}, *few, soon(), nullptr) ? 1 : 0;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(done == 40);
    CHECK(setup.v() == "i:40");
    CHECK(few->writers().stats().open <= 2);
}

TEST_CASE("a text larger than the server's packet is too large, and nothing was written") {
    const Setup setup;
    if (!setup.server) {
        return;
    }
    setup.server.run("CREATE TABLE big (id INT PRIMARY KEY AUTO_INCREMENT, b LONGTEXT)");
    const TablePtr big = setup.server.table("big");
    const auto insert = [&](std::size_t size) {
        Writer writer = live::write("INSERT INTO big (b) VALUES (CONVERT(");
        writer.param(Text{std::string(size, 'x')}).keyword(" USING utf8mb4))");
        return setup.write(in_transaction(big, {std::move(writer).finish()}), soon());
    };
    const auto done = insert(20'000'000);
    REQUIRE(!done);
    CAPTURE(done.error().internal);
    CHECK(done.error().fault == DbFault::too_large);
    const auto smaller = insert(1'000'000);
    REQUIRE_MESSAGE(smaller, smaller.error().internal);
    CHECK(setup.server.count("SELECT COUNT(*) FROM big") == "i:1");
}

TEST_CASE("a COMMIT that waits for the operator's global lock ends with the deadline, and nobody is told that it failed") {
    const Setup setup;
    if (!setup.server) {
        return;
    }
    auto operators = (*setup.server).writers().lease(soon());
    REQUIRE(operators);
    // Statements pass and the COMMIT waits.
    REQUIRE((*operators)->run(text("BACKUP STAGE START"), soon()));
    REQUIRE((*operators)->run(text("BACKUP STAGE BLOCK_COMMIT"), soon()));
    const auto start = Clock::now();
    const auto done = setup.write(in_transaction(setup.table, {increment()}), Deadline::after(600ms));
    CHECK(since(start) < 1500ms);
    CAPTURE(done ? std::string() : done.error().internal);
    REQUIRE(!done);
    MESSAGE(done.error().internal);
    CHECK(done.error().fault == DbFault::outcome_unknown);
    REQUIRE((*operators)->run(text("BACKUP STAGE END"), soon()));
    std::this_thread::sleep_for(100ms);
    MESSAGE("the outcome was " << setup.v());
}
