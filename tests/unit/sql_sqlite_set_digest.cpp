#include <doctest/doctest.h>

#include <map>

#include "sql/sqlite/dialect.h"
#include "sql/sqlite/sip_hash.h"
#include "tests/unit/sql_set_digest.h"
#include "tests/unit/sql_sqlite_fixture.h"

using namespace sqlite_tests;
using namespace set_digest_tests;
using schemas::Bytes;
using schemas::Null;
using sql::sqlite::SipHash;

namespace {

using Lines = std::vector<std::string>;

// The first 16 keys' bytes 0 to 15.
constexpr SipHash::Hash kKey{0x0706050403020100U, 0x0f0e0d0c0b0a0908U};

std::unique_ptr<sql::exec::Database> open(const TemporaryFolder& folder) {
    return sql::sqlite::open({.path = folder.file()}, {});
}

schemas::TablePtr find(sql::exec::Database& database, std::string_view name) {
    const auto found = database.catalog().find(name, soon());
    REQUIRE_MESSAGE(found, found.error().internal);
    REQUIRE(*found);
    return *found;
}

}  // namespace

TEST_CASE("SipHash-2-4 of 128 bits is that of its authors, in one piece or in many") {
    CHECK(SipHash(kKey).finish() == SipHash::Hash{0xe6a825ba047f81a3U, 0x930255c71472f66dU});
    std::string bytes;
    for (char c = 0; c < 63; ++c) {
        bytes += c;
    }
    SipHash one(kKey);
    one.add(std::string_view(bytes).substr(0, 1));
    CHECK(std::move(one).finish() == SipHash::Hash{0x44af996bd8c187daU, 0x45fc229b11597634U});
    SipHash whole(kKey);
    whole.add(bytes);
    const SipHash::Hash expected = std::move(whole).finish();
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        SipHash parts(kKey);
        parts.add(std::string_view(bytes).substr(0, cut));
        parts.add(std::string_view(bytes).substr(cut));
        CHECK(std::move(parts).finish() == expected);
    }
    SipHash number(kKey);
    number.add_number(0x0706050403020100U);
    SipHash text(kKey);
    text.add(std::string_view(bytes).substr(0, 8));
    CHECK(std::move(number).finish() == std::move(text).finish());
}

TEST_CASE("a set's digest on SQLite changes with each cell, its storage class too, and with nothing else") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b BLOB, c, v VARCHAR(20))");
    const auto database = open(folder);
    const schemas::TablePtr table = find(*database, "t");
    const std::vector<Value> untyped = {Null(),           std::int64_t{0},       std::int64_t{1}, std::int64_t{-1},           0.0, 1.0, 0.1, schemas::Text{""},
                                        schemas::Text{"0"}, schemas::Text{"1"},  schemas::Text{"a"}, schemas::Text{"A"},      schemas::Text{"a "},
                                        schemas::Text{std::string("a\0b", 3)},   schemas::Text{std::string("a\0c", 3)},       Bytes{""}, Bytes{"0"},
                                        Bytes{"1"},       Bytes{"a"},            Bytes{std::string(8, '\0')}, Bytes{std::string(16, '\0')},
                                        Bytes{std::string("\3\0\0\0\0\0\0\0", 8)}};
    const std::vector<Value> text = {Null(), schemas::Text{""}, schemas::Text{"0"}, schemas::Text{"a"}, Bytes{"a"}};
    {
        auto lease = database->writers().lease(soon());
        REQUIRE(lease);
        Walk walk{*table, {untyped, untyped, untyped, text}, {{0, 1, 2}}, **lease, database->dialect()};
        REQUIRE((*lease)->begin(soon()));  // a commit waits for the disk
        walk.go(4000);
        REQUIRE((*lease)->commit(soon()));
    }
    auto writer = database->writers().lease(soon());
    auto reader = database->readers().lease(soon());
    REQUIRE(writer);
    REQUIRE(reader);
    const auto here = digest_of(**writer, all_rows(*table, database->dialect()));
    CHECK(digest_of(**reader, all_rows(*table, database->dialect())).digest == here.digest);
    CHECK(digest_of(**reader, all_rows(*table, database->dialect(), kOtherSalt)).digest != here.digest);
    Outsider outsider(folder.file());
    outsider.run("CREATE TABLE copy (id INTEGER PRIMARY KEY, a, b BLOB, c, v VARCHAR(20)); INSERT INTO copy SELECT * FROM t ORDER BY id DESC");
    CHECK(digest_of(**reader, all_rows(*find(*database, "copy"), database->dialect())).digest == here.digest);
}

TEST_CASE("on SQLite a cell ends where it ends, and a row counts as often as it is there") {
    const TemporaryFolder folder;
    Outsider outsider(folder.file(), "CREATE TABLE t (a, b)");
    const auto database = open(folder);
    const schemas::TablePtr table = find(*database, "t");
    const auto digest_after = [&](const std::string& rows) {
        outsider.run("DELETE FROM t; INSERT INTO t VALUES " + rows);
        auto lease = database->readers().lease(soon());
        REQUIRE(lease);
        return *digest_of(**lease, all_rows(*table, database->dialect())).digest;
    };
    // 3 is what SQLite calls text; without lengths these would be one row of bytes.
    const std::string three = "CAST(x'0300000000000000' AS TEXT)";
    CHECK(digest_after("('a', 'b' || " + three + " || 'c')") != digest_after("('a' || " + three + " || 'b', 'c')"));
    CHECK(digest_after("('a', NULL)") != digest_after("(NULL, 'a')"));
    const std::string one = digest_after("('a', 1)");
    const std::string two = digest_after("('a', 1), ('a', 1)");
    const std::string three_times = digest_after("('a', 1), ('a', 1), ('a', 1)");
    CHECK(one != two);
    CHECK(two != three_times);
    CHECK(one != three_times);
}

TEST_CASE("a set's digest on SQLite covers every column of a wide table, and keeps their places") {
    for (const std::size_t count : {100U, 101U, 200U, 201U}) {
        CAPTURE(count);
        const TemporaryFolder folder;
        std::string columns = "id INTEGER PRIMARY KEY";
        for (std::size_t i = 1; i < count; ++i) {
            columns += fmt::format(", c{} INTEGER DEFAULT 0", i);
        }
        Outsider outsider(folder.file(), fmt::format("CREATE TABLE t ({}); INSERT INTO t (id) VALUES (1)", columns));
        outsider.run("PRAGMA synchronous = OFF");  // a commit waits for the disk
        const auto database = open(folder);
        const schemas::TablePtr table = find(*database, "t");
        std::map<std::string, std::size_t> seen;
        for (std::size_t i = 1; i < count; ++i) {
            outsider.run(fmt::format("UPDATE t SET c{} = 1", i));
            auto lease = database->readers().lease(soon());
            REQUIRE(lease);
            const auto found = digest_of(**lease, all_rows(*table, database->dialect()));
            REQUIRE(found.digest.has_value());
            REQUIRE(seen.emplace(*found.digest, i).second);
            outsider.run(fmt::format("UPDATE t SET c{} = 0", i));
        }
    }
}

TEST_CASE("a set's digest on SQLite is of its rows only, as many as it is limited to, in the order asked for") {
    const TemporaryFolder folder;
    // A column that bears the name under which the digest might be sorted by instead.
    Outsider(folder.file(), "CREATE TABLE t (id INTEGER PRIMARY KEY, digest INTEGER UNIQUE); INSERT INTO t VALUES (1, 5), (2, 4), (3, 3), (4, 2)");
    const auto database = open(folder);
    const schemas::TablePtr table = find(*database, "t");
    auto lease = database->writers().lease(soon());
    REQUIRE(lease);
    const auto some = [&](std::vector<std::int64_t> ids, std::vector<sql::plan::Order> order, std::uint64_t rows_max) {
        std::vector<sql::plan::Predicate> where;
        if (!ids.empty()) {
            where.push_back({0, sql::plan::PredicateKind::in, {ids.begin(), ids.end()}});
        }
        return digest_of(**lease, sql::render::render_set_digest({*table, where, kNoFilters, order, rows_max}, database->dialect(), kSalt));
    };
    using sql::plan::Direction;
    CHECK(some({1, 2}, {}, 10).rows == 2);
    CHECK(some({}, {{0, Direction::ascending}}, 2).digest == some({1, 2}, {}, 10).digest);
    CHECK(some({}, {{0, Direction::descending}}, 2).digest == some({3, 4}, {}, 10).digest);
    CHECK(some({}, {{1, Direction::ascending}}, 3).digest == some({2, 3, 4}, {}, 10).digest);
    CHECK(some({}, {}, 3).rows == 3);
    CHECK(some({9}, {}, 10).rows == 0);
    CHECK(some({9}, {}, 10).digest == std::string());
}

TEST_CASE("the digest functions refuse what is no salt and no digest") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE t(a)");
    const auto session = connect(folder.file());
    for (const schemas::Value& salt : std::initializer_list<schemas::Value>{Null(), std::int64_t{1}, schemas::Text{"00"}, schemas::Text{std::string(32, 'g')},
                                                                           schemas::Text{std::string(33, '0')}, Bytes{std::string(32, '0')}}) {
        const auto error = change_error(*session, Text("SELECT rowgate_row_digest(").param(salt).keyword(", 1)"));
        CHECK(error.internal.find("the salt is not 32 hexadecimal digits") != std::string::npos);
    }
    CHECK(select(*session, Text("SELECT rowgate_set_digest(a) FROM t")) == Lines{"null"});
    for (const schemas::Value& digest : std::initializer_list<schemas::Value>{Null(), std::int64_t{1}, schemas::Text{std::string(16, '0')}, Bytes{std::string(15, '0')},
                                                                             Bytes{std::string(17, '0')}}) {
        CHECK(select(*session, Text("SELECT rowgate_set_digest(column1) FROM (VALUES (zeroblob(16)), (").param(digest).keyword("))")) == Lines{"null"});
    }
    CHECK(select(*session, Text("SELECT rowgate_set_digest(column1) FROM (VALUES (x'ffffffffffffffff0100000000000000'), (x'02000000000000000000000000000000'))")) ==
          Lines{"text 1 1"});
}
