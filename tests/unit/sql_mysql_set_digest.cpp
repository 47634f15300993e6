#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "tests/unit/sql_mysql_live.h"
#include "tests/unit/sql_set_digest.h"

using namespace live;
using namespace set_digest_tests;

namespace {

Bytes point(unsigned char x) {
    std::string bytes(25, '\0');
    bytes[4] = 1;
    bytes[5] = 1;
    bytes[15] = static_cast<char>(x);
    bytes[16] = '?';
    return Bytes{bytes};
}

// What text columns of every character set hold here: near one another in all ways but bytes.
const std::vector<Value> kTexts = {Null(),     Text{""},  Text{"n"},   Text{"0"},  Text{"1"}, Text{","},   Text{",,"},   Text{"1,n"},
                                   Text{"a"},  Text{"A"}, Text{"a "},  Text{"a,a"}, Text{"n,"}, Text{"3,a,a"}, Text{"a\tb"}};

}  // namespace

TEST_CASE("a set's digest on MariaDB changes with each cell of each type, and with nothing else") {
    const Server server;
    if (!server) {
        return;
    }
    server.run(
        "CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20) CHARACTER SET utf8mb4, l VARCHAR(20) CHARACTER SET latin1,"
        " u VARCHAR(20) CHARACTER SET utf16, c CHAR(20) CHARACTER SET sjis, tx TEXT, tt TINYTEXT, e ENUM('','0','n','1,n'), s SET('a','b','n'),"
        " vb VARBINARY(20), bl BLOB, bits BIT(9), f FLOAT, d DOUBLE, dd DOUBLE(20,2), dec1 DECIMAL(65,30), i BIGINT, u64 BIGINT UNSIGNED NOT NULL,"
        " b BOOLEAN, y YEAR, day DATE, t6 TIME(6), dt DATETIME(3), ts TIMESTAMP(6) NULL, uu UUID, ip INET6, j JSON, g GEOMETRY) ENGINE=InnoDB");
    const TablePtr table = server.table("t");
    std::vector<Value> padded = kTexts;
    padded.erase(std::find(padded.begin(), padded.end(), Value(Text{"a "})));
    const auto bytes = [](std::string text) { return Bytes{std::move(text)}; };
    const float tenth = 0.1F;
    const double third = 1.0 / 3;
    auto lease = (*server).writers().lease(soon());
    REQUIRE(lease);
    Walk walk{*table,
              {kTexts,
               kTexts,
               kTexts,
               padded,
               kTexts,
               kTexts,
               {Null(), Text{""}, Text{"0"}, Text{"n"}, Text{"1,n"}},
               {Null(), Text{""}, Text{"a"}, Text{"a,b"}, Text{"n"}, Text{"a,n"}},
               {Null(), bytes(""), bytes("n"), bytes(std::string(1, '\0')), bytes(std::string(2, '\0')), bytes(","), bytes("\xff\xfe"), bytes("1,n")},
               {Null(), bytes(""), bytes("n"), bytes(std::string(1, '\0')), bytes(std::string(2, '\0')), bytes(","), bytes("\xff\xfe"), bytes("1,n")},
               {Null(), std::int64_t{0}, std::int64_t{44}, std::int64_t{300}, std::int64_t{1}},
               {Null(), static_cast<double>(tenth), static_cast<double>(std::nextafter(tenth, 1.0F)), 16777216.0, 16777215.0, 1e30},
               {Null(), third, std::nextafter(third, 1.0), std::nextafter(third, 0.0), -2.2250738585072014e-308, -2.2250738585072019e-308, 0.0},
               {Null(), 0.01, 0.02, 123456789012345.5, 123456789012345.48},
               {Null(), Text{"0.000000000000000000000000000001"}, Text{"0.000000000000000000000000000002"},
                Text{"12345678901234567890123456789012345.000000000000000000000000000001"}},
               {Null(), std::int64_t{0}, std::int64_t{1}, std::int64_t{-1}, std::int64_t{9007199254740993}, std::int64_t{9007199254740992}},
               {std::int64_t{0}, std::int64_t{1}, std::uint64_t{18446744073709551615U}, std::uint64_t{18446744073709551614U}},
               {Null(), std::int64_t{0}, std::int64_t{1}},
               {Null(), std::int64_t{0}, std::int64_t{1901}, std::int64_t{2155}},
               {Null(), Text{"2026-11-21"}, Text{"2026-11-22"}},
               {Null(), Text{"00:00:00"}, Text{"00:00:00.000001"}, Text{"-00:00:00.000001"}, Text{"-838:59:58.999999"}},
               {Null(), Text{"2026-11-21 00:00:00"}, Text{"2026-11-21 00:00:00.001"}},
               {Null(), Text{"2026-11-21 00:00:00"}, Text{"2026-11-21 00:00:00.000001"}, Text{"2026-11-21 05:00:00"}},
               {Null(), Text{"123e4567-e89b-12d3-a456-426655440000"}, Text{"123e4567-e89b-12d3-a456-426655440001"}},
               {Null(), Text{"::1"}, Text{"::2"}},
               {Null(), Text{"{\"a\":1}"}, Text{"{\"a\": 1}"}, Text{"null"}, Text{"\"n\""}},
               {Null(), point(0), point(1)}},
              {{0, 1, 2, 4, 5}, {8, 9}},
              **lease,
              (*server).dialect()};
    walk.go(2500);
    // The same on another connection, under another salt another, and in a copy whose rows came in another order the same.
    const auto here = digest_of(**lease, all_rows(*table, (*server).dialect()));
    auto other = (*server).writers().lease(soon());
    REQUIRE(other);
    CHECK(digest_of(**other, all_rows(*table, (*server).dialect())).digest == here.digest);
    CHECK(digest_of(**other, all_rows(*table, (*server).dialect(), kOtherSalt)).digest != here.digest);
    server.run("CREATE TABLE copy LIKE t");
    server.run("INSERT INTO copy SELECT * FROM t ORDER BY id DESC");
    CHECK(digest_of(**other, all_rows(*server.table("copy"), (*server).dialect())).digest == here.digest);
}

TEST_CASE("on MariaDB a cell ends where it ends, and NULL stands in its own column") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20), b VARCHAR(20), c VARCHAR(20) NOT NULL, d VARCHAR(20) NOT NULL, i INT, j INT)");
    const TablePtr table = server.table("t");
    auto lease = (*server).writers().lease(soon());
    REQUIRE(lease);
    const auto digest = [&] { return *digest_of(**lease, all_rows(*table, (*server).dialect())).digest; };
    const auto differ = [&](SqlLiteral one, SqlLiteral other) {
        server.run("DELETE FROM t");
        server.run(one);
        const std::string first = digest();
        server.run("DELETE FROM t");
        server.run(other);
        CHECK(digest() != first);
    };
    // Were the lengths not there, or all alike, these would be one text.
    differ("INSERT INTO t VALUES (1, 'a,0,b', 'c', '', '', 1, 1)", "INSERT INTO t VALUES (1, 'a', 'b,0,c', '', '', 1, 1)");
    differ("INSERT INTO t VALUES (1, '', '', 'a,0,b', 'c', 1, 1)", "INSERT INTO t VALUES (1, '', '', 'a', 'b,0,c', 1, 1)");
    differ("INSERT INTO t VALUES (1, 'a,b', 'c', '', '', 1, 1)", "INSERT INTO t VALUES (1, 'a', 'b,c', '', '', 1, 1)");
    differ("INSERT INTO t VALUES (1, 'n', NULL, '', '', 1, 1)", "INSERT INTO t VALUES (1, NULL, 'n', '', '', 1, 1)");
    differ("INSERT INTO t VALUES (1, 'a', 'a', '', '', 1, NULL)", "INSERT INTO t VALUES (1, 'a', 'a', '', '', NULL, 1)");
    differ("INSERT INTO t VALUES (1, 'a', 'a', '', '', 0, NULL)", "INSERT INTO t VALUES (1, 'a', 'a', '', '', NULL, 0)");
    differ("INSERT INTO t VALUES (1, 'a', '', '', '', 1, 1)", "INSERT INTO t VALUES (1, 'a', NULL, '', '', 1, 1)");
    // The key counts too.
    differ("INSERT INTO t VALUES (1, 'a', '', '', '', 1, 1)", "INSERT INTO t VALUES (2, 'a', '', '', '', 1, 1)");
}

TEST_CASE("of each text's bytes, not its characters: what two character sets write alike is not alike") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(9) CHARACTER SET cp932, b VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)");
    const TablePtr table = server.table("t");
    auto lease = (*server).writers().lease(soon());
    REQUIRE(lease);
    // cp932 has this character twice.
    server.run("INSERT INTO t VALUES (1, X'81CA', 'a')");
    const auto first = digest_of(**lease, all_rows(*table, (*server).dialect()));
    server.run("UPDATE t SET a = X'EEF9'");
    CHECK(server.count("SELECT COUNT(*) FROM t WHERE CONVERT(a USING utf8mb4) = CONVERT(X'81CA' USING cp932)") == "i:1");
    CHECK(digest_of(**lease, all_rows(*table, (*server).dialect())).digest != first.digest);
}

TEST_CASE("a set's digest on MariaDB is of its rows only, as many as it is limited to, in the order asked for") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)");
    server.run("INSERT INTO t VALUES (1, 5), (2, 4), (3, 3), (4, 2)");
    const TablePtr table = server.table("t");
    const sql::render::Dialect& dialect = (*server).dialect();
    auto lease = (*server).writers().lease(soon());
    REQUIRE(lease);
    const auto some = [&](std::vector<std::int64_t> ids, std::vector<sql::plan::Order> order, std::uint64_t rows_max) {
        std::vector<sql::plan::Predicate> where;
        if (!ids.empty()) {
            where.push_back({0, sql::plan::PredicateKind::in, {ids.begin(), ids.end()}});
        }
        return digest_of(**lease, sql::render::render_set_digest({*table, where, kNoFilters, order, rows_max}, dialect, kSalt));
    };
    using sql::plan::Direction;
    CHECK(some({1, 2}, {}, 10).rows == 2);
    CHECK(some({}, {{0, Direction::ascending}}, 2).digest == some({1, 2}, {}, 10).digest);
    CHECK(some({}, {{0, Direction::descending}}, 2).digest == some({3, 4}, {}, 10).digest);
    CHECK(some({}, {{1, Direction::ascending}}, 3).digest == some({2, 3, 4}, {}, 10).digest);
    CHECK(some({}, {}, 3).rows == 3);
    CHECK(some({9}, {}, 10).rows == 0);
    CHECK(some({9}, {}, 10).digest == std::string());
    auto two = some({1}, {}, 10);
    two.add(some({2}, {}, 10));
    CHECK(two.rows == 2);
    CHECK(two.digest == *some({1}, {}, 10).digest + "|" + *some({2}, {}, 10).digest);
}

TEST_CASE("counting a set on MariaDB locks its rows, and sees them as they are and not as they were when the transaction began") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (id INT PRIMARY KEY, v INT)");
    server.run("INSERT INTO t VALUES (1, 5), (2, 4)");
    const TablePtr table = server.table("t");
    auto lease = (*server).writers().lease(soon());
    REQUIRE(lease);
    REQUIRE((*lease)->begin(soon()));
    Rows before;  // from here on, what only reads goes by a snapshot
    REQUIRE((*lease)->query(text("SELECT id, v FROM t"), {&table->columns[0], &table->columns[1]}, soon(), before));
    REQUIRE(before.rows.size() == 2);
    server.run("INSERT INTO t VALUES (3, 3)");
    CHECK(digest_of(**lease, all_rows(*table, (*server).dialect())).rows == 3);
    auto other = (*server).writers().lease(soon());
    REQUIRE(other);
    REQUIRE((*other)->run(text("SET SESSION innodb_lock_wait_timeout = 1"), soon()));
    const auto blocked = (*other)->run(text("UPDATE t SET v = 0 WHERE id = 2"), soon());
    REQUIRE(!blocked);
    CHECK(blocked.error().fault == DbFault::busy);
    REQUIRE((*lease)->rollback(soon()));
    CHECK((*other)->run(text("UPDATE t SET v = 0 WHERE id = 2"), soon()).has_value());
}

TEST_CASE("cells that would not fit a packet together are digested all the same") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (id INT PRIMARY KEY, a LONGTEXT, b LONGBLOB)");
    server.run("INSERT INTO t VALUES (1, REPEAT('a', 10000000), REPEAT('b', 10000000))");
    const TablePtr table = server.table("t");
    auto lease = (*server).writers().lease(soon());
    REQUIRE(lease);
    const auto before = digest_of(**lease, all_rows(*table, (*server).dialect()));
    REQUIRE(before.digest.has_value());
    server.run("UPDATE t SET b = CONCAT(LEFT(b, 9999999), 'c')");
    CHECK(digest_of(**lease, all_rows(*table, (*server).dialect())).digest != before.digest);
}

TEST_CASE("a row that the server could not digest leaves the set without a digest") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(10000) CHARACTER SET latin1 NOT NULL)");
    server.run("INSERT INTO t VALUES (1, REPEAT('a', 100)), (2, REPEAT('b', 10000))");
    const TablePtr table = server.table("t");
    server.run("SET GLOBAL max_allowed_packet = 8192");
    const auto opened = sql::mysql::open(settings(std::getenv("ROWGATE_TEST_MYSQL_SOCKET")), {});
    {
        auto lease = opened->writers().lease(soon());
        server.run("SET GLOBAL max_allowed_packet = 16777216");
        REQUIRE(lease);
        const auto found = digest_of(**lease, all_rows(*table, (*server).dialect()));
        CHECK(found.rows == 2);
        CHECK(!found.digest.has_value());
        auto sum = sql::exec::SetDigest{1, "1 2"};
        sum.add(found);
        CHECK(sum.rows == 3);
        CHECK(!sum.digest.has_value());
    }
}
