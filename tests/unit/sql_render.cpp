#include <doctest/doctest.h>

#include <map>
#include <string>

#include "sql/mysql/dialect.h"
#include "sql/plan/guard.h"
#include "sql/render/render.h"
#include "sql/sqlite/dialect.h"
#include "tests/unit/sql_plan_tables.h"

using namespace sql_plan_tables;
using sql::plan::PredicateKind;

namespace {

sql::render::Program rendered(sql::plan::Plan plan, const sql::render::Dialect& dialect) {
    return sql::render::render(sql::plan::Guard::guard(std::move(plan)).value(), dialect);
}

sql::plan::InsertPlan batch(const schemas::TablePtr& into, std::size_t rows) {
    sql::plan::InsertPlan plan;
    plan.table = into;
    for (std::size_t i = 0; i < into->columns.size(); ++i) {
        plan.columns.push_back(i);
    }
    plan.row_count = rows;
    plan.clear_cells();
    for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t i = 0; i < plan.columns.size(); ++i) {
            plan.give(row, i, static_cast<std::int64_t>(row));
        }
    }
    return plan;
}

const sql::render::Dialect* const kDialects[] = {&sql::mysql::dialect(), &sql::sqlite::dialect()};

}  // namespace

TEST_CASE("an identifier is quoted and its quotes are doubled") {
    sql::render::Writer backtick(sql::render::Quote::backtick);
    backtick.ident(schemas::Ident::from_catalog("a`b\"c"));
    CHECK(std::move(backtick).finish().text() == "`a``b\"c`");
    sql::render::Writer quote(sql::render::Quote::double_quote);
    quote.ident(schemas::Ident::from_catalog("a`b\"c"));
    CHECK(std::move(quote).finish().text() == "\"a`b\"\"c\"");
}

TEST_CASE("a value becomes a placeholder, whatever it holds") {
    sql::render::Writer writer(sql::render::Quote::backtick);
    writer.param(schemas::Text{"'; DROP TABLE t; --"}).number(18446744073709551615U);
    const sql::render::Statement statement = std::move(writer).finish();
    CHECK(statement.text() == "?18446744073709551615");
    REQUIRE(statement.params().size() == 1);
    CHECK(statement.params()[0] == schemas::Value(schemas::Text{"'; DROP TABLE t; --"}));
}

TEST_CASE("values that stay in the plan and values of the statement's own keep their order") {
    const schemas::Value first(std::int64_t{1});
    const schemas::Value third(std::int64_t{3});
    sql::render::Writer writer(sql::render::Quote::backtick);
    writer.param_in_place(first).param(std::int64_t{2}).param_in_place(third);
    const sql::render::Statement statement = std::move(writer).finish();
    CHECK(statement.text() == "???");
    REQUIRE(statement.params().size() == 3);
    std::int64_t next = 1;
    for (const schemas::Value& value : statement.params()) {
        CHECK(value == schemas::Value(next++));
    }
}

TEST_CASE("every row of a batch is inserted once, in order, the last one alone") {
    const auto into = table({column("a", integer()), column("b", integer())});
    for (const auto* const dialect : kDialects) {
        for (const std::size_t rows : {1U, 2U, 5U, 6U, 257U, 1000U, 3001U}) {
            CAPTURE(rows);
            const sql::render::Program program = rendered(batch(into, rows), *dialect);
            std::int64_t next = 0;
            for (const sql::render::Statement& statement : program.statements) {
                for (std::size_t i = 0; i < statement.params().size(); i += 2) {
                    CHECK(statement.params()[i] == schemas::Value(next));
                    ++next;
                }
            }
            CHECK(next == static_cast<std::int64_t>(rows));
            CHECK(program.statements.back().params().size() == 2);
            CHECK(program.proof == sql::render::Proof::in_transaction);
        }
    }
}

TEST_CASE("batches of any length share a handful of statement texts") {
    const auto into = table({column("a", integer()), column("b", integer())});
    for (const auto* const dialect : kDialects) {
        std::map<std::string, int> texts;
        for (std::size_t rows = 1; rows < 700; rows += 7) {
            for (const sql::render::Statement& statement : rendered(batch(into, rows), *dialect).statements) {
                ++texts[statement.text()];
            }
        }
        CHECK(texts.size() == 5);
    }
}

TEST_CASE("a batch of a wide table stays within the placeholders of a statement") {
    std::vector<schemas::Column> columns;
    for (int i = 0; i < 900; ++i) {
        columns.push_back(column("c" + std::to_string(i), integer()));
    }
    const auto into = table(std::move(columns));
    for (const auto* const dialect : kDialects) {
        std::size_t params = 0;
        for (const sql::render::Statement& statement : rendered(batch(into, 300), *dialect).statements) {
            CHECK(statement.params().size() <= dialect->placeholders_max());
            params += statement.params().size();
        }
        CHECK(params == 300U * 900U);
    }
}

TEST_CASE("a missing cell is DEFAULT, or where there is no such word the row goes with its like") {
    auto plan = batch(table({column("a", integer()), column("b", integer())}), 6);
    plan.is_given[2 * 1 + 1] = false;  // row 2 and row 3 lack b
    plan.is_given[2 * 2 + 1] = false;
    const auto mysql = rendered(plan, sql::mysql::dialect());
    REQUIRE(mysql.statements.size() == 3);
    CHECK(mysql.statements[0].text() == "INSERT INTO `t` (`a`, `b`) VALUES (?, ?), (?, DEFAULT), (?, DEFAULT), (?, ?)");
    const auto sqlite = rendered(plan, sql::sqlite::dialect());
    REQUIRE(sqlite.statements.size() == 6);
    CHECK(sqlite.statements[0].text() == "INSERT INTO \"t\" (\"a\", \"b\") VALUES (?, ?)");
    CHECK(sqlite.statements[1].text() == "INSERT INTO \"t\" (\"a\") VALUES (?)");
    CHECK(sqlite.statements[2].text() == "INSERT INTO \"t\" (\"a\") VALUES (?)");
    CHECK(sqlite.statements[3].text() == "INSERT INTO \"t\" (\"a\", \"b\") VALUES (?, ?)");
}

TEST_CASE("the last id is the one that the last row was given, else the generated one, else none") {
    schemas::Column id = column("id", integer());
    id.is_auto_increment = true;
    auto plan = batch(table({id, column("b", integer())}), 3);
    for (const auto* const dialect : kDialects) {
        auto program = rendered(plan, *dialect);
        CHECK(program.last_id_explicit == schemas::Value(std::int64_t{2}));
        CHECK(!program.last_id_is_generated);
        auto generated = plan;
        generated.is_given[2 * 2] = false;
        program = rendered(generated, *dialect);
        CHECK(!program.last_id_explicit);
        CHECK(program.last_id_is_generated);
        program = rendered(batch(table({column("b", integer())}), 3), *dialect);
        CHECK(!program.last_id_explicit);
        CHECK(!program.last_id_is_generated);
    }
}

TEST_CASE("a write on a table whose version is not settled proves itself in its transaction") {
    const auto unsettled = table({column("a", integer())});
    unsettled->version.is_settled = false;
    const auto program = rendered(sql::plan::DeletePlan{unsettled, {{0, PredicateKind::is_null, {}}}}, sql::mysql::dialect());
    CHECK(program.proof == sql::render::Proof::in_transaction);
    CHECK(program.statements[0].text() == "DELETE FROM `t` WHERE `a` IS NULL");
}

TEST_CASE("a write that matches nothing keeps its proof, for the table may have changed") {
    const auto program =
        rendered(sql::plan::DeletePlan{table({column("a", integer())}), {{0, PredicateKind::never, {}}}}, sql::mysql::dialect());
    CHECK(program.proof == sql::render::Proof::in_statement);
    CHECK(program.statements[0].text().starts_with("DELETE FROM `t` WHERE 1 = 0 AND (SELECT create_time FROM "));
}

TEST_CASE("a delete proves what its condition means when integers pin the key of a settled table, and only then") {
    using Where = std::vector<sql::plan::Predicate>;
    const auto is = [](std::size_t column, std::int64_t value) {
        return sql::plan::Predicate{column, PredicateKind::eq, {schemas::Value(value)}};
    };
    schemas::Type padded = integer();
    padded.declared = "int(11) unsigned zerofill";
    const auto into = table({column("a", integer()), column("b", integer()), column("c", text()), column("d", padded)});
    into->primary_key = schemas::Key{"PRIMARY", {0, 1}};
    const auto proven = [&](const Where& where, const sql::render::Dialect& dialect = sql::mysql::dialect()) {
        const auto program = rendered(sql::plan::DeletePlan{into, where}, dialect);
        CHECK(program.statements.size() == 1);
        const std::string sql = program.statements[0].text();
        return sql.find("CAST(") < sql.find("create_time") ? sql : std::string();
    };
    CHECK(proven({is(1, 5), is(0, 6), is(1, 7)}) ==
          "DELETE FROM `t` WHERE `b` = ? AND `a` = ? AND `b` = ? AND COERCIBILITY(`b`) = 5 AND CAST(`b` AS BINARY) = ?"
          " AND COERCIBILITY(`a`) = 5 AND CAST(`a` AS BINARY) = ? AND COERCIBILITY(`b`) = 5 AND CAST(`b` AS BINARY) = ?");
    CHECK(proven({is(0, 5)}).empty());
    CHECK(proven({is(0, 5), {1, PredicateKind::gt, {schemas::Value(std::int64_t{1})}}}).empty());
    CHECK(proven({is(0, 5), is(1, 6), {1, PredicateKind::ne, {schemas::Value(std::int64_t{1})}}}).empty());
    CHECK(proven({is(0, 5), is(1, 6), {2, PredicateKind::eq, {schemas::Value(schemas::Text{"x"})}}}).empty());
    CHECK(proven({is(0, 5), is(1, 6), is(3, 7)}).empty());
    CHECK(proven({is(0, 5), {1, PredicateKind::never, {}}}).empty());
    CHECK(proven({is(0, 5), is(1, 6)}, sql::sqlite::dialect()).empty());
    into->version.is_settled = false;
    CHECK(proven({is(0, 5), is(1, 6)}).empty());
    into->version.is_settled = true;
    into->primary_key.reset();
    CHECK(proven({is(0, 5), is(1, 6)}).empty());
}

TEST_CASE("any value is a cell of the column's own storage class, not whatever is not NULL") {
    const auto any = [](schemas::Type type, const sql::render::Dialect& dialect) {
        const sql::plan::ReadPlan plan{table({column("c", std::move(type))}), {0}, {{0, PredicateKind::any_value, {}}}, {}, 1, 0};
        return rendered(plan, dialect).statements[0].text();
    };
    CHECK(any(integer(), sql::mysql::dialect()) == "SELECT `c` AS '' FROM `t` WHERE `c` IS NOT NULL LIMIT ?");
    CHECK(any(integer(), sql::sqlite::dialect()) ==
          "SELECT \"c\" FROM \"t\" WHERE (typeof(\"c\") = 'integer' AND \"c\" IS NOT NULL) LIMIT ?");
    CHECK(any(type_of(schemas::TypeClass::time, "time"), sql::sqlite::dialect()) ==
          "SELECT \"c\" FROM \"t\" WHERE (typeof(\"c\") = 'text' AND rowgate_time(\"c\") IS NOT NULL) LIMIT ?");
}

TEST_CASE("the largest limit and offset do not overflow") {
    const sql::plan::ReadPlan plan{table({column("a", integer())}), {0}, {}, {}, UINT64_MAX, UINT64_MAX};
    for (const auto* const dialect : kDialects) {
        const auto program = rendered(plan, *dialect);
        REQUIRE(program.statements[0].params().size() == 2);
        for (const schemas::Value& count : program.statements[0].params()) {
            CHECK(count == schemas::Value(std::int64_t{INT64_MAX}));
        }
    }
}
