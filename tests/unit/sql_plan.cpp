#include <doctest/doctest.h>

#include <string>

#include "sql/plan/bind.h"
#include "sql/plan/guard.h"
#include "sql/plan/message.h"
#include "tests/unit/sql_plan_tables.h"

using filters::Operator;
using namespace sql_plan_tables;
using sql::plan::Fault;
using sql::plan::Verb;

namespace {

// The conditions of a delete on one column, as describe prints them; or the error's detail.
std::string bound(schemas::Type type, std::vector<filters::Condition> where) {
    const auto plan = sql::plan::bind_query(intent(Verb::erase, std::move(where)), table({column("c", std::move(type))}), {});
    return plan ? sql::plan::describe(*plan).substr(std::string("delete t\n").size()) : "error: " + plan.error().detail;
}

std::string bound(schemas::Type type, Operator op, std::initializer_list<std::string> values) {
    return bound(std::move(type), {condition("c", op, values)});
}

}  // namespace

TEST_CASE("a literal between two values of the column is compared with the one below it") {
    CHECK(bound(decimal(6, 2), Operator::eq, {"1.005"}) == "where c never\n");
    CHECK(bound(decimal(6, 2), Operator::ne, {"1.005"}) == "where c any_value\n");
    CHECK(bound(decimal(6, 2), Operator::lt, {"1.005"}) == "where c le '1.00'\n");
    CHECK(bound(decimal(6, 2), Operator::le, {"1.005"}) == "where c le '1.00'\n");
    CHECK(bound(decimal(6, 2), Operator::gt, {"1.005"}) == "where c gt '1.00'\n");
    CHECK(bound(decimal(6, 2), Operator::ge, {"1.005"}) == "where c gt '1.00'\n");
    CHECK(bound(decimal(6, 2), Operator::lt, {"-1.005"}) == "where c le '-1.01'\n");
}

TEST_CASE("a literal above or below every value of the column matches all rows or none") {
    for (const Operator op : {Operator::eq, Operator::gt, Operator::ge}) {
        CHECK(bound(decimal(6, 2), op, {"99999"}) == "where c never\n");
    }
    for (const Operator op : {Operator::ne, Operator::lt, Operator::le}) {
        CHECK(bound(decimal(6, 2), op, {"99999"}) == "where c any_value\n");
    }
    for (const Operator op : {Operator::eq, Operator::lt, Operator::le}) {
        CHECK(bound(decimal(6, 2), op, {"-99999"}) == "where c never\n");
    }
    for (const Operator op : {Operator::ne, Operator::gt, Operator::ge}) {
        CHECK(bound(decimal(6, 2), op, {"-99999"}) == "where c any_value\n");
    }
}

TEST_CASE("the bounds of bw are each moved to what the column can hold") {
    const auto bw = [](const char* low, const char* high) { return bound(decimal(6, 2), Operator::bw, {low, high}); };
    CHECK(bw("1", "2") == "where c between '1.00' '2.00'\n");
    CHECK(bw("1", "2.005") == "where c between '1.00' '2.00'\n");
    CHECK(bw("1.005", "2") == "where c gt '1.00'\nwhere c le '2.00'\n");
    CHECK(bw("1.005", "2.005") == "where c gt '1.00'\nwhere c le '2.00'\n");
    CHECK(bw("1.001", "1.009") == "where c gt '1.00'\nwhere c le '1.00'\n");
    CHECK(bw("-99999", "2") == "where c le '2.00'\n");
    CHECK(bw("1", "99999") == "where c ge '1.00'\n");
    CHECK(bw("1.005", "99999") == "where c gt '1.00'\n");
    CHECK(bw("-99999", "99999") == "where c any_value\n");
    CHECK(bw("99998", "99999") == "where c never\n");
    CHECK(bw("-99999", "-99998") == "where c never\n");
    CHECK(bw("99999", "-99999") == "where c never\n");
    CHECK(bound(integer(), Operator::bw, {"2", "1"}) == "where c never\n");
    CHECK(bound(integer(), Operator::bw, {"1", "1"}) == "where c between 1 1\n");
    CHECK(bound(text("latin1"), Operator::bw, {"a", "😀"}) == "where c never\n");
    CHECK(bound(text("latin1"), Operator::bw, {"😀", "z"}) == "where c never\n");
}

TEST_CASE("a number that a SQLite column does not declare is compared as it is, for a cell may hold any") {
    schemas::Type type = decimal(6, 2);
    type.storage = schemas::Storage::sqlite;
    type.is_unsigned = true;
    CHECK(bound(type, Operator::lt, {"1.005"}) == "where c lt 1.005\n");
    CHECK(bound(type, Operator::ne, {"1.005"}) == "where c ne 1.005\n");
    CHECK(bound(type, Operator::lt, {"99999"}) == "where c lt 99999.0\n");
    CHECK(bound(type, Operator::gt, {"-1.5"}) == "where c gt -1.5\n");
    CHECK(bound(type, Operator::in, {"1.5", "1.005"}) == "where c in 1.5 1.005\n");
    CHECK(bound(type, Operator::bw, {"-1", "99999"}) == "where c between -1.0 99999.0\n");
    CHECK(bound(type, Operator::lt, {"1e999"}) == "where c any_value\n");
    schemas::Type single = type_of(schemas::TypeClass::float32, "float unsigned");
    single.storage = schemas::Storage::sqlite;
    single.is_unsigned = true;
    CHECK(bound(single, Operator::gt, {"-0.1"}) == "where c gt -0.10000000149011612\n");
    schemas::Type big = integer(64);
    big.storage = schemas::Storage::sqlite;
    big.is_unsigned = true;
    CHECK(bound(big, Operator::lt, {"18446744073709551615"}) == "where c any_value\n");
    CHECK(bound(big, Operator::eq, {"18446744073709551615"}) == "where c never\n");
}

TEST_CASE("a list loses what equals nothing, and an empty rest matches none or all") {
    CHECK(bound(decimal(6, 2), Operator::in, {"1.5", "1.005", "99999"}) == "where c in '1.50'\n");
    CHECK(bound(decimal(6, 2), Operator::in, {"1.005"}) == "where c never\n");
    CHECK(bound(decimal(6, 2), Operator::nin, {"1.5", "1.005"}) == "where c not_in '1.50'\n");
    CHECK(bound(decimal(6, 2), Operator::nin, {"1.005", "-99999"}) == "where c any_value\n");
}

TEST_CASE("text that the column's character set cannot hold equals nothing and has no order") {
    for (const Operator op : {Operator::eq, Operator::lt, Operator::le, Operator::gt, Operator::ge, Operator::li, Operator::rli,
                              Operator::lli, Operator::in}) {
        CAPTURE(static_cast<int>(op));
        CHECK(bound(text("latin1"), op, {"😀"}) == "where c never\n");
    }
    CHECK(bound(text("latin1"), Operator::ne, {"😀"}) == "where c any_value\n");
    CHECK(bound(text("latin1"), Operator::nin, {"😀"}) == "where c any_value\n");
}

TEST_CASE("a column named several times must meet every condition") {
    CHECK(bound(integer(), {condition("c", Operator::gt, {"1"}), condition("c", Operator::le, {"3"}),
                            condition("c", Operator::ne, {"2"})}) == "where c gt 1\nwhere c le 3\nwhere c ne 2\n");
}

TEST_CASE("is.null is asked of any column, other operators not of json, geometry and unknown types") {
    for (const auto type_class : {schemas::TypeClass::json, schemas::TypeClass::geometry, schemas::TypeClass::unsupported}) {
        const schemas::Type type = type_of(type_class, "odd");
        const std::string name = type_class == schemas::TypeClass::json ? "json" : "odd";
        filters::Condition is = condition("c", Operator::is, {});
        CHECK(bound(type, {is}) == "where c is_null\n");
        is.is_negated = true;
        CHECK(bound(type, {is}) == "where c is_not_null\n");
        CHECK(bound(type, Operator::eq, {"1"}) == "error: column 'c': eq cannot compare a column of type " + name);
        CHECK(bound(type, Operator::li, {"1"}) == "error: column 'c': li cannot compare a column of type " + name);
        CHECK(bound(type, Operator::nin, {"1"}) == "error: column 'c': nin cannot compare a column of type " + name);
    }
}

TEST_CASE("contains, starts with and ends with ask for a text column and a character") {
    CHECK(bound(text(), Operator::li, {"50%"}) == "where c contains '50%'\n");
    CHECK(bound(text(), Operator::li, {""}) == "error: column 'c': li needs at least one character");
    CHECK(bound(integer(), Operator::rli, {"1"}) == "error: column 'c': rli asks for a text column, this one is int(11)");
}

TEST_CASE("a value that is not of its column's type is refused where it stands") {
    const auto plan =
        sql::plan::bind_query(intent(Verb::erase, {condition("c", Operator::eq, {"1abc"})}), table({column("c", integer())}), {});
    REQUIRE(!plan);
    CHECK(plan.error().fault == Fault::value_invalid);
    CHECK(plan.error().detail == "column 'c': '1abc' is not an integer");
    CHECK(plan.error().parameter == "c");
    CHECK(plan.error().position == 9);
    CHECK(!plan.error().hint.empty());
}

TEST_CASE("a quoted value is cut after forty characters, never inside one") {
    CHECK(sql::plan::quoted("abc") == "'abc'");
    const std::string forty(40, 'x');
    CHECK(sql::plan::quoted(forty) == "'" + forty + "'");
    CHECK(sql::plan::quoted(forty + "y") == "'" + forty + "…'");
    CHECK(sql::plan::quoted(std::string(39, 'x') + "éy") == "'" + std::string(39, 'x') + "é…'");
}

TEST_CASE("a write without a condition is refused before anything else is looked at") {
    for (const Verb verb : {Verb::erase, Verb::update}) {
        auto request = intent(verb, {});
        const auto refused = [&] {
            const auto plan = sql::plan::bind_query(request, table({column("c", integer())}), {});
            REQUIRE(!plan);
            return plan.error().fault;
        };
        CHECK(refused() == Fault::filter_required);
        request.query.limit = filters::Count{1, 3};
        CHECK(refused() == Fault::filter_required);
        request.query.undelivered.push_back({"confirm", 4, false});
        CHECK(refused() == Fault::filter_required);
        request.query.undelivered.push_back({"ids", 9, true});
        CHECK(refused() == Fault::not_implemented);
    }
}

TEST_CASE("a control that is not delivered is refused before columns are looked at") {
    auto request = intent(Verb::read, {condition("nosuch", Operator::eq, {"x"})});
    request.query.undelivered.push_back({"having", 30, true});
    request.query.undelivered.push_back({"ids", 20, true});
    const auto plan = sql::plan::bind_query(request, table({column("c", integer())}), {});
    REQUIRE(!plan);
    CHECK(plan.error().fault == Fault::not_implemented);
    CHECK(plan.error().parameter == "ids");
    CHECK(plan.error().position == 20);
}

TEST_CASE("limit above the maximum is refused with the maximum in the message") {
    auto request = intent(Verb::read, {});
    request.query.limit = filters::Count{11, 3};
    const auto plan = sql::plan::bind_query(request, table({column("c", integer())}), {10});
    REQUIRE(!plan);
    CHECK(plan.error().fault == Fault::limit_exceeded);
    CHECK(plan.error().detail == "limit 11 is above rows_max, which is 10");
    CHECK(plan.error().position == 3);
}

TEST_CASE("the guard lets no write without a condition through, whatever made the plan") {
    const auto any = table({column("c", integer())});
    const auto fault = [](sql::plan::Plan plan) {
        const auto guarded = sql::plan::Guard::guard(std::move(plan));
        REQUIRE(!guarded);
        return guarded.error().fault;
    };
    CHECK(fault(sql::plan::DeletePlan{any, {}}) == Fault::filter_required);
    CHECK(fault(sql::plan::UpdatePlan{any, {{0, std::int64_t{1}}}, {}}) == Fault::filter_required);
    CHECK(fault(sql::plan::UpdatePlan{any, {}, {{0, sql::plan::PredicateKind::is_null, {}}}}) == Fault::row_invalid);
    CHECK(fault(sql::plan::InsertPlan{any, {}, 0, {}, {}}) == Fault::row_invalid);
    CHECK(sql::plan::Guard::guard(sql::plan::ReadPlan{any, {0}, {}, {}, 1, 0}).has_value());
    CHECK(sql::plan::Guard::guard(sql::plan::DeletePlan{any, {{0, sql::plan::PredicateKind::never, {}}}}).has_value());
}
