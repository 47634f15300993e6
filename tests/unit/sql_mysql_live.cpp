// Against a real server: the socket is read from ROWGATE_TEST_MYSQL_SOCKET, the account is root without a password.
// Makes and drops the database `rowgate_unit` on it. Without the variable these tests say so and do nothing.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <thread>

#include "schemas/build.h"
#include "sql/exec/execute.h"
#include "sql/mysql/connection.h"
#include "sql/mysql/dialect.h"
#include "sql/render/writer.h"

using namespace std::chrono_literals;
using schemas::Bytes;
using schemas::Ident;
using schemas::Null;
using schemas::TablePtr;
using schemas::Text;
using schemas::Value;
using sql::exec::Cell;
using sql::exec::Database;
using sql::exec::DbFault;
using sql::exec::Deadline;
using sql::exec::execute;
using sql::render::Answer;
using sql::render::Program;
using sql::render::Proof;
using sql::render::SqlLiteral;
using sql::render::Statement;
using sql::render::Writer;

namespace {

Deadline soon() {
    return Deadline::after(10s);
}

Writer write(SqlLiteral text) {
    Writer writer(sql::render::Quote::backtick);
    writer.keyword(text);
    return writer;
}

Statement text(SqlLiteral literal) {
    return write(literal).finish();
}

// Rows as text, one string a cell: `i:`, `u:`, `d:`, `t:`, `b:` and the value, or `null`.
struct Rows final : sql::exec::RowSink {
    void row(std::span<const Cell> cells) override {
        std::vector<std::string>& out = rows.emplace_back();
        for (const Cell& cell : cells) {
            switch (cell.kind) {
                case Cell::Kind::null: out.emplace_back("null"); break;
                case Cell::Kind::integer: out.push_back("i:" + std::to_string(cell.integer)); break;
                case Cell::Kind::unsigned_integer: out.push_back("u:" + std::to_string(cell.unsigned_integer)); break;
                case Cell::Kind::real: reals.push_back(cell.real); out.emplace_back("d"); break;
                case Cell::Kind::text: out.push_back("t:" + std::string(cell.text)); break;
                case Cell::Kind::bytes: out.push_back("b:" + std::string(cell.text)); break;
            }
        }
    }
    void restart() override { rows.clear(); }
    std::vector<std::vector<std::string>> rows;
    std::vector<double> reals;
};

sql::MysqlSettings settings(const char* socket) {
    sql::MysqlSettings settings;
    settings.socket = socket;
    settings.user = "root";
    settings.schema = "rowgate_unit";
    return settings;
}

class Server {
public:
    explicit Server(sql::CommonSettings common = {}) {
        const char* socket = std::getenv("ROWGATE_TEST_MYSQL_SOCKET");
        if (socket == nullptr) {
            MESSAGE("ROWGATE_TEST_MYSQL_SOCKET is not set: skipped");
            return;
        }
        sql::mysql::start();
        auto admin = settings(socket);
        admin.schema.clear();
        const auto bare = sql::mysql::open(admin, {});
        auto lease = bare->writers().lease(soon());
        REQUIRE_MESSAGE(lease, lease.error().internal);
        REQUIRE((*lease)->run(text("DROP DATABASE IF EXISTS rowgate_unit"), soon()));
        REQUIRE((*lease)->run(text("CREATE DATABASE rowgate_unit CHARACTER SET utf8mb4"), soon()));
        database_ = sql::mysql::open(settings(socket), common);
    }
    explicit operator bool() const { return database_ != nullptr; }
    Database& operator*() const { return *database_; }

    void run(const Statement& statement) const {
        auto lease = database_->writers().lease(soon());
        REQUIRE_MESSAGE(lease, lease.error().internal);
        const auto done = (*lease)->run(statement, soon());
        REQUIRE_MESSAGE(done, done.error().internal);
    }
    void run(SqlLiteral literal) const { run(text(literal)); }

    [[nodiscard]] std::optional<schemas::RawTable> raw(std::string_view table) const {
        auto lease = database_->readers().lease(soon());
        REQUIRE(lease);
        auto found = (*lease)->introspect(table, soon());
        REQUIRE_MESSAGE(found, found.error().internal);
        return *found;
    }
    [[nodiscard]] TablePtr table(std::string_view name) const {
        const auto found = database_->catalog().find(name, soon());
        REQUIRE_MESSAGE(found, found.error().internal);
        REQUIRE(*found);
        return *found;
    }
    // The table once no later change can bear the same version.
    [[nodiscard]] TablePtr settled(std::string_view name) const {
        for (int i = 0; i < 50; ++i) {
            if (const auto found = raw(name); found && found->is_version_settled) {
                return schemas::build(*found);
            }
            std::this_thread::sleep_for(100ms);
        }
        FAIL("the version did not settle");
        return nullptr;
    }
    [[nodiscard]] std::vector<std::vector<std::string>> rows(const Statement& statement,
                                                             const std::vector<const schemas::Column*>& columns) const {
        Rows sink;
        Program program;
        program.statements.push_back(statement);
        const auto done = execute(program, columns, *database_, soon(), &sink);
        REQUIRE_MESSAGE(done, done.error().internal);
        return sink.rows;
    }
    [[nodiscard]] std::string count(SqlLiteral literal) const {
        schemas::Column column{Ident::from_catalog("n"), {}, false, false, false, false};
        column.type.type_class = schemas::TypeClass::integer;
        return rows(text(literal), {&column}).at(0).at(0);
    }

private:
    std::unique_ptr<Database> database_;
};

Program in_transaction(TablePtr table, std::vector<Statement> statements) {
    Program program;
    program.answer = Answer::rows_affected;
    program.proof = Proof::in_transaction;
    program.table = std::move(table);
    program.statements = std::move(statements);
    return program;
}

// DELETE … WHERE v = 0, with its proof in the statement.
Program alone(const Server& server, TablePtr table) {
    Writer writer = write("DELETE FROM t WHERE v = ");
    writer.param(std::int64_t{0});
    (*server).dialect().freshness(writer, *table);
    Program program = in_transaction(std::move(table), {std::move(writer).finish()});
    program.proof = Proof::in_statement;
    return program;
}

const std::string kBytes("\0\xff'\\\n\x80", 6);

}  // namespace

TEST_CASE("every type goes in and comes out as its cell promises") {
    const Server server;
    if (!server) {
        return;
    }
    server.run(
        "CREATE TABLE t (i8 TINYINT, u8 TINYINT UNSIGNED, i32 INT, i64 BIGINT, u64 BIGINT UNSIGNED, z INT(8) ZEROFILL,"
        " b BOOLEAN, bits BIT(64), y YEAR, dec1 DECIMAL(65,30), f FLOAT, d DOUBLE, day DATE, t0 TIME, t6 TIME(6),"
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
        {Text{"-12345678901234567890123456789012345.123456789012345678901234567890"},
         "t:-12345678901234567890123456789012345.123456789012345678901234567890"},
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
    CHECK(server.rows(text("SELECT i, d, v, b, dt, n, bits + 0 FROM t"), columns) ==
          std::vector<std::vector<std::string>>{std::vector<std::string>(7, "null")});
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

TEST_CASE("introspection tells keys, foreign keys, defaults, generated and JSON columns") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE parent (a INT, b INT, PRIMARY KEY (a, b))");
    server.run(
        "CREATE TABLE t (id BIGINT UNSIGNED AUTO_INCREMENT, a INT, b INT, v VARCHAR(50) NOT NULL DEFAULT 'x', n INT NULL,"
        " twice INT AS (n * 2) STORED, thrice INT AS (n * 3) VIRTUAL, j JSON, l LONGTEXT, k LONGTEXT CHECK (LENGTH(k) > 1),"
        " PRIMARY KEY (id), UNIQUE u (b, a), UNIQUE part (v(10)), KEY plain (n),"
        " CONSTRAINT fk FOREIGN KEY (a, b) REFERENCES parent (a, b) ON DELETE CASCADE ON UPDATE SET NULL)");
    const auto raw = server.raw("t");
    REQUIRE(raw);
    CHECK(raw->kind == schemas::TableKind::table);
    REQUIRE(raw->columns.size() == 10);
    CHECK(raw->columns[0].is_auto_increment);
    CHECK(raw->columns[0].column_type == "bigint(20) unsigned");
    CHECK(!raw->columns[0].is_nullable);
    CHECK(raw->columns[3].default_expression == "'x'");
    CHECK(raw->columns[3].characters_max == 50U);
    CHECK(raw->columns[5].is_generated);
    CHECK(raw->columns[6].is_generated);
    CHECK(raw->columns[7].has_json_check);
    CHECK(!raw->columns[8].has_json_check);
    CHECK(!raw->columns[9].has_json_check);
    REQUIRE(raw->keys.size() == 2);
    std::map<std::string, schemas::RawKey> keys;
    for (const auto& key : raw->keys) {
        keys[key.name] = key;
    }
    CHECK(keys["PRIMARY"].is_primary);
    CHECK(keys["u"].columns == std::vector<std::string>{"b", "a"});
    REQUIRE(raw->foreign_keys.size() == 1);
    CHECK(raw->foreign_keys[0].name == "fk");
    CHECK(raw->foreign_keys[0].columns == std::vector<std::string>{"a", "b"});
    CHECK(raw->foreign_keys[0].parent_table == "parent");
    CHECK(raw->foreign_keys[0].on_delete == schemas::ReferentialAction::cascade);
    CHECK(raw->foreign_keys[0].on_update == schemas::ReferentialAction::set_null);
}

TEST_CASE("a table's name is exact, and only tables and views are tables") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE `Odd ``name` (id INT)");
    server.run("CREATE TABLE plain (id INT) ENGINE = MyISAM");
    server.run("CREATE VIEW seen AS SELECT id FROM plain");
    server.run("CREATE SEQUENCE counter");
    CHECK(server.raw("Odd `name"));
    for (const char* name : {"odd `name", "Odd `name ", "Odd%", "", "counter", "nope", "TABLES"}) {
        CAPTURE(name);
        CHECK(!server.raw(name));
    }
    CHECK(server.raw("seen")->kind == schemas::TableKind::view);
    // Nothing is written to an engine that cannot roll back.
    CHECK(server.raw("plain")->kind == schemas::TableKind::view);
    CHECK(!server.raw("plain")->is_version_settled);
    const auto tables = (*server).tables(soon());
    REQUIRE(tables);
    REQUIRE(tables->size() == 3);
    CHECK((*tables)[0].name == "Odd `name");
    CHECK((*tables)[0].kind == schemas::TableKind::table);
    CHECK((*tables)[1].name == "plain");
    CHECK((*tables)[1].kind == schemas::TableKind::view);
    CHECK((*tables)[2].name == "seen");
    CHECK((*tables)[2].kind == schemas::TableKind::view);
}

TEST_CASE("the server's own schemas have no tables") {
    const Server server;
    if (!server) {
        return;
    }
    for (const char* schema : {"mysql", "information_schema", "INFORMATION_SCHEMA", "performance_schema"}) {
        CAPTURE(schema);
        auto other = settings(std::getenv("ROWGATE_TEST_MYSQL_SOCKET"));
        other.schema = schema;
        const auto database = sql::mysql::open(other, {});
        CHECK(database->tables(soon()).value().empty());
        CHECK(database->catalog().find("user", soon()).value() == nullptr);
        CHECK(database->catalog().find("TABLES", soon()).value() == nullptr);
    }
}

TEST_CASE("every change of a table changes its version") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE p (id INT PRIMARY KEY)");
    server.run("CREATE TABLE other (id VARCHAR(9), v INT)");
    server.run("CREATE TABLE t (id INT, v INT, w INT)");
    const std::vector<std::vector<SqlLiteral>> changes = {
        {"ALTER TABLE t MODIFY v VARCHAR(20)"},
        {"ALTER TABLE t ADD COLUMN n INT, ALGORITHM = INSTANT", "ALTER TABLE t RENAME COLUMN w TO w2, ALGORITHM = INSTANT"},
        {"ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (id) REFERENCES p (id)"},
        {"ALTER TABLE t DROP FOREIGN KEY fk", "ALTER TABLE t ALTER v SET DEFAULT 'x'"},
        {"RENAME TABLE t TO gone, other TO t"},
        {"DROP TABLE t", "CREATE TABLE t (id INT)"},
    };
    for (const auto& change : changes) {
        CAPTURE(change.front().text());
        const TablePtr before = server.settled("t");
        for (const SqlLiteral& statement : change) {
            server.run(statement);
        }
        const auto after = server.raw("t");
        REQUIRE(after);
        CHECK(after->version_token != before->version.token);
        CHECK(!after->is_version_settled);
        CHECK(schemas::fingerprint(*after) != before->version.fingerprint);
    }
}

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
    CHECK(execute(in_transaction(again, {text("DELETE FROM t WHERE v = '0'")}), {}, *server, soon(), nullptr)->rows_affected == 1);
}

TEST_CASE("a write whose proof holds counts the rows it matched, those already equal included") {
    const Server server;
    if (!server) {
        return;
    }
    server.run("CREATE TABLE t (v INT)");
    server.run("INSERT INTO t VALUES (0), (0), (1)");
    const TablePtr table = server.settled("t");
    CHECK(execute(in_transaction(table, {text("UPDATE t SET v = 0 WHERE v = 0")}), {}, *server, soon(), nullptr)->rows_affected == 2);
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
    Program program = in_transaction(server.table("t"), {text("INSERT INTO t (v) VALUES (1), (2)"), text("INSERT INTO t (v) VALUES (3)")});
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
        const auto done = execute(in_transaction(table, {text("INSERT INTO t (id, name) VALUES (9, 'i')"), text(expected.statement)}), {},
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

namespace {

std::uint64_t connection_id(sql::exec::Connection& connection) {
    schemas::Column column{Ident::from_catalog("n"), {}, false, false, false, false};
    column.type.type_class = schemas::TypeClass::integer;
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
                if (done) {
                    break;
                }
                ++failed;
                CHECK(done.error().fault == DbFault::conflict);
            }
        }
    };
    std::thread upwards(update, true);
    update(false);
    upwards.join();
    MESSAGE("conflicts that three retries did not end: " << failed.load());
    CHECK(server.count("SELECT SUM(v) FROM t") == "i:40");
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
        column.type.type_class = schemas::TypeClass::text;
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
