#include <doctest/doctest.h>

#include "sql/sqlite/references.h"
#include "tests/unit/sql_sqlite_fixture.h"

using namespace sqlite_tests;
using schemas::ReferentialAction;
using schemas::TriggerEvent;
using schemas::TriggerTiming;

namespace {

schemas::References referencing(const TemporaryFolder& folder, std::string_view table) {
    const auto session = connect(folder.file());
    auto found = sql::sqlite::referencing(*session, table, soon());
    REQUIRE_MESSAGE(found, found.error().internal);
    return std::move(*found);
}

}  // namespace

TEST_CASE("SQLite: the keys that point at a table, however they spell it") {
    const TemporaryFolder folder;
    Outsider(folder.file(),
             "CREATE TABLE Parent (Id INTEGER PRIMARY KEY, U INT UNIQUE, up INT REFERENCES parent);"
             "CREATE TABLE b (x INT, FOREIGN KEY (x) REFERENCES PARENT (ID) ON DELETE SET DEFAULT ON UPDATE RESTRICT);"
             "CREATE TABLE \"a \"\" b\" (x INT REFERENCES \"parent\" (u) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);"
             "CREATE TABLE other (id INTEGER PRIMARY KEY, x INT);"
             "CREATE TABLE bad (x INT REFERENCES other (x));");
    const auto found = referencing(folder, "Parent");
    CHECK(found.is_complete);
    CHECK(!found.is_broken);
    REQUIRE(found.list.size() == 3);
    CHECK(found.list[0].child_table == "Parent");
    CHECK(found.list[0].key.columns == std::vector<std::string>{"up"});
    CHECK(found.list[0].key.parent_columns == std::vector<std::string>{"Id"});
    CHECK(found.list[1].child_table == "a \" b");
    CHECK(found.list[1].key.parent_columns == std::vector<std::string>{"U"});
    CHECK(found.list[1].key.on_delete == ReferentialAction::cascade);
    CHECK(found.list[2].child_table == "b");
    CHECK(found.list[2].key.on_delete == ReferentialAction::set_default);
    CHECK(found.list[2].key.on_update == ReferentialAction::restrict);
    CHECK(referencing(folder, "bad").list.empty());
    // other's x is not unique: SQLite refuses every delete from other.
    CHECK(referencing(folder, "other").is_broken);
    CHECK(referencing(folder, "other").list.size() == 1);
}

TEST_CASE("SQLite: a child that is shown as a view leaves the list incomplete") {
    const TemporaryFolder folder;
    Outsider(folder.file(), "CREATE TABLE p (id INTEGER PRIMARY KEY);"
                            "CREATE TABLE c (id INTEGER PRIMARY KEY ON CONFLICT REPLACE, p INT REFERENCES p ON DELETE CASCADE);");
    CHECK(!referencing(folder, "p").is_complete);
}

TEST_CASE("SQLite: a table's triggers with their event and moment") {
    const TemporaryFolder folder;
    Outsider(folder.file(),
             "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT); CREATE TABLE log (x INT);"
             "CREATE TRIGGER z_gone AFTER DELETE ON t BEGIN INSERT INTO log VALUES (1); END;"
             "CREATE TRIGGER IF NOT EXISTS \"after insert on\" BEFORE UPDATE OF x ON t BEGIN INSERT INTO log VALUES (2); END;"
             "CREATE TRIGGER after /* DELETE */ INSERT ON T BEGIN SELECT 1; END;"
             "CREATE TRIGGER elsewhere AFTER DELETE ON log BEGIN SELECT 1; END;");
    const auto found = referencing(folder, "t");
    CHECK(found.are_triggers_complete);
    REQUIRE(found.triggers.size() == 3);
    CHECK(found.triggers[0].name == "after");
    CHECK(found.triggers[0].event == TriggerEvent::insert);
    CHECK(found.triggers[0].timing == TriggerTiming::before);
    CHECK(found.triggers[1].name == "after insert on");
    CHECK(found.triggers[1].event == TriggerEvent::update);
    CHECK(found.triggers[1].timing == TriggerTiming::before);
    CHECK(found.triggers[2].name == "z_gone");
    CHECK(found.triggers[2].event == TriggerEvent::remove);
    CHECK(found.triggers[2].timing == TriggerTiming::after);
    for (const char* text : {"", "CREATE TABLE t (x)", "CREATE TRIGGER", "CREATE TRIGGER x AFTER", "CREATE TRIGGER x INSTEAD OF SELECT"}) {
        CAPTURE(text);
        CHECK(!sql::sqlite::read_trigger(text));
    }
    const auto instead = sql::sqlite::read_trigger("CREATE TEMP TRIGGER main.[x y] INSTEAD OF DELETE ON v BEGIN SELECT 1; END");
    REQUIRE(instead);
    CHECK(instead->timing == TriggerTiming::instead_of);
}
