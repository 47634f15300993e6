#include "sql/sqlite/session.h"

#include <sys/stat.h>

#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

#include "sql/sqlite/functions.h"
#include "tests/unit/sql_sqlite_fixture.h"

namespace {

using namespace sqlite_tests;
using schemas::Bytes;
using schemas::Null;
using sql::exec::DbFault;
using sql::exec::Deadline;
using sql::exec::Fate;
using sql::sqlite::Access;
using sql::sqlite::Session;
using Lines = std::vector<std::string>;

const std::string kNul("\0", 1);

sql::exec::DbError open_error(const std::string& path, Access access = Access::read) {
    auto session = Session::open({.path = path, .access = access}, soon());
    REQUIRE(!session);
    return session.error();
}

}  // namespace

TEST_CASE("a database that is not there is unavailable and is not created") {
    const TemporaryFolder folder;
    for (const Access access : {Access::read, Access::write}) {
        const auto error = open_error(folder.file(), access);
        CHECK(error.fault == DbFault::unavailable);
        CHECK(error.fate == Fate::drop);
    }
    CHECK_FALSE(std::filesystem::exists(folder.file()));
}

TEST_CASE("what is not a database file is unavailable") {
    const TemporaryFolder folder;
    std::ofstream(folder.file("garbage")) << std::string(8192, 'x');
    std::filesystem::create_directory(folder.file("folder"));
    REQUIRE(mkfifo(folder.file("fifo").c_str(), 0600) == 0);
    for (const char* name : {"garbage", "folder", "fifo"}) {
        INFO(name);
        CHECK(open_error(folder.file(name)).fault == DbFault::unavailable);
    }
    for (const std::string& path : {std::string(), std::string(":memory:"), std::string("file::memory:"), folder.file() + kNul}) {
        INFO(path);
        CHECK(open_error(path).fault == DbFault::unavailable);
    }
}

TEST_CASE("a path that looks like a URI or like SQLite's name for memory is a file's name") {
    const TemporaryFolder folder;
    Outsider(folder.file("real.sqlite"), "CREATE TABLE t(a)");
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(std::filesystem::path(folder.file()).parent_path());
    for (const char* name : {":memory:", "file:x?mode=memory", "file:real.sqlite"}) {
        std::filesystem::copy_file("real.sqlite", std::string("./") + name);
        const auto session = connect(name);
        CHECK(select(*session, Text("SELECT count(*) FROM sqlite_schema")) == Lines{"integer 1"});
    }
    std::filesystem::current_path(before);
}

TEST_CASE("an empty file is a database without tables") {
    const TemporaryFolder folder;
    std::ofstream(folder.file()).flush();
    CHECK(select(*connect(folder.file()), Text("SELECT count(*) FROM sqlite_schema")) == Lines{"integer 0"});
}

TEST_CASE("the handle is hardened") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE t(a, b DEFAULT 'x'); INSERT INTO t VALUES (1, 2)");
    const auto writer = connect(folder.file());
    SUBCASE("a quoted name that is no column is an error and not a string") {
        const auto error = change_error(*writer, Text("DELETE FROM t WHERE ").name("nosuch").keyword(" = ").name("nosuch"));
        CHECK(error.fault == DbFault::schema_changed);
        CHECK(error.fate == Fate::keep);
        CHECK(select(*writer, Text("SELECT count(*) FROM t")) == Lines{"integer 1"});
    }
    SUBCASE("settings are as promised") {
        CHECK(select(*writer, Text("PRAGMA foreign_keys")) == Lines{"integer 1"});
        CHECK(select(*writer, Text("PRAGMA journal_mode")) == Lines{"text wal"});
        CHECK(select(*writer, Text("PRAGMA synchronous")) == Lines{"integer 2"});
        CHECK(select(*writer, Text("PRAGMA trusted_schema")) == Lines{"integer 0"});
    }
    SUBCASE("the schema table cannot be written, no file attached, no library loaded") {
        change_error(*writer, Text("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema"));
        select(*writer, Text("PRAGMA writable_schema = ON"));
        CHECK(change_error(*writer, Text("DELETE FROM sqlite_schema")).fault == DbFault::unknown);
        change_error(*writer, Text("ATTACH ':memory:' AS other"));
        change_error(*writer, Text("SELECT load_extension('nothing')"));
    }
    SUBCASE("two statements in one text are refused, and so is none") {
        CHECK(change_error(*writer, Text("DELETE FROM t WHERE a = 5; DELETE FROM t")).fault == DbFault::unknown);
        CHECK(change_error(*writer, Text("-- nothing")).fault == DbFault::unknown);
        CHECK(change_error(*writer, Text("")).fault == DbFault::unknown);
        CHECK(select(*writer, Text("SELECT count(*) FROM t")) == Lines{"integer 1"});
    }
    SUBCASE("placeholders and values must be equally many") {
        CHECK(change_error(*writer, Text("DELETE FROM t WHERE a IS NOT ?")).fault == DbFault::unknown);
        CHECK(change_error(*writer, Text("DELETE FROM t WHERE a IS NOT ").param(Null()).keyword(" OR a IS ?")).fault ==
              DbFault::unknown);
        CHECK(select(*writer, Text("SELECT count(*) FROM t")) == Lines{"integer 1"});
    }
}

TEST_CASE("a reader cannot write") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE t(a)");
    const auto reader = connect(folder.file(), Access::read);
    const auto error = change_error(*reader, Text("INSERT INTO t VALUES (1)"));
    CHECK(error.fault == DbFault::read_only);
    CHECK(error.fate == Fate::keep);
    CHECK(change_error(*reader, Text("DROP TABLE t")).fault == DbFault::read_only);
    CHECK(reader->begin(Session::Lock::write, soon()).error().fault == DbFault::read_only);
    CHECK(select(*reader, Text("SELECT count(*) FROM t")) == Lines{"integer 0"});
}

TEST_CASE("every value goes in and comes out as it is") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE t(a)");
    const auto session = connect(folder.file());
    const std::string long_text(100'000, 'x');
    const std::vector<std::pair<schemas::Value, std::string>> kCases = {
        {Null(), "null"},
        {std::int64_t{0}, "integer 0"},
        {std::numeric_limits<std::int64_t>::min(), "integer -9223372036854775808"},
        {std::numeric_limits<std::int64_t>::max(), "integer 9223372036854775807"},
        {std::uint64_t{9223372036854775807U}, "integer 9223372036854775807"},
        {0.1, "real 0.1"},
        {1.0, "real 1"},
        {5e-324, "real 5e-324"},
        {std::numeric_limits<double>::infinity(), "real inf"},
        {schemas::Text{""}, "text "},
        {schemas::Text{"0"}, "text 0"},
        {schemas::Text{"a\"b`c;--'\\é😀"}, "text a\"b`c;--'\\é😀"},
        {schemas::Text{"a" + kNul + "b"}, "text a" + kNul + "b"},
        {schemas::Text{kNul}, "text " + kNul},
        {schemas::Text{long_text}, "text " + long_text},
        {Bytes{""}, "bytes "},
        {Bytes{kNul + "\xff" + kNul}, "bytes " + kNul + "\xff" + kNul},
    };
    for (const auto& each : kCases) {
        const schemas::Value& value = each.first;
        const std::string& expected = each.second;
        INFO(expected.substr(0, 40));
        CHECK(change(*session, Text("DELETE FROM t")) <= 1);
        CHECK(change(*session, Text("INSERT INTO t VALUES (").param(value).keyword(")")) == 1);
        CHECK(select(*session, Text("SELECT a FROM t")) == Lines{expected});
        CHECK(select(*session, Text("SELECT count(*) FROM t WHERE a IS ").param(value)) == Lines{"integer 1"});
    }
}

TEST_CASE("a value that SQLite would change is refused") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE t(a)");
    const auto session = connect(folder.file());
    for (const schemas::Value& value : {schemas::Value(std::uint64_t{9223372036854775808U}), schemas::Value(std::nan(""))}) {
        const auto error = change_error(*session, Text("INSERT INTO t VALUES (").param(value).keyword(")"));
        CHECK(error.fault == DbFault::row_refused);
        CHECK(error.fate == Fate::keep);
    }
    CHECK(select(*session, Text("SELECT count(*) FROM t")) == Lines{"integer 0"});
}

TEST_CASE("a UTF-16 database gives UTF-8") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "PRAGMA encoding = 'UTF-16le'; CREATE TABLE t(a); INSERT INTO t VALUES ('é😀')");
    const auto session = connect(folder.file());
    CHECK(select(*session, Text("SELECT a FROM t")) == Lines{"text é😀"});
    CHECK(select(*session, Text("SELECT count(*) FROM t WHERE a = ").param(schemas::Text{"é😀"})) == Lines{"integer 1"});
}

TEST_CASE("a cached statement keeps nothing of its last use") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES (1), (2), (3)");
    for (const std::size_t cached : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{64}}) {
        const auto session = connect(folder.file(), Access::write, cached);
        for (int i = 1; i <= 3; ++i) {
            CHECK(select(*session, Text("SELECT a FROM t WHERE a = ").param(std::int64_t{i})) ==
                  Lines{fmt::format("integer {}", i)});
            CHECK(select(*session, Text("SELECT count(*) FROM t")) == Lines{"integer 3"});
            CHECK(change_error(*session, Text("INSERT INTO t VALUES (").param(std::int64_t{i}).keyword(")")).fault ==
                  DbFault::unique_violated);
        }
    }
}

TEST_CASE("long statements leave the cache before they fill the memory") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE t(a)");
    const auto session = connect(folder.file());
    for (int round = 0; round < 5; ++round) {
        for (std::size_t rows = 20'000; rows < 20'010; ++rows) {
            sql::render::Writer writer(sql::render::Quote::double_quote);
            writer.keyword("SELECT count(*) FROM t WHERE a IN (0");
            for (std::size_t i = 0; i < rows; ++i) {
                writer.keyword(", ").param(std::int64_t{1});
            }
            writer.keyword(")");
            CHECK(select(*session, std::move(writer).finish()) == Lines{"integer 0"});
        }
    }
}

TEST_CASE("a sink that throws leaves the statement usable") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE t(a); INSERT INTO t VALUES (1), (2)");
    const auto session = connect(folder.file());
    struct Thrower : sql::exec::RowSink {
        void row(std::span<const sql::exec::Cell>) override { throw std::runtime_error("full"); }
        void restart() override {}
    } thrower;
    CHECK_THROWS((void)session->select(Text("SELECT a FROM t"), 1, soon(), thrower));
    CHECK(select(*session, Text("SELECT a FROM t")) == Lines{"integer 1", "integer 2"});
    Outsider(folder.file(), "DROP TABLE t");
}

TEST_CASE("a sink that wants no more is shown no more, and the statement stays usable") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE t(a); INSERT INTO t VALUES (1), (2), (3)");
    const auto session = connect(folder.file());
    struct Two : Rows {
        void row(std::span<const sql::exec::Cell> cells) override {
            Rows::row(cells);
            wants_more_ = lines.size() < 2;
        }
    } two;
    CHECK(session->select(Text("SELECT a FROM t"), 1, soon(), two).has_value());
    CHECK(two.lines == Lines{"integer 1", "integer 2"});
    CHECK(select(*session, Text("SELECT a FROM t")) == Lines{"integer 1", "integer 2", "integer 3"});
    Outsider(folder.file(), "DROP TABLE t");
}

TEST_CASE("a statement of other columns than expected shows no row") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2)");
    const auto session = connect(folder.file());
    Rows rows;
    CHECK(session->select(Text("SELECT a, b FROM t"), 1, soon(), rows).error().fault == DbFault::unknown);
    CHECK(rows.lines.empty());
    CHECK(session->select(Text("SELECT a, b FROM t"), 2, soon(), rows).has_value());
}

TEST_CASE("the rows changed are those that matched, without cascades and triggers") {
    const TemporaryFolder folder;
    Outsider(folder.file(),
             "CREATE TABLE parent(id INTEGER PRIMARY KEY, v);"
             "CREATE TABLE child(p REFERENCES parent(id) ON DELETE CASCADE);"
             "CREATE TABLE log(x);"
             "CREATE TRIGGER t AFTER UPDATE ON parent BEGIN INSERT INTO log VALUES (1), (2); END;"
             "INSERT INTO parent VALUES (1, 'a'), (2, 'a'), (3, 'a'); INSERT INTO child VALUES (1), (1), (1), (2)");
    const auto session = connect(folder.file());
    CHECK(change(*session, Text("UPDATE parent SET v = 'a' WHERE id > 1")) == 2);
    CHECK(change(*session, Text("UPDATE parent SET v = 'a' WHERE id > 9")) == 0);
    CHECK(change(*session, Text("DELETE FROM parent WHERE id = 1")) == 1);
    CHECK(select(*session, Text("SELECT count(*) FROM child")) == Lines{"integer 1"});
    CHECK(change(*session, Text("DELETE FROM parent")) == 2);
    CHECK(change(*session, Text("DELETE FROM parent")) == 0);
}

TEST_CASE("the last insert's id is given only when there was an insert") {
    const TemporaryFolder folder;
    Outsider(folder.file(),
             "CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE log(id INTEGER PRIMARY KEY, v);"
             "INSERT INTO log VALUES (900, 'x'); CREATE TABLE negative(id INTEGER PRIMARY KEY, v);"
             "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO log(v) VALUES ('trigger'); END;"
             "CREATE TABLE w(k TEXT PRIMARY KEY) WITHOUT ROWID; INSERT INTO negative VALUES (-5, 'x')");
    const auto session = connect(folder.file());
    CHECK(session->last_insert_id() == 0);
    change(*session, Text("INSERT INTO t(v) VALUES ('a'), ('b')"));
    CHECK(session->last_insert_id() == 2);
    change(*session, Text("UPDATE t SET v = 'c'"));
    CHECK(session->last_insert_id() == 0);
    change(*session, Text("INSERT INTO w VALUES ('k')"));
    CHECK(session->last_insert_id() == 0);
    change(*session, Text("INSERT INTO negative(v) VALUES ('y')"));
    CHECK(session->last_insert_id() == 0);
    change(*session, Text("INSERT INTO t(id, v) VALUES (9223372036854775807, 'z')"));
    CHECK(session->last_insert_id() == 9223372036854775807U);
}

TEST_CASE("a statement past its deadline is stopped and leaves nothing behind") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE t(a)");
    const auto session = connect(folder.file());
    const auto started = Deadline::Clock::now();
    Rows rows;
    const auto read =
        session->select(Text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"), 1,
                        Deadline::after(std::chrono::milliseconds(100)), rows);
    REQUIRE(!read);
    CHECK(read.error().fault == DbFault::deadline_exceeded);
    CHECK(read.error().fate == Fate::keep);
    const auto written =
        session->change(Text("INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"),
                        Deadline::after(std::chrono::milliseconds(100)));
    REQUIRE(!written);
    CHECK(written.error().fault == DbFault::deadline_exceeded);
    CHECK(Deadline::Clock::now() - started < std::chrono::seconds(2));
    CHECK(select(*session, Text("SELECT count(*) FROM t")) == Lines{"integer 0"});
    CHECK(session->change(Text("INSERT INTO t VALUES (1)"), Deadline::after(std::chrono::seconds(0))).error().fault ==
          DbFault::deadline_exceeded);
    CHECK(select(*session, Text("SELECT count(*) FROM t")) == Lines{"integer 0"});
}

TEST_CASE("the statement timeout holds when the deadline is later") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE t(a)");
    auto session = Session::open({.path = folder.file(), .statement_timeout = std::chrono::milliseconds(50)}, soon());
    REQUIRE(session);
    Rows rows;
    const auto read = (*session)->select(
        Text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"), 1, soon(), rows);
    CHECK(read.error().fault == DbFault::deadline_exceeded);
}

TEST_CASE("a write that another process blocks is busy at the deadline") {
    const TemporaryFolder folder;
    Outsider outsider(folder.file(), "CREATE TABLE t(a)");
    const auto session = connect(folder.file());
    outsider.run("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)");
    const auto started = Deadline::Clock::now();
    const auto begun = session->begin(Session::Lock::write, Deadline::after(std::chrono::milliseconds(150)));
    REQUIRE(!begun);
    CHECK(begun.error().fault == DbFault::busy);
    CHECK(begun.error().fate == Fate::keep);
    CHECK(Deadline::Clock::now() - started >= std::chrono::milliseconds(140));
    CHECK(Deadline::Clock::now() - started < std::chrono::seconds(2));
    CHECK_FALSE(session->is_in_transaction());
    CHECK(session->change(Text("DELETE FROM t"), Deadline::after(std::chrono::milliseconds(30))).error().fault == DbFault::busy);
    CHECK(select(*session, Text("SELECT count(*) FROM t")) == Lines{"integer 0"});

    std::thread releaser([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        outsider.run("COMMIT");
    });
    CHECK(session->begin(Session::Lock::write, soon()).has_value());
    releaser.join();
    CHECK(change(*session, Text("DELETE FROM t")) == 1);
    CHECK(session->commit(soon()).has_value());
}

TEST_CASE("a foreign key that does not hold at COMMIT rolls back") {
    const TemporaryFolder folder;
    Outsider outsider(folder.file(),
                      "CREATE TABLE parent(id INTEGER PRIMARY KEY);"
                      "CREATE TABLE child(p REFERENCES parent(id) DEFERRABLE INITIALLY DEFERRED); INSERT INTO parent VALUES (1)");
    const auto session = connect(folder.file());
    REQUIRE(session->begin(Session::Lock::write, soon()));
    CHECK(change(*session, Text("INSERT INTO parent VALUES (2)")) == 1);
    CHECK(change(*session, Text("INSERT INTO child VALUES (7)")) == 1);
    const auto committed = session->commit(soon());
    REQUIRE(!committed);
    CHECK(committed.error().fault == DbFault::foreign_key_violated);
    CHECK(committed.error().fate == Fate::keep);
    CHECK_FALSE(session->is_in_transaction());
    CHECK(session->rollback().has_value());
    CHECK(outsider.value("SELECT count(*) FROM parent") == "1");
    outsider.run("INSERT INTO parent VALUES (3)");
    CHECK(change_error(*session, Text("INSERT INTO child VALUES (7)")).fault == DbFault::foreign_key_violated);
    REQUIRE(session->begin(Session::Lock::write, soon()));
    CHECK(change(*session, Text("INSERT INTO child VALUES (3)")) == 1);
    CHECK(session->commit(soon()).has_value());
}

TEST_CASE("what SQLite rolled back by itself is not continued statement by statement") {
    const TemporaryFolder folder;
    Outsider outsider(folder.file(), "CREATE TABLE t(a UNIQUE ON CONFLICT ROLLBACK); INSERT INTO t VALUES (1)");
    const auto session = connect(folder.file());
    REQUIRE(session->begin(Session::Lock::write, soon()));
    CHECK(change(*session, Text("INSERT INTO t VALUES (2)")) == 1);
    CHECK(change_error(*session, Text("INSERT INTO t VALUES (1)")).fault == DbFault::unique_violated);
    const auto next = change_error(*session, Text("INSERT INTO t VALUES (3)"));
    CHECK(next.fault == DbFault::unknown);
    CHECK(next.fate == Fate::drop);
    CHECK(session->commit(soon()).error().fault == DbFault::unknown);
    CHECK(outsider.value("SELECT group_concat(a) FROM t") == "1");
    CHECK(session->rollback().has_value());
    CHECK(change(*session, Text("INSERT INTO t VALUES (4)")) == 1);
}

TEST_CASE("transactions are neither nested nor ended twice") {
    const TemporaryFolder folder;
    Outsider outsider(folder.file(), "CREATE TABLE t(a)");
    const auto session = connect(folder.file());
    CHECK(session->commit(soon()).error().fault == DbFault::unknown);
    CHECK(session->rollback().has_value());
    REQUIRE(session->begin(Session::Lock::write, soon()));
    CHECK(session->begin(Session::Lock::write, soon()).error().fault == DbFault::unknown);
    change(*session, Text("INSERT INTO t VALUES (1)"));
    CHECK(session->rollback().has_value());
    CHECK(outsider.value("SELECT count(*) FROM t") == "0");
}

TEST_CASE("a COMMIT waits for readers until the deadline and then rolls back") {
    const TemporaryFolder folder;
    Outsider outsider(folder.file(), "CREATE TABLE t(a)");
    // A reader in the way of the switch to WAL: the old journal stays, in which readers block a COMMIT.
    outsider.run("BEGIN; SELECT * FROM t");
    const auto session = connect(folder.file());
    CHECK(select(*session, Text("PRAGMA journal_mode")) == Lines{"text delete"});
    REQUIRE(session->begin(Session::Lock::write, soon()));
    CHECK(change(*session, Text("INSERT INTO t VALUES (1)")) == 1);
    const auto committed = session->commit(Deadline::after(std::chrono::milliseconds(50)));
    REQUIRE(!committed);
    CHECK(committed.error().fault == DbFault::busy);
    CHECK_FALSE(session->is_in_transaction());
    outsider.run("COMMIT");
    CHECK(outsider.value("SELECT count(*) FROM t") == "0");
    REQUIRE(session->begin(Session::Lock::write, soon()));
    CHECK(change(*session, Text("INSERT INTO t VALUES (1)")) == 1);
    CHECK(session->commit(soon()).has_value());
    CHECK(outsider.value("SELECT count(*) FROM t") == "1");
}

TEST_CASE("a file that was deleted or replaced is not worked on any more") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE t(a)");
    Outsider(folder.file("next.sqlite"), "CREATE TABLE t(a); INSERT INTO t VALUES (7)");
    const auto session = connect(folder.file());
    change(*session, Text("INSERT INTO t VALUES (1)"));
    const auto in_transaction = connect(folder.file());
    REQUIRE(in_transaction->begin(Session::Lock::write, soon()));
    change(*in_transaction, Text("INSERT INTO t VALUES (2)"));
    CHECK(session->is_same_file());
    for (const char* suffix : {"-wal", "-shm"}) {
        std::filesystem::remove(folder.file() + suffix);
    }
    bool is_replaced = false;
    SUBCASE("deleted") {
        std::filesystem::remove(folder.file());
    }
    SUBCASE("replaced") {
        std::filesystem::rename(folder.file("next.sqlite"), folder.file());
        is_replaced = true;
    }
    CHECK_FALSE(session->is_same_file());
    Rows rows;
    const auto read = session->select(Text("SELECT a FROM t"), 1, soon(), rows);
    REQUIRE(!read);
    CHECK(read.error().fault == DbFault::unavailable);
    CHECK(read.error().fate == Fate::drop);
    CHECK(change_error(*session, Text("DELETE FROM t")).fault == DbFault::unavailable);
    CHECK(session->begin(Session::Lock::write, soon()).error().fault == DbFault::unavailable);
    CHECK(in_transaction->commit(soon()).error().fault == DbFault::conflict);
    if (is_replaced) {
        const auto fresh = connect(folder.file());
        CHECK(select(*fresh, Text("SELECT a FROM t")) == Lines{"integer 7"});
        CHECK_FALSE(fresh->identity() == session->identity());
    }
}

TEST_CASE("a file that may not be written can be read, and writes to it are refused") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE t(a); INSERT INTO t VALUES (1)");
    std::filesystem::permissions(folder.file(), std::filesystem::perms::owner_read);
    if (access(folder.file().c_str(), W_OK) == 0) {
        return;  // root may write everything
    }
    const auto session = connect(folder.file());
    CHECK(select(*session, Text("SELECT a FROM t")) == Lines{"integer 1"});
    CHECK(change_error(*session, Text("DELETE FROM t")).fault == DbFault::read_only);
}

TEST_CASE("rowgate_float32 rounds numbers to the nearest float") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE t(a)");
    const auto session = connect(folder.file());
    const auto call = [&](const schemas::Value& value) {
        return select(*session, Text("SELECT rowgate_float32(").param(value).keyword(")")).front();
    };
    CHECK(call(0.1) == fmt::format("real {}", static_cast<double>(0.1F)));
    CHECK(call(std::int64_t{16777217}) == "real 16777216");
    CHECK(call(std::int64_t{1}) == "real 1");
    CHECK(call(1e300) == "real inf");
    CHECK(call(schemas::Text{"1"}) == "null");
    CHECK(call(Bytes{"1"}) == "null");
    CHECK(call(Null()) == "null");
    // Halfway cases that a rounding by way of a double takes for ties.
    CHECK(call(std::int64_t{(1LL << 60) + (1LL << 36) + 1}) ==
          fmt::format("real {}", static_cast<double>((1LL << 60) + (1LL << 37))));
}

TEST_CASE("rowgate_time reads times and nothing else") {
    using sql::sqlite::parse_time;
    CHECK(parse_time("00:00:00") == 0);
    CHECK(parse_time("-00:00:00") == 0);
    CHECK(parse_time("00:00:01.5") == 1'500'000);
    CHECK(parse_time("-00:00:00.000001") == -1);
    CHECK(parse_time("838:59:59") == 3'020'399'000'000);
    CHECK(parse_time("-838:59:59.999999") == -3'020'399'999'999);
    CHECK(parse_time("999999999:59:59.999999") == 3'599'999'999'999'999'999);
    for (const std::string& bad : {std::string(),
                                   std::string("-"),
                                   std::string("1:00:00"),
                                   std::string("00:0:00"),
                                   std::string("00:00"),
                                   std::string("00:60:00"),
                                   std::string("00:00:60"),
                                   std::string("00:00:00."),
                                   std::string("00:00:00.1234567"),
                                   std::string("00:00:00,5"),
                                   std::string("+00:00:00"),
                                   std::string(" 00:00:00"),
                                   std::string("00:00:00 "),
                                   std::string("--00:00:00"),
                                   std::string("00:00:00.-1"),
                                   std::string("00:00:00.1x"),
                                   std::string("1000000000:00:00"),
                                   std::string("00:00:00") + kNul,
                                   std::string("00:00:0") + kNul,
                                   std::string("aa:00:00"),
                                   std::string("00:00:00.5Z")}) {
        INFO(bad);
        CHECK_FALSE(parse_time(bad).has_value());
    }
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE t(a)");
    const auto session = connect(folder.file());
    CHECK(select(*session, Text("SELECT rowgate_time('01:00:00'), rowgate_time(10000), rowgate_time(x'30303a30303a3030'),"
                                " rowgate_time(NULL), rowgate_time('')")) == Lines{"integer 3600000000|null|null|null|null"});
}
