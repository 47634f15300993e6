#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "sql/mysql/dialect.h"
#include "sql/plan/guard.h"
#include "sql/render/keys.h"
#include "sql/render/render.h"
#include "sql/sqlite/dialect.h"
#include "tests/unit/sql_plan_tables.h"

using namespace sql_plan_tables;
using schemas::Value;
using sql::plan::DeletePlan;
using sql::plan::Predicate;
using sql::plan::PredicateKind;
using sql::render::split_keys;

namespace {

// A table whose key is `width` integers, and a column v beside it.
std::shared_ptr<schemas::Table> keyed(std::size_t width) {
    std::vector<schemas::Column> columns;
    schemas::Key key{"PRIMARY", {}};
    for (std::size_t i = 0; i < width; ++i) {
        key.columns.push_back(i);
        columns.push_back(required(std::string(1, static_cast<char>('a' + i)), integer()));
    }
    columns.push_back(column("v", integer()));
    auto result = table(std::move(columns));
    result->primary_key = std::move(key);
    return result;
}

// Keys (0, 0, …), (1, 1, …) and so on.
Predicate keys(std::size_t count, std::size_t width) {
    Predicate predicate{0, PredicateKind::key_in, {}};
    for (std::size_t i = 0; i < count * width; ++i) {
        predicate.values.emplace_back(static_cast<std::int64_t>(i / width));
    }
    return predicate;
}

sql::render::Program rendered(const schemas::TablePtr& table, std::vector<Predicate> where, const sql::render::Dialect& dialect) {
    return sql::render::render(sql::plan::Guard::guard(DeletePlan{table, std::move(where), {}}).value(), dialect);
}

std::size_t count_of(std::string_view text, std::string_view part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + part.size())) {
        ++count;
    }
    return count;
}

}  // namespace

TEST_CASE("on MariaDB no list of keys has a thousand values, for it would be turned into a subquery") {
    for (const auto& [count, width, lists] : std::vector<std::tuple<std::size_t, std::size_t, std::size_t>>{
             {999, 1, 1}, {1000, 1, 2}, {10'000, 1, 11}, {499, 2, 1}, {500, 2, 2}, {333, 3, 1}, {334, 3, 2}, {10'000, 3, 31}}) {
        const auto program = rendered(keyed(width), {keys(count, width)}, sql::mysql::dialect());
        REQUIRE(program.statements.size() == 1);
        const std::string& text = program.statements[0].text();
        CHECK(count_of(text, " IN (") == lists);
        CHECK(count_of(text, " OR ") == lists - 1);
        CHECK(count_of(text, "WHERE (") == (lists > 1 || width > 1 ? 1 : 0));
        CHECK(count_of(text.substr(0, text.find(" AND (SELECT")), "?") == count * width);
    }
}

TEST_CASE("on SQLite any number of keys is one list, without a chain of OR") {
    const auto one = rendered(keyed(1), {keys(10'000, 1)}, sql::sqlite::dialect());
    REQUIRE(one.statements.size() == 1);
    CHECK(count_of(one.statements[0].text(), " IN (") == 1);
    CHECK(one.statements[0].params().size() == 10'000);
    const auto two = rendered(keyed(2), {keys(10'000, 2)}, sql::sqlite::dialect());
    REQUIRE(two.statements.size() == 1);
    CHECK(count_of(two.statements[0].text(), " OR ") == 0);
    CHECK(count_of(two.statements[0].text(), "), (") == 9'999);
}

TEST_CASE("keys past the placeholders of one statement are deleted in parts, in one transaction, each key once") {
    const Predicate beside{7, PredicateKind::eq, {Value(std::int64_t{-1})}};
    for (const auto* const dialect : {&sql::mysql::dialect(), &sql::sqlite::dialect()}) {
        const auto program = rendered(keyed(7), {keys(10'000, 7), beside}, *dialect);
        REQUIRE(program.statements.size() > 1);
        CHECK(program.proof == sql::render::Proof::in_transaction);
        CHECK(program.answer == sql::render::Answer::rows_affected);
        std::vector<std::int64_t> seen;
        for (const auto& statement : program.statements) {
            const auto params = statement.params();
            CHECK(params.size() <= dialect->placeholders_max());
            CHECK(count_of(statement.text(), "?") == params.size());
            REQUIRE(params.size() % 7 == 1);
            CHECK(std::get<std::int64_t>(params[params.size() - 1]) == -1);
            for (std::size_t i = 0; i + 1 < params.size(); i += 7) {
                seen.push_back(std::get<std::int64_t>(params[i]));
                CHECK(params[i] == params[i + 6]);
            }
        }
        CHECK(seen.size() == 10'000);
        CHECK(std::is_sorted(seen.begin(), seen.end()));
        CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
    }
}

TEST_CASE("keys are split only where one statement does not take them") {
    const auto table = keyed(2);
    const auto parts = [&](std::size_t count, std::size_t max, std::vector<Predicate> others = {}, const sql::plan::RowFilters& one_of = {}) {
        others.insert(others.begin(), keys(count, 2));
        return split_keys(others, one_of, max, *table).size();
    };
    CHECK(parts(42, 100) == 0);
    CHECK(parts(43, 100) == 2);
    CHECK(parts(84, 100) == 2);
    CHECK(parts(85, 100) == 3);
    const Predicate beside{2, PredicateKind::in, std::vector<Value>(10, Value(std::int64_t{1}))};
    CHECK(parts(42, 100, {beside}) == 2);
    CHECK(parts(42, 100, {}, {{beside}}) == 2);
    CHECK(parts(42, 100, {beside, beside, beside, beside, beside}) == 0);
    CHECK(split_keys({beside}, {}, 5, *table).empty());
    CHECK(split_keys({}, {}, 5, *table).empty());
}

TEST_CASE("a delete of one key by a list is proven as a delete by a filter") {
    const auto program = rendered(keyed(1), {keys(1, 1)}, sql::mysql::dialect());
    CHECK(program.statements[0].text().find("`a` IN (?) AND (SELECT create_time") != std::string::npos);
    CHECK(program.proof == sql::render::Proof::in_statement);
}
