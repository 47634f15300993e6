#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "sql/plan/bind.h"
#include "sql/plan/bind_keys.h"
#include "sql/plan/guard.h"
#include "tests/unit/sql_plan_tables.h"

using namespace sql_plan_tables;
using schemas::TypeClass;
using sql::plan::BodyKeys;
using sql::plan::DeletePlan;
using sql::plan::Fault;
using sql::plan::Intent;
using sql::plan::JsonKind;
using sql::plan::Order;
using sql::plan::Origin;
using sql::plan::PlanError;
using sql::plan::Predicate;
using sql::plan::Verb;

namespace {

std::shared_ptr<schemas::Table> with_key(std::vector<schemas::Column> columns, std::vector<std::size_t> key) {
    auto result = table(std::move(columns));
    result->primary_key = schemas::Key{"PRIMARY", std::move(key)};
    return result;
}

// t(id, name), key id.
schemas::TablePtr single() {
    return with_key({required("id", integer()), column("name", text())}, {0});
}

// t(region, item, note), key (item, region).
schemas::TablePtr composite() {
    return with_key({required("region", text()), required("item", integer()), column("note", text())}, {1, 0});
}

Intent by_path(std::string raw) {
    Intent intent;
    intent.verb = Verb::erase;
    intent.key = sql::plan::PathKey{std::move(raw), 20};
    return intent;
}

Intent by_ids(std::vector<std::string> items) {
    Intent intent;
    intent.verb = Verb::erase;
    intent.query.ids.emplace();
    intent.query.ids->position = 30;
    for (std::string& item : items) {
        intent.query.ids->items.push_back({std::move(item), 34});
    }
    return intent;
}

struct Part {
    std::string text;
    JsonKind kind = JsonKind::number;
};

Intent by_body(const std::vector<std::vector<Part>>& keys) {
    Intent intent;
    intent.verb = Verb::erase;
    BodyKeys& body = intent.body_keys.emplace();
    for (const std::vector<Part>& key : keys) {
        body.positions.push_back(8 + body.parts.size());
        for (const Part& part : key) {
            body.parts.push_back({{part.text, 100 + body.parts.size()}, part.kind});
        }
        body.ends.push_back(body.parts.size());
    }
    return intent;
}

const sql::plan::Sight& sight_without(std::size_t column, std::size_t count) {
    static sql::plan::Sight sight;
    std::vector<bool> flags(count, false);
    flags[column] = true;
    sight.in_filter = sql::plan::Hidden(flags);
    return sight;
}

std::string plan_of(const Intent& intent, const schemas::TablePtr& target) {
    const auto plan = sql::plan::bind_query(intent, target, {});
    REQUIRE_MESSAGE(plan, plan.error().detail);
    return describe(*plan);
}

PlanError error_of(const Intent& intent, const schemas::TablePtr& target, const sql::plan::Sight& sight = sql::plan::kClearSight) {
    const auto plan = sql::plan::bind_query(intent, target, {}, sight);
    REQUIRE_FALSE(plan);
    return plan.error();
}

}  // namespace

TEST_CASE("a key in the path is an eq on each column of the primary key, in key order") {
    CHECK(plan_of(by_path("7"), single()) == "delete t\nwhere id eq 7\nnames one row\n");
    CHECK(plan_of(by_path("7,eu"), composite()) == "delete t\nwhere item eq 7\nwhere region eq 'eu'\nnames one row\n");
    CHECK(plan_of(by_path("7,%22a,b%22"), composite()) == "delete t\nwhere item eq 7\nwhere region eq 'a,b'\nnames one row\n");
    Intent both = by_path("7");
    both.query.where.push_back(condition("name", filters::Operator::eq, {"x"}));
    CHECK(plan_of(both, single()) == "delete t\nwhere id eq 7\nwhere name eq 'x'\nnames one row\n");
}

TEST_CASE("half a key, or more than one, is refused and names the columns") {
    for (const char* const raw : {"7", "7%2Ceu", "7,eu,x"}) {
        CAPTURE(raw);
        const PlanError error = error_of(by_path(raw), composite());
        CHECK(error.fault == Fault::key_invalid);
        CHECK(error.detail.find("'item,region'") != std::string::npos);
        CHECK(error.position == (raw == std::string("7,eu,x") ? 25u : 20u));
    }
    CHECK(error_of(by_path("7,"), composite()).fault == Fault::key_invalid);
    CHECK(error_of(by_path("7,"), composite()).position == 22u);
}

TEST_CASE("a key in the path is of its column's type, and one that no row can have matches none") {
    const PlanError error = error_of(by_path("x,eu"), composite());
    CHECK(error.fault == Fault::value_invalid);
    CHECK(error.parameter == "item");
    CHECK(error.position == 20u);
    CHECK(error.origin == Origin::target);
    const auto priced = with_key({required("price", decimal(6, 2))}, {0});
    CHECK(plan_of(by_path("1.005"), priced) == "delete t\nwhere price never\nnames one row\n");
}

TEST_CASE("a table without a key that the caller may see has no row by its key") {
    const auto keyless = table({column("a", integer())});
    const PlanError error = error_of(by_path("1"), keyless);
    CHECK(error.fault == Fault::key_unknown);
    const PlanError hidden = error_of(by_path("1,x"), composite(), sight_without(0, 3));
    CHECK(hidden.fault == Fault::key_unknown);
    CHECK(hidden.detail == error.detail);
    CHECK(hidden.hint == error.hint);
}

TEST_CASE("ids are one condition beside the others; a double counts once") {
    CHECK(plan_of(by_ids({"3", "1", "3", "2", "1"}), single()) == "delete t\nwhere key 3 1 2\n");
    Intent both = by_ids({"1"});
    both.query.where.push_back(condition("name", filters::Operator::ne, {"x"}));
    CHECK(plan_of(both, single()) == "delete t\nwhere name ne 'x'\nwhere key 1\n");
}

TEST_CASE("an id that no row can have is left out, and all of them together match nothing") {
    const auto priced = with_key({required("price", decimal(6, 2))}, {0});
    CHECK(plan_of(by_ids({"1.005", "1.50"}), priced) == "delete t\nwhere key '1.50'\n");
    CHECK(plan_of(by_ids({"1.005", "99999"}), priced) == "delete t\nwhere price never\n");
    const auto latin = with_key({required("name", text("latin1"))}, {0});
    CHECK(plan_of(by_ids({"\xE2\x82\xAC\xF0\x9F\x98\x80"}), latin) == "delete t\nwhere name never\n");
}

TEST_CASE("ids in a query go with a key of one column") {
    const PlanError error = error_of(by_ids({"1"}), composite());
    CHECK(error.fault == Fault::query_invalid);
    CHECK(error.parameter == "ids");
    CHECK(error.position == 30u);
    CHECK(error.detail.find("'item,region'") != std::string::npos);
    CHECK(error_of(by_ids({"1"}), table({column("a", integer())})).fault == Fault::query_invalid);
    CHECK(error_of(by_ids({"1"}), single(), sight_without(0, 2)).fault == Fault::query_invalid);
    CHECK(error_of(by_ids({"1", "x"}), single()).fault == Fault::value_invalid);
    CHECK(error_of(by_ids({"1", "4294967296"}), single()).position == 34u);
}

TEST_CASE("an insert takes no ids") {
    Intent intent = by_ids({"1"});
    intent.verb = Verb::insert;
    const PlanError error = error_of(intent, single());
    CHECK(error.fault == Fault::query_invalid);
    CHECK(error.parameter == "ids");
}

TEST_CASE("the keys of a body are whole keys, in key order; a double counts once") {
    CHECK(plan_of(by_body({{{"1"}}, {{"2"}}, {{"1", JsonKind::string}}}), single()) == "delete t\nwhere key 1 2\n");
    CHECK(plan_of(by_body({{{"1"}, {"eu", JsonKind::string}},
                           {{"1"}, {"us", JsonKind::string}},
                           {{"1"}, {"eu", JsonKind::string}},
                           {{"2", JsonKind::string}, {"eu", JsonKind::string}}}),
                  composite()) == "delete t\nwhere key 1,'eu' 1,'us' 2,'eu'\n");
}

TEST_CASE("keys that only look alike when put together are two") {
    const auto texts = with_key({required("a", text()), required("b", text())}, {0, 1});
    CHECK(plan_of(by_body({{{"a", JsonKind::string}, {"bc", JsonKind::string}}, {{"ab", JsonKind::string}, {"c", JsonKind::string}}}), texts) ==
          "delete t\nwhere key 'a','bc' 'ab','c'\n");
}

TEST_CASE("a key with one impossible part is left out whole") {
    const auto priced = with_key({required("price", decimal(6, 2)), required("id", integer())}, {0, 1});
    CHECK(plan_of(by_body({{{"1.005"}, {"1"}}, {{"1.50"}, {"2"}}, {{"99999"}, {"3"}}}), priced) == "delete t\nwhere key '1.50',2\n");
    CHECK(plan_of(by_body({{{"1.005"}, {"1"}}}), priced) == "delete t\nwhere price never\n");
}

TEST_CASE("a key of a body with too few or too many values is refused at its place") {
    for (const std::vector<Part>& key : std::vector<std::vector<Part>>{{{"2"}}, {{"2"}, {"eu", JsonKind::string}, {"3"}}}) {
        const PlanError error = error_of(by_body({{{"1"}, {"eu", JsonKind::string}}, key}), composite());
        CHECK(error.fault == Fault::query_invalid);
        CHECK(error.origin == Origin::body);
        CHECK(error.position == 10u);
        CHECK(error.detail.find("'item,region'") != std::string::npos);
    }
    CHECK(error_of(by_body({{{"1"}, {"2"}}}), single()).fault == Fault::query_invalid);
    CHECK(error_of(by_body({{{"1"}}}), table({column("a", integer())})).origin == Origin::body);
}

TEST_CASE("a key of a body has its column's JSON type or is a string, as a row's cell") {
    struct Bad {
        const char* first;
        JsonKind first_kind;
        const char* second;
        JsonKind second_kind;
        std::size_t position;
    };
    for (const Bad& bad : {Bad{"1", JsonKind::number, "7", JsonKind::number, 101},
                           Bad{"1", JsonKind::number, "true", JsonKind::boolean, 101},
                           Bad{"1", JsonKind::number, "null", JsonKind::null, 101},
                           Bad{"true", JsonKind::boolean, "eu", JsonKind::string, 100},
                           Bad{"null", JsonKind::null, "eu", JsonKind::string, 100},
                           Bad{"1.0", JsonKind::number, "eu", JsonKind::string, 100},
                           Bad{"1e0", JsonKind::number, "eu", JsonKind::string, 100},
                           Bad{"1x", JsonKind::string, "eu", JsonKind::string, 100}}) {
        CAPTURE(bad.first);
        CAPTURE(bad.second);
        const PlanError error = error_of(by_body({{Part{bad.first, bad.first_kind}, Part{bad.second, bad.second_kind}}}), composite());
        CHECK(error.fault == Fault::value_invalid);
        CHECK(error.origin == Origin::body);
        CHECK(error.position == bad.position);
    }
}

TEST_CASE("the conditions of a body's filter are joined with the query's, their errors in the body") {
    Intent intent;
    intent.verb = Verb::erase;
    intent.query.where.push_back(condition("name", filters::Operator::eq, {"x"}));
    intent.body_where.push_back(condition("id", filters::Operator::gt, {"5"}));
    CHECK(plan_of(intent, single()) == "delete t\nwhere name eq 'x'\nwhere id gt 5\n");
    intent.query.where.clear();
    CHECK(plan_of(intent, single()) == "delete t\nwhere id gt 5\n");
    intent.body_where.push_back(condition("nosuch", filters::Operator::gt, {"5"}));
    CHECK(error_of(intent, single()).origin == Origin::body);
    CHECK(error_of(intent, single()).fault == Fault::column_unknown);
}

TEST_CASE("a grant that does not let every column of a composite key filter does not let its keys") {
    const auto target = composite();
    const auto plan = sql::plan::bind_query(by_body({{{"1"}, {"eu", JsonKind::string}}}), target, {});
    REQUIRE(plan);
    for (const auto& [flags, is_allowed] : std::vector<std::pair<std::vector<bool>, bool>>{
             {{true, true, false}, true}, {{false, true, true}, false}, {{true, false, true}, false}}) {
        sql::plan::Policy policy;
        policy.has_terms = true;
        policy.alternatives.emplace_back();
        policy.alternatives.back().filter = sql::plan::Columns(flags);
        const auto guarded = sql::plan::Guard::guard(*plan, &policy);
        CHECK(guarded.has_value() == is_allowed);
        if (!guarded) {
            CHECK(guarded.error().fault == Fault::forbidden);
        }
        CHECK(obstacle(*plan, policy.alternatives.back()).has_value() != is_allowed);
    }
}

TEST_CASE("an order is total when it names a key that holds no NULL") {
    auto target = with_key({required("a", integer()), required("b", integer()), column("c", integer()), required("d", integer())}, {0, 1});
    target->unique_keys.push_back({"c", {2}});
    target->unique_keys.push_back({"d", {3}});
    const auto ordered = [&](std::vector<std::size_t> columns) {
        std::vector<Order> order;
        for (const std::size_t column : columns) {
            order.push_back({column, sql::plan::Direction::descending});
        }
        return is_total(order, *target);
    };
    CHECK(ordered({0, 1}));
    CHECK(ordered({1, 2, 0}));
    CHECK(ordered({3}));
    CHECK(ordered({2, 3}));
    CHECK_FALSE(ordered({0}));
    CHECK_FALSE(ordered({2}));
    CHECK_FALSE(ordered({1, 2}));
    CHECK_FALSE(ordered({}));
    target->primary_key.reset();
    CHECK_FALSE(ordered({0, 1}));
    target->columns[3].type.type_class = TypeClass::time;
    CHECK(ordered({3}));
    target->columns[3].type.storage = schemas::Storage::sqlite;
    CHECK_FALSE(ordered({3}));
}

TEST_CASE("a write whose body is still to name its rows binds without a condition, and no guard lets it pass") {
    Intent intent;
    intent.verb = Verb::erase;
    CHECK(error_of(intent, single()).fault == Fault::filter_required);
    intent.awaits_body = true;
    const auto plan = sql::plan::bind_query(intent, single(), {});
    REQUIRE(plan);
    CHECK(describe(*plan) == "delete t\n");
    const auto guarded = sql::plan::Guard::guard(*plan);
    REQUIRE_FALSE(guarded);
    CHECK(guarded.error().fault == Fault::filter_required);
    intent.query.where.push_back(condition("nosuch", filters::Operator::eq, {"x"}));
    CHECK(error_of(intent, single()).fault == Fault::column_unknown);
}

TEST_CASE("one row by its key is read without order, limit and offset") {
    Intent intent = by_path("7");
    intent.verb = Verb::read;
    CHECK(plan_of(intent, single()).starts_with("read t\n"));
    const auto refused = [&](auto change) {
        Intent other = intent;
        change(other.query);
        const PlanError error = error_of(other, single());
        CHECK(error.fault == Fault::query_invalid);
        return error.parameter;
    };
    CHECK(refused([](filters::Query& query) { query.limit = filters::Count{1, 40}; }) == "limit");
    CHECK(refused([](filters::Query& query) { query.offset = filters::Count{0, 40}; }) == "offset");
    CHECK(refused([](filters::Query& query) {
              query.order_position = 40;
              query.order.push_back({"id", 46, filters::Direction::ascending});
          }) == "order");
}
