#include <doctest/doctest.h>

#include <string>

#include "sql/plan/bind.h"
#include "tests/unit/sql_plan_tables.h"

using namespace sql_plan_tables;
using sql::plan::Body;
using sql::plan::JsonKind;

namespace {

std::string inserted(const schemas::TablePtr& into, const Body& body) {
    sql::plan::InsertPlan plan;
    plan.table = into;
    const auto bound = sql::plan::bind_body(plan, body);
    return bound ? sql::plan::describe(*bound) : "error: " + bound.error().detail;
}

std::string inserted_cell(const schemas::TablePtr& into, JsonKind kind, std::string text, std::string raw) {
    Body body;
    body.columns = {"c"};
    add_cell(body, 0, kind, raw);
    body.cells.back().unescaped = 0;
    body.unescaped = {std::move(text)};
    body.row_ends = {1};
    body.row_positions = {0};
    return inserted(into, body);
}

}  // namespace

TEST_CASE("rows of one batch may have different columns") {
    Body body;
    add_row(body, {{"b", "1"}});
    add_row(body, {{"c", "2"}, {"a", "3"}});
    CHECK(inserted(table({column("a", integer()), column("b", integer()), column("c", integer())}), body) ==
          "insert t\ncolumns a b c\nrow default 1 default\nrow 3 default 2\n");
}

TEST_CASE("the row that lacks a required column is named") {
    Body body;
    add_row(body, {{"a", "1"}, {"b", "1"}});
    add_row(body, {{"b", "2"}});
    CHECK(inserted(table({required("a", integer()), column("b", integer())}), body) ==
          "error: row 2: column 'a' is missing and has no default");
}

TEST_CASE("unknown, generated and repeated columns are refused") {
    schemas::Column computed = column("g", integer());
    computed.is_generated = true;
    const auto into = table({column("age", integer()), computed});
    const auto refused = [&](std::initializer_list<std::pair<const char*, const char*>> members) {
        Body body;
        add_row(body, {{"age", "1"}});
        add_row(body, members);
        return inserted(into, body);
    };
    CHECK(refused({{"agee", "1"}}) == "error: row 2: there is no column 'agee'");
    CHECK(refused({{"g", "1"}}) == "error: row 2, column 'g': the column is generated and cannot be written");
    CHECK(refused({{"age", "1"}, {"age", "2"}}) == "error: row 2, column 'age': the column is given twice");
    CHECK(refused({}) == "error: row 2 names no column");
}

TEST_CASE("null needs a nullable column, and an auto-increment column has none") {
    CHECK(inserted_cell(table({column("c", integer())}), JsonKind::null, "null", "null") == "insert t\ncolumns c\nrow null\n");
    CHECK(inserted_cell(table({required("c", integer())}), JsonKind::null, "null", "null") ==
          "error: row 1, column 'c': null is not allowed");
    schemas::Column id = column("c", integer());
    id.is_auto_increment = true;
    CHECK(inserted_cell(table({id}), JsonKind::null, "null", "null") == "error: row 1, column 'c': null is not allowed");
}

TEST_CASE("a column takes its own JSON type, or a string") {
    const auto into_text = table({column("c", text())});
    CHECK(inserted_cell(into_text, JsonKind::number, "0", "0") ==
          "error: row 1, column 'c': a column of type varchar(20) does not take a number");
    CHECK(inserted_cell(into_text, JsonKind::boolean, "false", "false") ==
          "error: row 1, column 'c': a column of type varchar(20) does not take true or false");
    CHECK(inserted_cell(into_text, JsonKind::object, "{}", "{}") ==
          "error: row 1, column 'c': a column of type varchar(20) does not take an object");
    CHECK(inserted_cell(into_text, JsonKind::string, "0", "\"0\"") == "insert t\ncolumns c\nrow '0'\n");

    const auto into_integer = table({column("c", integer())});
    CHECK(inserted_cell(into_integer, JsonKind::number, "5", "5") == "insert t\ncolumns c\nrow 5\n");
    CHECK(inserted_cell(into_integer, JsonKind::string, "5", "\"5\"") == "insert t\ncolumns c\nrow 5\n");
    CHECK(inserted_cell(into_integer, JsonKind::boolean, "true", "true") ==
          "error: row 1, column 'c': a column of type int(11) does not take true or false");
    CHECK(inserted_cell(into_integer, JsonKind::number, "1e0", "1e0") == "error: row 1, column 'c': '1e0' is not an integer");
    CHECK(inserted_cell(into_integer, JsonKind::number, "1.0", "1.0") == "error: row 1, column 'c': '1.0' is not an integer");

    const auto into_boolean = table({column("c", type_of(schemas::TypeClass::boolean, "tinyint(1)"))});
    CHECK(inserted_cell(into_boolean, JsonKind::boolean, "true", "true") == "insert t\ncolumns c\nrow 1\n");
    CHECK(inserted_cell(into_boolean, JsonKind::number, "0", "0") == "insert t\ncolumns c\nrow 0\n");
}

TEST_CASE("a JSON column stores the text of any JSON value as it was sent") {
    const auto into = table({column("c", type_of(schemas::TypeClass::json, "json"))});
    CHECK(inserted_cell(into, JsonKind::object, "{\"a\": 1.50}", "{\"a\": 1.50}") ==
          "insert t\ncolumns c\nrow '{\"a\": 1.50}'\n");
    CHECK(inserted_cell(into, JsonKind::string, "x", "\"x\"") == "insert t\ncolumns c\nrow '\"x\"'\n");
    CHECK(inserted_cell(into, JsonKind::null, "null", "null") == "insert t\ncolumns c\nrow null\n");
}

TEST_CASE("an update takes exactly one row") {
    const sql::plan::Plan plan = sql::plan::UpdatePlan{table({column("a", integer()), column("b", integer())}), {}, {}};
    Body body;
    CHECK(sql::plan::bind_body(plan, body).error().detail == "the body of an update is one object");
    add_row(body, {{"b", "1"}, {"a", "2"}});
    CHECK(sql::plan::describe(*sql::plan::bind_body(plan, body)) == "update t\nset a 2\nset b 1\n");
    add_row(body, {{"b", "1"}});
    CHECK(sql::plan::bind_body(plan, body).error().detail == "the body of an update is one object");
}

TEST_CASE("one wide row among many narrow ones cannot make the batch outgrow its body") {
    std::vector<schemas::Column> columns;
    for (int i = 0; i < 300; ++i) {
        columns.push_back(column("c" + std::to_string(i), integer()));
    }
    Body body;
    for (sql::plan::BodyCell::Column i = 0; i < 300; ++i) {
        body.columns.push_back("c" + std::to_string(i));
        add_cell(body, i, JsonKind::number, "1");
    }
    body.row_ends.push_back(body.cells.size());
    body.row_positions.push_back(0);
    for (std::size_t row = 0; row < 10000; ++row) {
        add_cell(body, 0, JsonKind::number, "1");
        body.row_ends.push_back(body.cells.size());
        body.row_positions.push_back(0);
    }
    CHECK(inserted(table(std::move(columns)), body) ==
          "error: 10001 rows of 300 columns are too many for one batch, which holds 2000000 cells");
}

namespace {

// The text that a column of the path's key has, against what the body says of it.
std::string keyed(const schemas::TablePtr& into, const std::string& path, std::initializer_list<std::pair<const char*, const char*>> members,
                  const sql::plan::Sight& sight = sql::plan::kClearSight) {
    Body body;
    add_row(body, members);
    const sql::plan::Plan plan = sql::plan::UpdatePlan{into, {}, {}, {}};
    const auto bound = sql::plan::bind_body(plan, body, sight, sql::plan::PathKey{path, 20});
    return bound ? sql::plan::describe(*bound) : "error: " + bound.error().detail;
}

schemas::TablePtr keyed_table() {
    auto into = table({required("region", text()), required("item", integer()), required("price", decimal(10, 2)), column("note", integer())});
    into->primary_key = schemas::Key{"PRIMARY", {1, 2}};
    return into;
}

}  // namespace

TEST_CASE("an update by key takes a body that agrees with its path, and does not assign what agrees") {
    CHECK(keyed(keyed_table(), "7,1.5", {{"note", "1"}}) == "update t\nset note 1\n");
    CHECK(keyed(keyed_table(), "7,1.5", {{"item", "7"}, {"note", "1"}, {"price", "1.50"}}) == "update t\nset note 1\n");
    CHECK(keyed(keyed_table(), "7,1.50", {{"price", "15e-1"}, {"note", "1"}}) == "update t\nset note 1\n");
    CHECK(keyed(keyed_table(), "7,1.5", {{"item", "7"}}) == "update t\nset item 7\n");  // an update all the same
}

TEST_CASE("an update by key whose body says another key is refused, naming the column") {
    CHECK(keyed(keyed_table(), "7,1.5", {{"item", "8"}, {"note", "1"}}) == "error: row 1, column 'item': the path says '7'; a key is not changed here");
    CHECK(keyed(keyed_table(), "7,1.5", {{"note", "1"}, {"price", "1.51"}}) == "error: row 1, column 'price': the path says '1.5'; a key is not changed here");
    CHECK(keyed(keyed_table(), "7,1.501", {{"price", "1.50"}}) == "error: row 1, column 'price': the path says '1.501'; a key is not changed here");
}

TEST_CASE("a key column that a grant gives a value to stays in an update that agrees, so that the two are compared") {
    sql::plan::Sight sight;
    sight.filled_in = {false, true, false, false};
    CHECK(keyed(keyed_table(), "7,1.5", {{"item", "7"}, {"note", "1"}, {"price", "1.5"}}, sight) == "update t\nset item 7\nset note 1\n");
}
