// The one table of errors: complete, unambiguous, and reached by every fault of every stage.
#include <doctest/doctest.h>

#include <set>

#include "gateway/error.h"

using gateway::Code;

TEST_CASE("every code stands in the table exactly once, with a name and a title of its own") {
    std::set<std::string_view> names;
    std::set<std::string_view> titles;
    std::set<int> present;
    for (const gateway::CodeEntry& entry : gateway::codes()) {
        CHECK(names.insert(entry.name).second);
        CHECK(titles.insert(entry.title).second);
        CHECK(present.insert(static_cast<int>(entry.code)).second);
        CHECK(entry.status >= 400);
        CHECK(entry.status < 600);
    }
    for (int code = 0; code <= static_cast<int>(Code::internal_error); ++code) CHECK(present.contains(code));
}

TEST_CASE("every fault of the filter language has a code that is the client's") {
    using filters::Fault;
    for (const Fault fault : {Fault::encoding_invalid, Fault::name_invalid, Fault::operator_unknown, Fault::value_invalid,
                              Fault::control_unknown, Fault::control_invalid, Fault::limit_exceeded}) {
        filters::ParseError error;
        error.fault = fault;
        error.position = 7;
        const gateway::Problem problem = gateway::to_problem(error);
        CHECK(gateway::entry_of(problem.code).status == (fault == Fault::operator_unknown ? 417 : 400));
        CHECK(problem.position == 7u);
    }
}

TEST_CASE("every fault of binding has its status") {
    using sql::plan::Fault;
    const std::pair<Fault, int> cases[] = {{Fault::column_unknown, 400},  {Fault::value_invalid, 400}, {Fault::query_invalid, 400},
                                           {Fault::limit_exceeded, 400},  {Fault::key_unknown, 404},   {Fault::key_invalid, 400},
                                           {Fault::row_invalid, 422},   {Fault::filter_required, 406},
                                           {Fault::not_implemented, 501}};
    for (const auto& [fault, status] : cases) {
        sql::plan::PlanError error;
        error.fault = fault;
        CHECK(gateway::entry_of(gateway::to_problem(error).code).status == status);
    }
}

TEST_CASE("every fault of what a request asks has a code that is the client's") {
    using gateway::request::AskFault;
    const std::pair<AskFault, Code> cases[] = {
        {AskFault::preference, Code::prefer_invalid}, {AskFault::header, Code::header_invalid}, {AskFault::query, Code::query_invalid}};
    for (const auto& [fault, code] : cases) {
        const gateway::Problem problem = gateway::to_problem(gateway::request::AskError{fault, "d", "h", "p", 7});
        CHECK(problem.code == code);
        CHECK(gateway::entry_of(problem.code).status == 400);
        CHECK(problem.position == 7u);
    }
    const gateway::request::KeysBodyError body = gateway::request::BodyError{gateway::request::BodyFault::wrong_shape, "d", "ids", 7};
    CHECK(gateway::to_problem(body).code == Code::row_invalid);
    const gateway::request::KeysBodyError filter = filters::ParseError{filters::Fault::operator_unknown, "d", "", "id", 7};
    CHECK(gateway::to_problem(filter).code == Code::operator_unknown);
}

TEST_CASE("every fault of a database has its status, and its inner text never leaves") {
    using sql::exec::DbFault;
    const std::pair<DbFault, int> cases[] = {
        {DbFault::unavailable, 503},     {DbFault::busy, 503},        {DbFault::conflict, 503},
        {DbFault::read_only, 503},       {DbFault::unique_violated, 409}, {DbFault::foreign_key_violated, 409},
        {DbFault::row_refused, 422},     {DbFault::too_large, 413},   {DbFault::schema_changed, 503},
        {DbFault::deadline_exceeded, 504}, {DbFault::outcome_unknown, 504}, {DbFault::denied, 500},
        {DbFault::unknown, 500}};
    for (const auto& [fault, status] : cases) {
        sql::exec::DbError error;
        error.fault = fault;
        error.internal = "SELECT secret";
        const gateway::Problem problem = gateway::to_problem(error);
        CHECK(gateway::entry_of(problem.code).status == status);
        CHECK(problem.detail.find("secret") == std::string::npos);
        CHECK(problem.retry_after.has_value() == (status == 503));
    }
}

TEST_CASE("a violated constraint is named") {
    sql::exec::DbError error;
    error.fault = sql::exec::DbFault::unique_violated;
    error.constraint = "email";
    CHECK(gateway::to_problem(error).detail == "another row already has this value of the unique key 'email'; nothing was changed");
}

TEST_CASE("a refusal of the front with an unexpected status is an inner failure without its reason") {
    const gateway::Problem problem = gateway::to_problem(gateway::http::Refusal{500, "vector::_M_range_check", 0});
    CHECK(problem.code == Code::internal_error);
    CHECK(problem.detail.find("vector") == std::string::npos);
    CHECK(problem.internal == "vector::_M_range_check");
}
