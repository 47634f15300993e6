#include "sql/sqlite/errors.h"

#include "tests/unit/sql_sqlite_fixture.h"

namespace {

using namespace sqlite_tests;
using sql::exec::DbFault;
using sql::exec::Fate;
using sql::sqlite::classify;

}  // namespace

TEST_CASE("every result code has its fault and its fate") {
    struct Case {
        int code;
        DbFault fault;
        Fate fate;
    };
    const Case kCases[] = {
        {SQLITE_BUSY, DbFault::busy, Fate::keep},
        {SQLITE_BUSY_SNAPSHOT, DbFault::busy, Fate::keep},
        {SQLITE_BUSY_RECOVERY, DbFault::busy, Fate::keep},
        {SQLITE_LOCKED, DbFault::busy, Fate::keep},
        {SQLITE_PROTOCOL, DbFault::busy, Fate::keep},
        {SQLITE_NOMEM, DbFault::busy, Fate::drop},
        {SQLITE_READONLY, DbFault::read_only, Fate::keep},
        {SQLITE_READONLY_DIRECTORY, DbFault::read_only, Fate::keep},
        {SQLITE_READONLY_DBMOVED, DbFault::unavailable, Fate::drop},
        {SQLITE_READONLY_ROLLBACK, DbFault::unavailable, Fate::drop},
        {SQLITE_PERM, DbFault::read_only, Fate::keep},
        {SQLITE_FULL, DbFault::read_only, Fate::keep},
        {SQLITE_INTERRUPT, DbFault::deadline_exceeded, Fate::keep},
        {SQLITE_CANTOPEN, DbFault::unavailable, Fate::drop},
        {SQLITE_CANTOPEN_ISDIR, DbFault::unavailable, Fate::drop},
        {SQLITE_NOTADB, DbFault::unavailable, Fate::drop},
        {SQLITE_IOERR_FSYNC, DbFault::unavailable, Fate::drop},
        {SQLITE_CORRUPT, DbFault::unavailable, Fate::drop},
        {SQLITE_CORRUPT_VTAB, DbFault::unavailable, Fate::drop},
        {SQLITE_TOOBIG, DbFault::too_large, Fate::keep},
        {SQLITE_SCHEMA, DbFault::schema_changed, Fate::keep},
        {SQLITE_AUTH, DbFault::denied, Fate::keep},
        {SQLITE_MISMATCH, DbFault::row_refused, Fate::keep},
        {SQLITE_ERROR, DbFault::unknown, Fate::keep},
        {SQLITE_MISUSE, DbFault::unknown, Fate::drop},
        {SQLITE_INTERNAL, DbFault::unknown, Fate::drop},
        {SQLITE_RANGE, DbFault::unknown, Fate::drop},
    };
    for (const Case& each : kCases) {
        INFO(each.code);
        const auto error = classify(each.code, "some message");
        CHECK(error.fault == each.fault);
        CHECK(error.fate == each.fate);
        CHECK(error.internal.find("some message") != std::string::npos);
    }
    CHECK(sql::sqlite::leaves_commit_in_doubt(SQLITE_IOERR_FSYNC));
    CHECK_FALSE(sql::sqlite::leaves_commit_in_doubt(SQLITE_FULL));
    CHECK_FALSE(sql::sqlite::leaves_commit_in_doubt(SQLITE_CONSTRAINT_FOREIGNKEY));
}

TEST_CASE("what the table refuses is told by constraint and column, never by SQL text") {
    const TemporaryFolder folder;
    Outsider(folder.file(),
             "CREATE TABLE parent(id INTEGER PRIMARY KEY);"
             "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INT, c INT NOT NULL DEFAULT 0, p INT REFERENCES parent(id),"
             " UNIQUE(b, c), CONSTRAINT positive CHECK (b > 0), CHECK (length(a) < 4));"
             "CREATE UNIQUE INDEX folded ON t(lower(a));"
             "CREATE TABLE blocked(p INT REFERENCES parent(id) ON DELETE RESTRICT);"
             "CREATE TABLE w(k TEXT PRIMARY KEY) WITHOUT ROWID; CREATE TABLE s(x INT) STRICT;"
             "CREATE TABLE r(x); CREATE TRIGGER refuse BEFORE INSERT ON r BEGIN SELECT RAISE(ABORT, 'secret'); END;"
             "INSERT INTO parent VALUES (1); INSERT INTO t(id, a, b) VALUES (1, 'x', 1); INSERT INTO blocked VALUES (1);"
             "INSERT INTO w VALUES ('k')");
    const auto session = connect(folder.file());
    struct Case {
        sql::render::Statement statement;
        DbFault fault;
        std::string constraint;
        std::string column;
    };
    const Case kCases[] = {
        {Text("INSERT INTO t(id, b) VALUES (1, 2)"), DbFault::unique_violated, "t.id", ""},
        {Text("INSERT INTO t(a, b) VALUES ('x', 3)"), DbFault::unique_violated, "folded", ""},
        {Text("INSERT INTO t(b) VALUES (1)"), DbFault::unique_violated, "t.b, t.c", ""},
        {Text("INSERT INTO t(a, b) VALUES ('X', 4)"), DbFault::unique_violated, "folded", ""},
        {Text("INSERT INTO w VALUES ('k')"), DbFault::unique_violated, "w.k", ""},
        {Text("INSERT INTO t(b, c) VALUES (5, NULL)"), DbFault::row_refused, "", "c"},
        {Text("INSERT INTO t(b) VALUES (0)"), DbFault::row_refused, "positive", ""},
        {Text("INSERT INTO t(a, b) VALUES ('long text', 6)"), DbFault::row_refused, "", ""},
        {Text("INSERT INTO t(b, p) VALUES (7, 99)"), DbFault::foreign_key_violated, "", ""},
        {Text("DELETE FROM parent WHERE id = 1"), DbFault::foreign_key_violated, "", ""},
        {Text("INSERT INTO s VALUES ('text')"), DbFault::row_refused, "", "x"},
        {Text("INSERT INTO r VALUES (1)"), DbFault::row_refused, "", ""},
        {Text("INSERT INTO t(id, b) VALUES ('text', 8)"), DbFault::row_refused, "", ""},
    };
    for (const Case& each : kCases) {
        INFO(each.statement.text());
        const auto error = change_error(*session, each.statement);
        CHECK(error.fault == each.fault);
        CHECK(error.fate == Fate::keep);
        CHECK(error.constraint == each.constraint);
        CHECK(error.column == each.column);
    }
    CHECK(select(*session, Text("SELECT count(*) FROM t")) == std::vector<std::string>{"integer 1"});
}

TEST_CASE("a table that is not as the statement thinks is a changed schema, in a cached statement too") {
    const TemporaryFolder folder;
    Outsider outsider(folder.file(), "CREATE TABLE t(a, b, g AS (a + 1)); CREATE TABLE u(a); CREATE VIEW v AS SELECT a FROM t");
    const auto session = connect(folder.file());
    change(*session, Text("INSERT INTO t(a, b) VALUES (1, 2)"));
    change(*session, Text("DELETE FROM u WHERE a = 1"));
    outsider.run("ALTER TABLE t DROP COLUMN b; DROP TABLE u");
    const sql::render::Statement kCases[] = {
        Text("INSERT INTO t(a, b) VALUES (1, 2)"),
        Text("DELETE FROM u WHERE a = 1"),
        Text("UPDATE t SET nosuch = 1"),
        Text("INSERT INTO t(g) VALUES (1)"),
        Text("UPDATE t SET g = 1"),
        Text("DELETE FROM v"),
        Text("SELECT nosuch FROM t"),
    };
    for (const auto& statement : kCases) {
        INFO(statement.text());
        const auto error = change_error(*session, statement);
        CHECK(error.fault == DbFault::schema_changed);
        CHECK(error.fate == Fate::keep);
    }
    CHECK(change_error(*session, Text("SELEC 1")).fault == DbFault::unknown);
    CHECK(change_error(*session, Text("SELECT nosuch(1)")).fault == DbFault::unknown);
}
