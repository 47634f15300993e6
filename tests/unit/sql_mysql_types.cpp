#include <doctest/doctest.h>

#include "tests/unit/sql_mysql_live.h"

using namespace live;

namespace {

const std::string kBytes("\0\xff'\\\n\x80", 6);

}  // namespace

TEST_CASE("every type goes in and comes out as its cell promises") {
    const Server server;
    if (!server) {
        return;
    }
    server.run(
        "CREATE TABLE t (i8 TINYINT, u8 TINYINT UNSIGNED, i32 INT, i64 BIGINT, u64 BIGINT UNSIGNED, z INT(8) ZEROFILL,"
        " b BOOLEAN, bits BIT(64), y YEAR, dec1 DECIMAL(61,30), f FLOAT, d DOUBLE, day DATE, t0 TIME, t6 TIME(6),"
        " dt0 DATETIME, dt3 DATETIME(3), dt6 DATETIME(6), ts TIMESTAMP(6) NULL, u UUID, ip INET6, ip4 INET4,"
        " e ENUM('a','b,c'), s SET('x','y'), c CHAR(5), v VARCHAR(100), l1 VARCHAR(20) CHARACTER SET latin1,"
        " bin BINARY(6), vb VARBINARY(100), bl BLOB, j JSON, g GEOMETRY)");
    const TablePtr table = server.table("t");
    std::vector<const schemas::Column*> columns;
    Writer select = write("SELECT ");
    Writer insert = write("INSERT INTO t VALUES (");
    const std::vector<std::pair<Value, std::string>> cells = {
        {std::int64_t{-128}, "i:-128"},
        {std::int64_t{255}, "u:255"},
        {std::int64_t{-2147483648}, "i:-2147483648"},
        {std::int64_t{-9223372036854775807 - 1}, "i:-9223372036854775808"},
        {std::uint64_t{18446744073709551615U}, "u:18446744073709551615"},
        {std::int64_t{42}, "u:42"},
        {std::int64_t{1}, "i:1"},
        {std::uint64_t{18446744073709551615U}, "u:18446744073709551615"},
        {std::int64_t{2155}, "u:2155"},
        {Text{"-1234567890123456789012345678901.123456789012345678901234567890"},
         "t:-1234567890123456789012345678901.123456789012345678901234567890"},
        {static_cast<double>(0.1F), "d"},
        {0.1 + 0.2, "d"},
        {Text{"0999-01-02"}, "t:0999-01-02"},
        {Text{"-00:00:01"}, "t:-00:00:01"},
        {Text{"-838:59:58.000001"}, "t:-838:59:58.000001"},
        {Text{"0999-01-02 03:04:05"}, "t:0999-01-02 03:04:05"},
        {Text{"2024-02-29 23:59:59.120000"}, "t:2024-02-29 23:59:59.120"},
        {Text{"2024-02-29 00:00:00"}, "t:2024-02-29 00:00:00.000000"},
        {Text{"2024-02-29 12:00:00.000001"}, "t:2024-02-29 12:00:00.000001"},
        {Text{"123e4567-e89b-12d3-a456-426655440000"}, "t:123e4567-e89b-12d3-a456-426655440000"},
        {Text{"2001:db8::1"}, "t:2001:db8::1"},
        {Text{"192.0.2.1"}, "t:192.0.2.1"},
        {Text{"b,c"}, "t:b,c"},
        {Text{"x,y"}, "t:x,y"},
        {Text{"ab"}, "t:ab"},
        {Text{"it's \xF0\x9F\x98\x80 \\ \n"}, "t:it's \xF0\x9F\x98\x80 \\ \n"},
        {Text{"caf\xC3\xA9 \xE2\x82\xAC"}, "t:caf\xC3\xA9 \xE2\x82\xAC"},
        {Bytes{kBytes}, "b:" + kBytes},
        {Bytes{kBytes}, "b:" + kBytes},
        {Bytes{std::string()}, "b:"},
        {Text{"{\"a\": 1}"}, "t:{\"a\": 1}"},
    };
    REQUIRE(table->columns.size() == cells.size() + 1);
    for (std::size_t i = 0; i < table->columns.size(); ++i) {
        const schemas::Column& column = table->columns[i];
        columns.push_back(&column);
        select.keyword(i == 0 ? SqlLiteral("") : SqlLiteral(", "));
        (*server).dialect().selected(select, column);
        if (i < cells.size()) {
            insert.param(cells[i].first).keyword(", ");
        }
    }
    insert.keyword("POINT(1, 2))");
    select.keyword(" FROM t");
    server.run(std::move(insert).finish());
    Rows sink;
    Program program;
    program.statements.push_back(std::move(select).finish());
    REQUIRE(execute(program, columns, *server, soon(), &sink));
    REQUIRE(sink.rows.size() == 1);
    for (std::size_t i = 0; i < cells.size(); ++i) {
        CAPTURE(table->columns[i].name.text());
        CHECK(sink.rows[0][i] == cells[i].second);
    }
    CHECK(sink.rows[0].back().size() == 2 + 25);  // SRID and WKB of a point
    REQUIRE(sink.reals.size() == 2);
    CHECK(static_cast<float>(sink.reals[0]) == 0.1F);
    CHECK(sink.reals[1] == 0.1 + 0.2);
}

TEST_CASE("a decimal longer than the driver's buffer comes out as CHAR or not at all") {
    const Server server;
    if (!server) {
        return;
    }
    const std::string digits = "-12345678901234567890123456789012345.123456789012345678901234567890";
    server.run("CREATE TABLE t (d DECIMAL(65,30))");
    Writer insert = write("INSERT INTO t VALUES (");
    insert.param(Text{digits}).keyword(")");
    server.run(std::move(insert).finish());
    const TablePtr table = server.table("t");
    const schemas::Column* column = &table->columns[0];
    CHECK(server.rows(text("SELECT CAST(d AS CHAR) FROM t"), {column}).at(0).at(0) == "t:" + digits);
    Rows sink;
    Program program;
    program.statements.push_back(text("SELECT d FROM t"));
    const auto done = execute(program, {column}, *server, soon(), &sink);
    REQUIRE(!done);
    CHECK(done.error().fault == DbFault::unknown);
    CHECK(sink.rows.empty());
}

TEST_CASE("NULL of every type comes out as null") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (i INT, d DOUBLE, v VARCHAR(9), b BLOB, dt DATETIME(6), n DECIMAL(5,2), bits BIT(3))");
    const TablePtr table = server.table("t");
    std::vector<const schemas::Column*> columns;
    Writer insert = write("INSERT INTO t VALUES (");
    for (const schemas::Column& column : table->columns) {
        insert.keyword(columns.empty() ? SqlLiteral("") : SqlLiteral(",")).param(Null());
        columns.push_back(&column);
    }
    server.run(std::move(insert.keyword(")")).finish());
    const std::vector<std::vector<std::string>> nulls{std::vector<std::string>(7, "null")};
    CHECK(server.rows(text("SELECT i, d, v, b, dt, n, bits + 0 FROM t"), columns) == nulls);
    CHECK(server.rows(text("SELECT i, d, v, b, CAST(dt AS BINARY), n, bits + 0 FROM t"), columns) == nulls);
}

TEST_CASE("zero and empty text are not taken for NULL") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (i INT, u INT UNSIGNED, d DOUBLE, v VARCHAR(9), b BLOB, n DECIMAL(5,2), bits BIT(3))");
    server.run("INSERT INTO t VALUES (0, 0, 0, '', '', 0, 0)");
    const TablePtr table = server.table("t");
    std::vector<const schemas::Column*> columns;
    for (const schemas::Column& column : table->columns) {
        columns.push_back(&column);
    }
    CHECK(server.rows(text("SELECT i, u, d, v, b, n, bits + 0 FROM t"), columns) ==
          std::vector<std::vector<std::string>>{{"i:0", "u:0", "d", "t:", "b:", "t:0.00", "u:0"}});
}

TEST_CASE("long text and long bytes keep their characters in any character set") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (v LONGTEXT CHARACTER SET latin1, u LONGTEXT, b LONGBLOB)");
    const TablePtr table = server.table("t");
    std::string long_text;
    while (long_text.size() < 600'000) {
        long_text += "caf\xC3\xA9 ";
    }
    std::string long_bytes;
    while (long_bytes.size() < 600'000) {
        long_bytes += kBytes;
    }
    Writer insert = write("INSERT INTO t VALUES (CONVERT(");
    insert.param(Text{long_text}).keyword(" USING utf8mb4), CONVERT(").param(Text{long_text}).keyword(" USING utf8mb4), ");
    server.run(std::move(insert.param(Bytes{long_bytes}).keyword(")")).finish());
    const auto rows =
        server.rows(text("SELECT v, u, b FROM t"), {&table->columns[0], &table->columns[1], &table->columns[2]});
    REQUIRE(rows.size() == 1);
    // Not compared inside CHECK, which would print them.
    const bool are_equal =
        rows[0][0] == "t:" + long_text && rows[0][1] == "t:" + long_text && rows[0][2] == "b:" + long_bytes;
    CHECK(are_equal);
    CHECK(server.count("SELECT COUNT(*) FROM t WHERE CHAR_LENGTH(v) = CHAR_LENGTH(u)") == "i:1");
}

TEST_CASE("long text that the driver would send as bytes is refused unless the statement says what they are") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (v LONGTEXT)");
    for (const std::size_t size : {262144U, 262145U}) {
        Writer insert = write("INSERT INTO t VALUES (");
        insert.param(Text{std::string(size, 'x')}).keyword(")");
        auto lease = (*server).writers().lease(soon());
        REQUIRE(lease);
        const auto done = (*lease)->run(std::move(insert).finish(), soon());
        CHECK(done.has_value() == (size == 262144));
        if (!done) {
            CHECK(done.error().fault == DbFault::too_large);
            CHECK(done.error().fate == sql::exec::Fate::keep);
        }
    }
}

TEST_CASE("a value larger than the database's packet is too large and the connection stays usable or is replaced") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (b LONGBLOB)");
    for (const bool is_text : {true, false}) {
        Writer insert = write("INSERT INTO t VALUES (");
        std::string huge(40'000'000, 'x');
        insert.keyword("CONVERT(").param(is_text ? Value(Text{std::move(huge)}) : Value(Bytes{std::move(huge)}));
        insert.keyword(" USING utf8mb4))");
        const auto done = execute(in_transaction(server.table("t"), {std::move(insert).finish()}), {}, *server, soon(), nullptr);
        REQUIRE(!done);
        CAPTURE(done.error().internal);
        CHECK(done.error().fault == DbFault::too_large);
        CHECK(server.count("SELECT COUNT(*) FROM t") == "i:0");
    }
}
