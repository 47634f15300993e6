#include <doctest/doctest.h>

#include <string>

#include "sql/mysql/dialect.h"
#include "sql/plan/bind.h"
#include "sql/plan/guard.h"
#include "sql/plan/policy.h"
#include "sql/render/check.h"
#include "sql/render/render.h"
#include "sql/sqlite/dialect.h"
#include "tests/unit/sql_plan_tables.h"

using filters::Operator;
using namespace sql_plan_tables;
using sql::plan::Fault;
using sql::plan::Policy;
using sql::plan::Terms;
using sql::plan::Verb;

namespace {

using Names = std::optional<std::vector<std::string>>;

// id, owner, n; id is the key.
schemas::TablePtr things() {
    auto result = table({column("id", integer()), column("owner", text()), column("n", integer())});
    result->primary_key = schemas::Key{"PRIMARY", {0}};
    return result;
}

// A grant on every verb. The lists outlive the terms.
struct Given {
    Names read;
    Names write;
    Names filter;
    std::vector<filters::Condition> row_filter = {};
    std::vector<std::pair<std::string, filters::Literal>> values = {};

    [[nodiscard]] Terms terms() const {
        Terms terms;
        terms.reads = terms.filters = terms.writes = terms.applies = true;
        terms.read = &read;
        terms.write = &write;
        terms.filter = &filter;
        terms.row_filter = row_filter;
        terms.values = values;
        return terms;
    }
};

Policy policy(const std::vector<Given>& grants) {
    std::vector<Terms> terms;
    for (const Given& grant : grants) {
        terms.push_back(grant.terms());
    }
    return sql::plan::bind_policy(terms, *things());
}

Given own(const std::string& user) { return {{}, {}, {}, {condition("owner", Operator::eq, {user})}}; }

sql::plan::Plan bound(Verb verb, std::vector<filters::Condition> where) {
    auto plan = sql::plan::bind_query(intent(verb, std::move(where)), things(), {});
    REQUIRE(plan);
    return std::move(*plan);
}

sql::plan::Plan update(std::vector<sql::plan::Assignment> assignments) {
    auto plan = std::get<sql::plan::UpdatePlan>(bound(Verb::update, {condition("id", Operator::eq, {"1"})}));
    plan.assignments = std::move(assignments);
    return plan;
}

sql::plan::Plan insert(schemas::Value owner) {
    sql::plan::InsertPlan plan;
    plan.table = things();
    plan.columns = {0, 1};
    plan.row_count = 1;
    plan.clear_cells();
    plan.give(0, 0, std::int64_t{7});
    plan.give(0, 1, std::move(owner));
    return plan;
}

// The guarded plan as text, or the fault.
std::string narrowed(sql::plan::Plan plan, const std::vector<Given>& grants) {
    const Policy by = policy(grants);
    const auto guarded = sql::plan::Guard::guard(std::move(plan), &by);
    return guarded ? sql::plan::describe(guarded->plan()) : "fault " + std::to_string(static_cast<int>(guarded.error().fault));
}

std::string fault(Fault fault) { return "fault " + std::to_string(static_cast<int>(fault)); }

sql::render::Program rendered(sql::plan::Plan plan, const std::vector<Given>& grants, const sql::render::Dialect& dialect) {
    const Policy by = policy(grants);
    return sql::render::render(sql::plan::Guard::guard(std::move(plan), &by).value(), dialect);
}

}  // namespace

TEST_CASE("row filters of several grants are joined with OR, and a grant without one lifts them") {
    CHECK(narrowed(bound(Verb::erase, {condition("id", Operator::eq, {"1"})}), {own("a"), own("b")}) ==
          "delete t\nwhere id eq 1\none of\nwhere owner eq 'a'\none of\nwhere owner eq 'b'\n");
    CHECK(narrowed(bound(Verb::erase, {condition("id", Operator::eq, {"1"})}), {own("a"), Given{}}) == "delete t\nwhere id eq 1\n");
}

TEST_CASE("only grants that allow every column that is used count") {
    Given narrow = own("a");
    narrow.filter = Names{{"id"}};
    CHECK(narrowed(bound(Verb::erase, {condition("n", Operator::eq, {"1"})}), {narrow, own("b")}) ==
          "delete t\nwhere n eq 1\none of\nwhere owner eq 'b'\n");
    CHECK(narrowed(bound(Verb::erase, {condition("n", Operator::eq, {"1"})}), {narrow}) == fault(Fault::forbidden));
}

TEST_CASE("a read that names no columns gives those that go with every row it shows") {
    Given some = own("a");
    some.read = Names{{"id", "owner"}};
    Given others = own("b");
    others.read = Names{{"id", "n"}};
    CHECK(narrowed(bound(Verb::read, {}), {some, others}).starts_with("read t\ncolumns id\n"));
    Given whole;
    whole.read = Names{{"id", "n"}};
    CHECK(narrowed(bound(Verb::read, {}), {some, whole}) == "read t\ncolumns id n\nlimit 1000\n");
    others.read = Names{{"n"}};
    CHECK(narrowed(bound(Verb::read, {}), {some, others}) == fault(Fault::forbidden));
}

TEST_CASE("a filter of the policy's own is none of the request's") {
    const Policy by = policy({own("a")});
    const auto guarded = sql::plan::Guard::guard(sql::plan::DeletePlan{things(), {}, {}}, &by);
    REQUIRE_FALSE(guarded);
    CHECK(guarded.error().fault == Fault::filter_required);
}

TEST_CASE("forced values are filled in, must agree with the body, and lose to a grant that forces none") {
    Given forcing = own("a");
    forcing.values = {{"owner", {"a", 0}}};
    CHECK(narrowed(update({{2, std::int64_t{5}}}), {forcing}) ==
          "update t\nset owner 'a'\nset n 5\nwhere id eq 1\none of\nwhere owner eq 'a'\n");
    CHECK(narrowed(update({{1, schemas::Text{"a"}}}), {forcing}).starts_with("update t\nset owner 'a'\nwhere"));
    CHECK(narrowed(update({{1, schemas::Text{"b"}}}), {forcing}) == fault(Fault::row_forbidden));
    CHECK(narrowed(update({{2, std::int64_t{5}}}), {forcing, own("b")}) == "update t\nset n 5\nwhere id eq 1\none of\nwhere owner eq 'b'\n");
    Given other = own("b");
    other.values = {{"owner", {"b", 0}}};
    CHECK(narrowed(update({{2, std::int64_t{5}}}), {forcing, other}) == fault(Fault::row_forbidden));
    CHECK(narrowed(insert(schemas::Text{"b"}), {forcing, other}) == "insert t\ncolumns id owner\nrow 7 'b'\none of\nwhere owner eq 'b'\n");
    CHECK(narrowed(insert(schemas::Text{"c"}), {forcing, other}) == fault(Fault::row_forbidden));
    // A column that may not be written may be named with the value that it gets anyway.
    forcing.write = Names{{"n"}};
    CHECK(narrowed(update({{1, schemas::Text{"a"}}}), {forcing}).starts_with("update t\nset owner 'a'\nwhere"));
}

TEST_CASE("a hidden column is refused as one that is missing, and no hint names it") {
    Given some;
    some.read = some.write = Names{{"id", "n"}};
    const Policy by = policy({some});
    const auto refusal = [&](const std::string& name) {
        const auto plan = sql::plan::bind_query(intent(Verb::read, {condition(name, Operator::eq, {"x"})}), things(), {}, by.sight);
        REQUIRE_FALSE(plan);
        CHECK(plan.error().fault == Fault::column_unknown);
        return plan.error();
    };
    CHECK(refusal("owner").detail == "there is no column 'owner'");
    CHECK(refusal("owner").hint == refusal("ownes").hint);
    CHECK(refusal("ownes").hint.empty());
}

TEST_CASE("a grant whose row filter or values do not fit the table does not apply") {
    const Policy by = policy({{{}, {}, {}, {condition("nosuch", Operator::eq, {"1"})}},
                              {{}, {}, {}, {condition("n", Operator::eq, {"x"})}},
                              {{}, {}, {}, {}, {{"n", {"x", 0}}}},
                              own("a")});
    CHECK(by.alternatives.size() == 1);
    CHECK(by.misfits.size() == 3);
    Given variable = own("");
    CHECK_FALSE(sql::plan::misfit(variable.terms(), {{false, 0, 0}}, *things()));
    variable.row_filter.front().column = "nosuch";
    CHECK(sql::plan::misfit(variable.terms(), {{false, 0, 0}}, *things()) == "row_filter: there is no column 'nosuch'");
}

TEST_CASE("a gap in a row filter or a value takes what the column can hold, and nothing makes up for the rest") {
    const auto misfit = [](filters::Condition filter, std::size_t at) {
        Given grant;
        grant.row_filter = {std::move(filter)};
        return sql::plan::misfit(grant.terms(), {{false, 0, at}}, *things()).value_or("");
    };
    CHECK(misfit(condition("n", Operator::eq, {""}), 0).empty());
    CHECK(misfit(condition("n", Operator::in, {"5", ""}), 1).empty());
    CHECK(misfit(condition("n", Operator::in, {"x", ""}), 1).find("'x' is not an integer") != std::string::npos);
    CHECK(misfit(condition("n", Operator::li, {""}), 0).find("'n'") != std::string::npos);
    CHECK(misfit(condition("owner", Operator::li, {""}), 0).empty());
    // Without a gap an empty literal is one: no integer is written so.
    Given grant;
    grant.row_filter = {condition("n", Operator::eq, {""})};
    CHECK(sql::plan::misfit(grant.terms(), {}, *things()));
    Given value;
    value.values = {{"n", {"", 0}}};
    CHECK(sql::plan::misfit(value.terms(), {}, *things()));
    CHECK_FALSE(sql::plan::misfit(value.terms(), {{true, 0, 0}}, *things()));
    value.values.front().first = "nosuch";
    CHECK(sql::plan::misfit(value.terms(), {{true, 0, 0}}, *things()) == "values: there is no column 'nosuch'");
}

TEST_CASE("a write under row filters needs a primary key, and a delete does not") {
    auto keyless = table({column("id", integer()), column("owner", text())});
    const Policy by = sql::plan::bind_policy({own("a").terms()}, *keyless);
    const std::vector<sql::plan::Predicate> where{{0, sql::plan::PredicateKind::eq, {std::int64_t{1}}}};
    const auto changed = sql::plan::Guard::guard(sql::plan::UpdatePlan{keyless, {{0, std::int64_t{1}}}, where, {}}, &by);
    REQUIRE_FALSE(changed);
    CHECK(changed.error().fault == Fault::not_implemented);
    CHECK(sql::plan::Guard::guard(sql::plan::DeletePlan{keyless, where, {}}, &by));
}

TEST_CASE("row filters are rendered with the request's conditions") {
    const auto text_of = [](sql::plan::Plan plan, const std::vector<Given>& grants) {
        return rendered(std::move(plan), grants, sql::mysql::dialect()).statements.front().text();
    };
    CHECK(text_of(bound(Verb::read, {}), {own("a")}) == "SELECT `id` AS '', `owner` AS '', `n` AS '' FROM `t` WHERE `owner` = ? LIMIT 1001");
    Given two = own("b");
    two.row_filter.push_back(condition("n", Operator::gt, {"3"}));
    CHECK(text_of(bound(Verb::read, {condition("id", Operator::eq, {"1"})}), {own("a"), two}) ==
          "SELECT `id` AS '', `owner` AS '', `n` AS '' FROM `t` WHERE `id` = ? AND ((`owner` = ?) OR (`owner` = ? AND `n` > ?)) LIMIT 1001");
    CHECK(text_of(bound(Verb::read, {}), {own("a"), own("b")}) == "SELECT `id` AS '', `owner` AS '', `n` AS '' FROM `t` WHERE ((`owner` = ?) OR (`owner` = ?)) LIMIT 1001");
}

TEST_CASE("a delete by key proves its row filter too, or the whole table") {
    const auto text_of = [](const std::vector<Given>& grants) {
        return rendered(bound(Verb::erase, {condition("id", Operator::eq, {"1"})}), grants, sql::mysql::dialect()).statements.front().text();
    };
    CHECK(text_of({{{}, {}, {}, {condition("n", Operator::eq, {"2"})}}}) ==
          "DELETE FROM `t` WHERE `id` = ? AND `n` = ? AND COERCIBILITY(`id`) = 5 AND CAST(`id` AS BINARY) = ? AND COERCIBILITY(`n`) = 5 AND "
          "CAST(`n` AS BINARY) = ?");
    CHECK(text_of({own("a")}).find("create_time") != std::string::npos);
    CHECK(text_of({own("a"), own("b")}).find("create_time") != std::string::npos);
}

TEST_CASE("what a write under row filters wrote is looked at again by key, in its transaction") {
    const sql::render::Program changed = rendered(update({{2, std::int64_t{5}}}), {own("a")}, sql::mysql::dialect());
    REQUIRE(changed.keys_before);
    CHECK(changed.keys_before->text() == "SELECT `id` AS '' FROM `t` WHERE `id` = ? AND `owner` = ? FOR UPDATE");
    CHECK(changed.proof == sql::render::Proof::in_transaction);
    const sql::render::Program added = rendered(insert(schemas::Text{"a"}), {own("a")}, sql::sqlite::dialect());
    CHECK(added.statements.front().text() == "INSERT INTO \"t\" (\"id\", \"owner\") VALUES (?, ?) RETURNING \"id\"");
    CHECK(added.check == sql::render::Check::rows_returned);
    std::vector<schemas::Value> keys(18, schemas::Value(std::int64_t{1}));
    const auto shown = sql::render::render_shown(*added.plan, sql::mysql::dialect(), std::move(keys));
    REQUIRE(shown.size() == 3);
    CHECK(shown.back().text() == "SELECT `id` AS '' FROM `t` WHERE `id` IN (?) AND `owner` = ?");
    // A key that the update sets is looked for where it went.
    const sql::render::Program moved = rendered(update({{0, std::int64_t{9}}}), {own("a")}, sql::mysql::dialect());
    const auto there = sql::render::render_shown(*moved.plan, sql::mysql::dialect(), {std::int64_t{1}});
    REQUIRE(there.size() == 1);
    CHECK(there.front().params()[0] == schemas::Value(std::int64_t{9}));
}
