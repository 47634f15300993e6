#include "sql/sqlite/introspect.h"

#include <algorithm>
#include <filesystem>

#include "sql/sqlite/conflicts.h"
#include "tests/unit/sql_sqlite_fixture.h"

namespace {

using namespace sqlite_tests;
using schemas::RawColumn;
using schemas::RawTable;
using schemas::TableKind;
using sql::sqlite::Session;
using Names = std::vector<std::string>;

std::optional<RawTable> raw_of(Session& session, std::string_view table) {
    auto raw = sql::sqlite::introspect(session, table, soon());
    if (!raw) {
        FAIL(raw.error().internal);
    }
    return std::move(*raw);
}

Names names_of(Session& session) {
    const auto tables = sql::sqlite::list_tables(session, soon());
    REQUIRE(tables);
    Names names;
    for (const auto& table : *tables) {
        names.push_back((table.kind == TableKind::view ? "view " : "table ") + table.name);
    }
    return names;
}

std::string token_of(Session& session) {
    const auto token = sql::sqlite::version_token(session, soon());
    REQUIRE(token);
    return *token;
}

const RawColumn& column(const RawTable& raw, const std::string& name) {
    for (const RawColumn& each : raw.columns) {
        if (each.name == name) {
            return each;
        }
    }
    FAIL("no column " << name);
    return raw.columns.front();
}

std::string join(const Names& names) {
    std::string out;
    for (const std::string& name : names) {
        out += (out.empty() ? "" : ",") + name;
    }
    return out;
}

}  // namespace

TEST_CASE("tables and views are listed by name, without system, virtual and shadow tables") {
    const TemporaryFolder folder;
    Outsider(folder.file(),
             "CREATE TABLE b(id INTEGER PRIMARY KEY AUTOINCREMENT); CREATE TABLE A(x); CREATE TABLE a2(x);"
             "CREATE VIEW v AS SELECT x FROM A; CREATE VIRTUAL TABLE search USING fts5(body);"
             "CREATE VIRTUAL TABLE box USING rtree(id, low, high);"
             "CREATE TABLE gone(x); CREATE VIEW broken AS SELECT x FROM gone;"
             "CREATE VIEW circle AS SELECT 1; CREATE INDEX i ON b(id); ANALYZE;"
             "CREATE TABLE \"sqlitelike\"(x); CREATE VIEW quoted AS SELECT x FROM A WHERE x = \"text\"");
    Outsider(folder.file(),
             "PRAGMA legacy_alter_table = ON; DROP TABLE gone; DROP VIEW circle; CREATE VIEW circle AS SELECT * FROM circle");
    const auto session = connect(folder.file(), sql::sqlite::Access::read);
    CHECK(names_of(*session) == Names{"table A", "table a2", "table b", "table sqlitelike", "view v"});
    for (const std::string name : {"a",
                                   "B",
                                   "sqlite_schema",
                                   "sqlite_master",
                                   "sqlite_sequence",
                                   "sqlite_stat1",
                                   "SQLITE_SEQUENCE",
                                   "search",
                                   "search_data",
                                   "search_content",
                                   "box",
                                   "box_node",
                                   "broken",
                                   "circle",
                                   "quoted",
                                   "gone",
                                   "i",
                                   "",
                                   "main.b",
                                   "b ",
                                   "\"b\"",
                                   "pragma_table_list",
                                   "dbstat",
                                   "json_each"}) {
        INFO(name);
        CHECK_FALSE(raw_of(*session, name).has_value());
    }
    CHECK_FALSE(raw_of(*session, std::string_view("b\0", 2)).has_value());
    CHECK(raw_of(*session, "b").has_value());
    CHECK(raw_of(*session, "A").has_value());
}

TEST_CASE("columns come with declared type, nullability, default, collation and generation") {
    const TemporaryFolder folder;
    Outsider(folder.file(),
             "CREATE TABLE t(id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL COLLATE NOCASE, note TEXT COLLATE RTRIM,"
             " price DECIMAL(10,2) DEFAULT 1.50, made TIMESTAMP DEFAULT CURRENT_TIMESTAMP, untyped, fixed TEXT DEFAULT NULL,"
             " twice INT GENERATED ALWAYS AS (id * 2) VIRTUAL, thrice INT AS (id * 3) STORED, \"expr\" INT DEFAULT (1 + 1))");
    const auto session = connect(folder.file());
    const auto raw = raw_of(*session, "t");
    REQUIRE(raw);
    CHECK(raw->family == schemas::Family::sqlite);
    CHECK(raw->name == "t");
    CHECK(raw->kind == TableKind::table);
    CHECK(raw->is_version_settled);
    CHECK(raw->version_token == token_of(*session));
    REQUIRE(raw->columns.size() == 10);
    CHECK(raw->columns[0].name == "id");
    CHECK(raw->columns[0].column_type == "INTEGER");
    CHECK(raw->columns[0].is_auto_increment);
    CHECK_FALSE(raw->columns[0].is_nullable);
    CHECK(column(*raw, "name").column_type == "VARCHAR(100)");
    CHECK_FALSE(column(*raw, "name").is_nullable);
    CHECK(column(*raw, "name").collation == "NOCASE");
    CHECK_FALSE(column(*raw, "name").is_auto_increment);
    CHECK_FALSE(column(*raw, "name").default_expression.has_value());
    CHECK(column(*raw, "note").collation == "RTRIM");
    CHECK(column(*raw, "note").is_nullable);
    CHECK(column(*raw, "price").default_expression == "1.50");
    CHECK(column(*raw, "price").collation == "BINARY");
    CHECK(column(*raw, "made").default_expression == "CURRENT_TIMESTAMP");
    CHECK(column(*raw, "untyped").column_type.empty());
    CHECK(column(*raw, "fixed").default_expression == "NULL");
    CHECK(column(*raw, "expr").default_expression == "1 + 1");
    CHECK(column(*raw, "twice").is_generated);
    CHECK(column(*raw, "thrice").is_generated);
    CHECK_FALSE(column(*raw, "price").is_generated);
}

TEST_CASE("only a rowid alias counts up by itself") {
    const TemporaryFolder folder;
    Outsider(folder.file(),
             "CREATE TABLE a(id INTEGER PRIMARY KEY, v); CREATE TABLE b(v, id iNtEgEr, PRIMARY KEY(id DESC));"
             "CREATE TABLE c(id INTEGER PRIMARY KEY DESC, v); CREATE TABLE d(id INT PRIMARY KEY, v);"
             "CREATE TABLE e(id INTEGER PRIMARY KEY, v) WITHOUT ROWID; CREATE TABLE f(a INTEGER, b INTEGER, PRIMARY KEY(b, a));"
             "CREATE TABLE g(id INTEGER, v); CREATE TABLE h(id BIGINTEGER PRIMARY KEY);"
             "CREATE TABLE i(id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT UNIQUE) STRICT");
    const auto session = connect(folder.file());
    const auto is_automatic = [&](const char* table) {
        const auto raw = raw_of(*session, table);
        REQUIRE(raw);
        for (const RawColumn& each : raw->columns) {
            if (each.is_auto_increment) {
                CHECK(each.name == "id");
                return true;
            }
        }
        return false;
    };
    CHECK(is_automatic("a"));
    CHECK(is_automatic("b"));
    CHECK_FALSE(is_automatic("c"));
    CHECK_FALSE(is_automatic("d"));
    CHECK_FALSE(is_automatic("e"));
    CHECK_FALSE(is_automatic("f"));
    CHECK_FALSE(is_automatic("g"));
    CHECK_FALSE(is_automatic("h"));
    CHECK(is_automatic("i"));
}

TEST_CASE("keys are the primary one and the unique ones on plain columns of all rows") {
    const TemporaryFolder folder;
    Outsider(
        folder.file(),
        "CREATE TABLE t(a TEXT, b INT, c INT UNIQUE, d INT, PRIMARY KEY(b, a), UNIQUE(d, c));"
        "CREATE UNIQUE INDEX named ON t(d); CREATE UNIQUE INDEX partial ON t(a) WHERE b > 1;"
        "CREATE UNIQUE INDEX expressive ON t(lower(a)); CREATE UNIQUE INDEX mixed ON t(a, b + 1); CREATE INDEX plain ON t(a);"
        "CREATE TABLE bare(x); CREATE TABLE w(k TEXT, l TEXT, v, PRIMARY KEY(l, k)) WITHOUT ROWID");
    const auto session = connect(folder.file());
    const auto keys = [&](const char* table) {
        Names out;
        const auto raw = raw_of(*session, table);
        REQUIRE(raw);
        for (const auto& key : raw->keys) {
            out.push_back((key.is_primary ? "primary " : "unique ") + key.name + " " + join(key.columns));
        }
        return out;
    };
    CHECK(keys("t") ==
          Names{"primary PRIMARY b,a", "unique named d", "unique sqlite_autoindex_t_1 c", "unique sqlite_autoindex_t_3 d,c"});
    CHECK(keys("bare").empty());
    CHECK(keys("w") == Names{"primary PRIMARY l,k"});
    const auto raw = raw_of(*session, "t");
    CHECK_FALSE(column(*raw, "a").is_nullable);
    CHECK_FALSE(column(*raw, "b").is_nullable);
    CHECK(column(*raw, "c").is_nullable);
}

TEST_CASE("foreign keys name the parent and its columns as the parent does") {
    const TemporaryFolder folder;
    Outsider(folder.file(),
             "CREATE TABLE Parent(Id INTEGER PRIMARY KEY, X INT, Y INT, UNIQUE(X, Y));"
             "CREATE TABLE pair(a INT, b INT, PRIMARY KEY(b, a));"
             "CREATE TABLE child(p REFERENCES pARENT, x INT, y INT, a INT, b INT, m REFERENCES missing, n REFERENCES missing(q),"
             " FOREIGN KEY(x, y) REFERENCES parent(x, y) ON DELETE CASCADE ON UPDATE SET NULL,"
             " FOREIGN KEY(b, a) REFERENCES pair ON DELETE RESTRICT ON UPDATE SET DEFAULT)");
    const auto session = connect(folder.file());
    const auto raw = raw_of(*session, "child");
    REQUIRE(raw);
    Names keys;
    for (const auto& key : raw->foreign_keys) {
        CHECK(key.name.empty());
        keys.push_back(join(key.columns) + " -> " + key.parent_table + "(" + join(key.parent_columns) + ")");
    }
    std::sort(keys.begin(), keys.end());
    CHECK(keys == Names{"b,a -> pair(b,a)", "m -> missing()", "n -> missing(q)", "p -> Parent(Id)", "x,y -> Parent(X,Y)"});
    using schemas::ReferentialAction;
    for (const auto& key : raw->foreign_keys) {
        const bool is_pair = key.parent_table == "pair";
        const bool is_unique = key.columns.front() == "x";
        CHECK(key.on_delete == (is_pair     ? ReferentialAction::restrict
                                : is_unique ? ReferentialAction::cascade
                                            : ReferentialAction::no_action));
        CHECK(key.on_update == (is_pair     ? ReferentialAction::set_default
                                : is_unique ? ReferentialAction::set_null
                                            : ReferentialAction::no_action));
    }
    CHECK(raw_of(*session, "pair")->foreign_keys.empty());
}

TEST_CASE("a view has its columns' types and collations and no keys") {
    const TemporaryFolder folder;
    Outsider(folder.file(),
             "CREATE TABLE t(id INTEGER PRIMARY KEY, name VARCHAR(10) COLLATE NOCASE);"
             "CREATE VIEW v AS SELECT name AS n, id, id + 1 AS next FROM t; CREATE VIEW w(a) AS SELECT n FROM v");
    const auto session = connect(folder.file(), sql::sqlite::Access::read);
    const auto raw = raw_of(*session, "v");
    REQUIRE(raw);
    CHECK(raw->kind == TableKind::view);
    CHECK(raw->keys.empty());
    CHECK(column(*raw, "n").collation == "NOCASE");
    CHECK(column(*raw, "n").column_type == "VARCHAR(10)");
    CHECK(column(*raw, "id").collation == "BINARY");
    CHECK_FALSE(column(*raw, "id").is_auto_increment);
    CHECK(column(*raw, "next").collation == "BINARY");
    CHECK(column(*raw_of(*session, "w"), "a").collation == "NOCASE");
}

TEST_CASE("a table that swallows conflicts is read-only, like a view") {
    const TemporaryFolder folder;
    Outsider(
        folder.file(),
        "CREATE TABLE a(x UNIQUE ON CONFLICT REPLACE); CREATE TABLE b(x, UNIQUE(x) on\tconflict ignore);"
        "CREATE TABLE c(x UNIQUE ON CONFLICT FAIL); CREATE TABLE d(x UNIQUE); ALTER TABLE d ADD COLUMN y NOT NULL ON CONFLICT"
        " REPLACE DEFAULT 1; CREATE TABLE e(x UNIQUE)");
    const auto session = connect(folder.file());
    CHECK(names_of(*session) == Names{"view a", "view b", "table c", "view d", "table e"});
    CHECK(sql::sqlite::swallows_conflicts("CREATE TABLE t(a DEFAULT '/*' UNIQUE On/**/Conflict--x\nReplace)"));
    CHECK(sql::sqlite::swallows_conflicts("CREATE TABLE t(\"a\"\"--\" UNIQUE ON CONFLICT IGNORE)"));
    CHECK(sql::sqlite::swallows_conflicts("CREATE TABLE t([a'] UNIQUE ON CONFLICT IGNORE, b DEFAULT 'it''s')"));
    for (const std::string harmless :
         {"CREATE TABLE conflict(replace_on INT, ignore INT)", "CREATE TABLE t(a DEFAULT 'on conflict replace')",
          "CREATE TABLE t(a, -- on conflict replace\n b)", "CREATE TABLE t(a /* on conflict ignore */)",
          "CREATE TABLE t(\"on conflict replace\", [on conflict ignore], `on conflict replace`)", "", "'", "/*", "--", "[",
          "CREATE TABLE t(a UNIQUE ON CONFLICT ABORT REFERENCES u ON DELETE CASCADE)", "ON CONFLICT, REPLACE",
          "xON CONFLICT REPLACE"}) {
        INFO(harmless);
        CHECK_FALSE(sql::sqlite::swallows_conflicts(harmless));
    }
    CHECK(raw_of(*session, "a")->kind == TableKind::view);
    CHECK(raw_of(*session, "d")->kind == TableKind::view);
    CHECK(raw_of(*session, "e")->kind == TableKind::table);
}

TEST_CASE("evil names are names") {
    const TemporaryFolder folder;
    const Names kNames = {"a`b",
                          "a\"b",
                          "a;DROP TABLE t",
                          "a'b",
                          "😀",
                          "order",
                          "a b",
                          "",
                          "a.b",
                          "%s",
                          "[x]",
                          "a\\",
                          "--",
                          "?1",
                          "pragma_x",
                          "Ü",
                          std::string(64, 'n'),
                          std::string(300, 'n'),
                          "a\nb",
                          "/*"};
    {
        Outsider outsider(folder.file());
        for (const std::string& name : kNames) {
            if (name.empty()) {
                continue;
            }
            const sql::render::Statement create = Text("CREATE TABLE ")
                                                      .name(name)
                                                      .keyword(" (")
                                                      .name(name)
                                                      .keyword(" INTEGER PRIMARY KEY, ")
                                                      .name(name + "2")
                                                      .keyword(" TEXT UNIQUE REFERENCES ")
                                                      .name(name)
                                                      .keyword(" COLLATE NOCASE)");
            outsider.run(create.text());
        }
    }
    const auto session = connect(folder.file());
    CHECK(names_of(*session).size() == kNames.size() - 1);
    for (const std::string& name : kNames) {
        if (name.empty()) {
            continue;
        }
        INFO(name);
        const auto raw = raw_of(*session, name);
        REQUIRE(raw);
        CHECK(raw->name == name);
        REQUIRE(raw->columns.size() == 2);
        CHECK(raw->columns[0].name == name);
        CHECK(raw->columns[0].is_auto_increment);
        CHECK(raw->columns[1].name == name + "2");
        CHECK(raw->columns[1].collation == "NOCASE");
        REQUIRE(raw->keys.size() == 2);
        CHECK(raw->keys[1].columns == Names{name + "2"});
        REQUIRE(raw->foreign_keys.size() == 1);
        CHECK(raw->foreign_keys[0].parent_table == name);
        CHECK(raw->foreign_keys[0].parent_columns == Names{name});
        CHECK(change(*session, Text("INSERT INTO ").name(name).keyword("(").name(name).keyword(") VALUES (5)")) == 1);
        CHECK(select(*session, Text("SELECT ").name(name).keyword(" FROM ").name(name)) == Names{"integer 5"});
    }
}

TEST_CASE("the token moves with every definition and with nothing else") {
    const TemporaryFolder folder;
    Outsider outsider(folder.file(), "CREATE TABLE t(a INT); CREATE TABLE other(x)");
    const auto reader = connect(folder.file(), sql::sqlite::Access::read);
    const auto writer = connect(folder.file());
    std::string before = token_of(*reader);
    CHECK(token_of(*writer) == before);
    outsider.run("INSERT INTO t VALUES (1)");
    change(*writer, Text("INSERT INTO t VALUES (2)"));
    CHECK(token_of(*reader) == before);
    for (const std::string sql :
         {"ALTER TABLE t ADD COLUMN b TEXT", "ALTER TABLE t RENAME COLUMN b TO c", "ALTER TABLE t DROP COLUMN c",
          "CREATE INDEX i ON t(a)", "DROP INDEX i", "CREATE VIEW v AS SELECT 1", "DROP TABLE other", "VACUUM"}) {
        INFO(sql);
        outsider.run(sql);
        const std::string after = token_of(*reader);
        CHECK(after != before);
        CHECK(token_of(*writer) == after);
        before = after;
    }
    CHECK(names_of(*reader) == Names{"table t", "view v"});
}

TEST_CASE("an open handle sees tables that others make, change and drop") {
    const TemporaryFolder folder;
    Outsider outsider(folder.file(), "CREATE TABLE t(a INT)");
    const auto reader = connect(folder.file(), sql::sqlite::Access::read);
    CHECK(names_of(*reader) == Names{"table t"});
    CHECK_FALSE(raw_of(*reader, "u").has_value());
    outsider.run("CREATE TABLE u(id INTEGER PRIMARY KEY, p UNIQUE REFERENCES t(a))");
    const auto made = raw_of(*reader, "u");
    REQUIRE(made);
    CHECK(made->keys.size() == 2);
    CHECK(made->foreign_keys.size() == 1);
    outsider.run("ALTER TABLE u ADD COLUMN added TEXT COLLATE NOCASE; CREATE UNIQUE INDEX i ON u(added)");
    const auto changed = raw_of(*reader, "u");
    REQUIRE(changed);
    CHECK(column(*changed, "added").collation == "NOCASE");
    CHECK(changed->keys.size() == 3);
    CHECK(changed->version_token != made->version_token);
    outsider.run("DROP TABLE u; CREATE TABLE u(only TEXT)");
    CHECK(raw_of(*reader, "u")->columns.size() == 1);
    CHECK(raw_of(*reader, "u")->keys.empty());
    outsider.run("DROP TABLE u");
    CHECK_FALSE(raw_of(*reader, "u").has_value());
    CHECK(names_of(*reader) == Names{"table t"});
}

TEST_CASE("a file of the same schema_version has another token") {
    const TemporaryFolder folder;
    const auto make = [&](const std::string& name) { Outsider(folder.file(name), "CREATE TABLE t(a)"); };
    make("one");
    make("two");
    const auto one = connect(folder.file("one"), sql::sqlite::Access::read);
    const auto two = connect(folder.file("two"), sql::sqlite::Access::read);
    CHECK(token_of(*one) != token_of(*two));
    CHECK(select(*one, Text("PRAGMA schema_version")) == select(*two, Text("PRAGMA schema_version")));
}

TEST_CASE("introspection leaves no transaction open") {
    const TemporaryFolder folder;
    Outsider outsider(folder.file(), "CREATE TABLE t(a)");
    const auto session = connect(folder.file());
    CHECK(raw_of(*session, "t").has_value());
    CHECK_FALSE(session->is_in_transaction());
    CHECK_FALSE(raw_of(*session, "u").has_value());
    CHECK_FALSE(session->is_in_transaction());
    CHECK_FALSE(sql::sqlite::introspect(*session, "t", sql::exec::Deadline::after(std::chrono::seconds(0))).has_value());
    CHECK_FALSE(session->is_in_transaction());
    outsider.run("INSERT INTO t VALUES (1)");
    REQUIRE(session->begin(Session::Lock::write, soon()));
    CHECK(raw_of(*session, "t").has_value());
    CHECK(session->is_in_transaction());
    CHECK(session->commit(soon()).has_value());
}

TEST_CASE("a database that shadows SQLite's own table functions fails closed") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE t(a); CREATE TABLE pragma_table_xinfo(name, type, dflt_value, pk, hidden, cid)");
    const auto session = connect(folder.file());
    const auto raw = sql::sqlite::introspect(*session, "t", soon());
    REQUIRE(!raw);
    CHECK(raw.error().fault == sql::exec::DbFault::unknown);
}
