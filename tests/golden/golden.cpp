// Runs the golden cases: each request through parse, bind, guard and render for every dialect, compared with the blocks that the
// case file holds. No database, no HTTP. README.md beside this file describes the format.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "filters/parse.h"
#include "gateway/error.h"
#include "gateway/request/body.h"
#include "gateway/request/keys_body.h"
#include "schemas/value.h"
#include "sql/mysql/dialect.h"
#include "sql/plan/bind.h"
#include "sql/plan/describe_value.h"
#include "sql/plan/guard.h"
#include "sql/render/check.h"
#include "sql/render/counted.h"
#include "sql/render/render.h"
#include "sql/render/set_digest.h"
#include "sql/sqlite/dialect.h"
#include "tests/golden/caller.h"
#include "tests/golden/case_file.h"
#include "tests/golden/fixture.h"

namespace golden {
namespace {

using schemas::Family;
using schemas::TypeClass;

// What one dialect makes of a case: an error, or plan, statements and parameters.
struct Result {
    std::string error_head;  // "CODE STATUS position"; empty: no error
    std::string error;
    std::string plan;
    std::string sql;
    std::string params;
};

// (operator, type class) pairs that a case has touched, by family.
using Pair = std::pair<filters::Operator, TypeClass>;

struct Coverage {
    std::set<Pair> mysql;
    std::set<Pair> sqlite;
    std::set<TypeClass> negated_is;
};

Result error_result(const gateway::Problem& problem, bool is_in_body) {
    const gateway::CodeEntry& entry = gateway::entry_of(problem.code);
    std::string position = "-";
    if (problem.position) {
        position = fmt::format("{}{}", is_in_body ? "body:" : "", *problem.position);
    }
    Result result;
    result.error_head = fmt::format("{} {} {}", entry.name, entry.status, position);
    result.error = problem.detail + "\n";
    if (!problem.hint.empty()) {
        result.error += "hint: " + problem.hint + "\n";
    }
    return result;
}

Result plan_error_result(const sql::plan::PlanError& error) {
    return error_result(gateway::to_problem(error), error.origin == sql::plan::Origin::body);
}

std::string_view name_of(sql::render::Proof proof) {
    switch (proof) {
        case sql::render::Proof::none:
            return "none";
        case sql::render::Proof::in_statement:
            return "in the statement";
        case sql::render::Proof::in_transaction:
            return "in the transaction";
    }
    return "";
}

void add_statement(Result& result, std::string_view role, const sql::render::Statement& statement) {
    result.sql += std::string(role) + statement.text() + "\n";
    std::string line;
    for (const schemas::Value& value : statement.params()) {
        line += (line.empty() ? "" : ", ") + sql::plan::describe(value);
    }
    result.params += (line.empty() ? "nothing" : line) + "\n";
}

// As if there were one row, with 1 for its key.
std::vector<schemas::Value> one_as_key(const schemas::Table& table) {
    std::vector<schemas::Value> key;
    for (const schemas::Column* const column : sql::render::key_columns(table)) {
        key.push_back(schemas::read_literal("1", column->type, schemas::Purpose::comparison).value().value);
    }
    return key;
}

// How a write under row filters looks at what it has written.
void add_check(Result& result, const sql::plan::Plan& plan, const sql::render::Program& program, const sql::render::Dialect& dialect) {
    for (const sql::render::Statement& statement : sql::render::render_shown(plan, dialect, one_as_key(*program.table))) {
        add_statement(result, "after: ", statement);
    }
}

Result program_result(const sql::plan::Plan& plan, const sql::render::Program& program, const sql::render::Dialect& dialect) {
    Result result;
    result.plan = sql::plan::describe(plan);
    if (program.keys_before) {
        add_statement(result, "before: ", *program.keys_before);
    }
    const bool goes_by_key = program.counting == sql::render::Counting::always && !dialect.finds_before_writing() && program.table->primary_key;
    for (const sql::render::Statement& statement :
         goes_by_key ? sql::render::render_write_by_keys(plan, dialect, one_as_key(*program.table)) : program.statements) {
        add_statement(result, goes_by_key ? "by key: " : "", statement);
    }
    if (program.check != sql::render::Check::none) {
        add_check(result, plan, program, dialect);
    }
    if (program.proof != sql::render::Proof::none) {
        result.sql += fmt::format("proof: {}\n", name_of(program.proof));
    }
    if (program.last_id_is_generated) {
        result.sql += "last id: generated\n";
    } else if (program.last_id_explicit) {
        result.sql += fmt::format("last id: {}\n", sql::plan::describe(*program.last_id_explicit));
    }
    return result;
}

sql::plan::Verb verb_of(const std::string& method) {
    if (method == "DELETE") {
        return sql::plan::Verb::erase;
    }
    if (method == "POST") {
        return sql::plan::Verb::insert;
    }
    return method == "GET" || method == "DIGEST" ? sql::plan::Verb::read : sql::plan::Verb::update;
}

// How the rows that a read would answer are counted and digested.
Result digest_result(const sql::plan::Plan& plan, const sql::render::Dialect& dialect) {
    const auto& read = std::get<sql::plan::ReadPlan>(plan);
    Result result;
    result.plan = sql::plan::describe(plan);
    add_statement(result, "", sql::render::render_set_digest({*read.table, read.where, read.one_of, read.order, read.limit}, dialect, schemas::Text{"SALT"}));
    return result;
}

void cover(const filters::Query& query, const schemas::Table& table, Family family, Coverage& coverage) {
    for (const filters::Condition& condition : query.where) {
        if (const schemas::Column* const column = table.find(condition.column)) {
            const TypeClass type_class = column->type.type_class;
            (family == Family::mysql ? coverage.mysql : coverage.sqlite).insert({condition.op, type_class});
            if (condition.is_negated) {
                coverage.negated_is.insert(type_class);
            }
        }
    }
}

gateway::tenants::Verb tenant_verb_of(const std::string& method) {
    if (method == "DELETE") {
        return gateway::tenants::Verb::erase;
    }
    if (method == "GET" || method == "DIGEST") {
        return gateway::tenants::Verb::get;
    }
    if (method == "POST") {
        return gateway::tenants::Verb::post;
    }
    return method == "PUT" ? gateway::tenants::Verb::put : gateway::tenants::Verb::patch;
}

// What the grants say of the table, or that they do not get as far as a plan.
tl::expected<std::optional<sql::plan::Policy>, Result> policy_of(const Case& input, const schemas::Table& table) {
    if (input.grants.empty()) {
        return std::nullopt;
    }
    const Caller caller(input.grants, table.name.text());
    const gateway::tenants::Verb verb = tenant_verb_of(input.method);
    if (caller.access(verb) != gateway::tenants::Access::allowed) {
        return tl::unexpected(Result{"no grant", "no grant allows " + input.method + "\n", "", "", ""});
    }
    auto policy = caller.policy(verb, table);
    if (policy && policy->alternatives.empty()) {
        return tl::unexpected(Result{"no grant", fmt::format("{}\n", fmt::join(policy->misfits, "\n")), "", "", ""});
    }
    return policy;
}

// The table's name, and what stands behind it in the path: a key, or `bulk-delete` of a POST.
struct Address {
    std::string table;
    std::optional<sql::plan::PathKey> key;
    bool is_bulk_delete = false;
};

Address address_of(const Case& input) {
    const std::string path = input.target.substr(0, input.target.find('?'));
    const std::size_t slash = path.find('/', 1);
    if (slash == std::string::npos) {
        return {path.substr(1), std::nullopt, false};
    }
    if (input.method == "POST" && path.substr(slash) == "/bulk-delete") {
        return {path.substr(1, slash - 1), std::nullopt, true};
    }
    return {path.substr(1, slash - 1), sql::plan::PathKey{path.substr(slash + 1), slash + 1}, false};
}

// Rows that a body names, into the intent; what is wrong with them otherwise.
std::optional<Result> name_rows(const Case& input, const Address& address, const filters::Limits& limits, sql::plan::Intent& intent) {
    if (intent.verb != sql::plan::Verb::erase || input.body.empty()) {
        return std::nullopt;
    }
    using gateway::request::KeysForm;
    auto body = gateway::request::parse_keys_body(input.body, address.is_bulk_delete ? KeysForm::ids_or_filter : KeysForm::ids, {}, limits);
    if (!body) {
        return error_result(gateway::to_problem(body.error()), true);
    }
    intent.body_keys = std::move(body->keys);
    intent.body_where = std::move(body->where);
    return std::nullopt;
}

Result run(const Case& input, Family family, const filters::Limits& limits, Coverage& coverage) {
    const std::size_t question = std::min(input.target.find('?'), input.target.size());
    const Address address = address_of(input);
    const std::string& table_name = address.table;
    const schemas::TablePtr table = find_table(family, table_name);
    if (!table) {
        return {"no such table", "the fixture has no table " + table_name + "\n", "", "", ""};
    }
    const auto policy = policy_of(input, *table);
    if (!policy) {
        return policy.error();
    }
    const sql::plan::Sight& sight = *policy ? (*policy)->sight : sql::plan::kClearSight;
    sql::plan::Intent intent;
    intent.verb = address.is_bulk_delete ? sql::plan::Verb::erase : verb_of(input.method);
    intent.key = address.key;
    const std::size_t begin = std::min(question + 1, input.target.size());
    auto query = filters::parse(std::string_view(input.target).substr(begin), begin, limits);
    if (!query) {
        return error_result(gateway::to_problem(query.error()), false);
    }
    cover(*query, *table, family, coverage);
    intent.query = *std::move(query);
    if (auto refused = name_rows(input, address, limits, intent)) {
        return *refused;
    }
    auto plan = sql::plan::bind_query(intent, table, schemas::Limits{}, sight);
    if (!plan) {
        return plan_error_result(plan.error());
    }
    if (intent.verb == sql::plan::Verb::insert || intent.verb == sql::plan::Verb::update) {
        const auto shape = intent.verb == sql::plan::Verb::insert ? gateway::request::BodyShape::object_or_array
                                                                  : gateway::request::BodyShape::object;
        auto body = gateway::request::parse_body(input.body, shape, gateway::request::BodyLimits{});
        if (!body) {
            return error_result(gateway::to_problem(body.error()), true);
        }
        plan = sql::plan::bind_body(*std::move(plan), *body, sight, intent.key);
        if (!plan) {
            return plan_error_result(plan.error());
        }
    }
    auto guarded = sql::plan::Guard::guard(*std::move(plan), *policy ? &**policy : nullptr);
    if (!guarded) {
        return plan_error_result(guarded.error());
    }
    const sql::render::Dialect& dialect = family == Family::mysql ? sql::mysql::dialect() : sql::sqlite::dialect();
    if (input.method == "DIGEST") {
        return digest_result(guarded->plan(), dialect);
    }
    return program_result(guarded->plan(), sql::render::render(*guarded, dialect), dialect);
}

// One block where the databases agree, one each where they do not.
void append_pair(std::vector<Block>& blocks, const std::string& name, const std::string& mysql, const std::string& sqlite) {
    if (mysql == sqlite) {
        if (!mysql.empty()) {
            blocks.push_back({"-- " + name, mysql});
        }
        return;
    }
    if (!mysql.empty()) {
        blocks.push_back({"-- " + name + " mysql", mysql});
    }
    if (!sqlite.empty()) {
        blocks.push_back({"-- " + name + " sqlite", sqlite});
    }
}

std::vector<Block> blocks_of(const Result& mysql, const Result& sqlite) {
    std::vector<Block> blocks;
    if (!mysql.error_head.empty() && mysql.error_head == sqlite.error_head && mysql.error == sqlite.error) {
        return {{"-- error " + mysql.error_head, mysql.error}};
    }
    if (!mysql.error_head.empty()) {
        blocks.push_back({"-- error mysql " + mysql.error_head, mysql.error});
    }
    if (!sqlite.error_head.empty()) {
        blocks.push_back({"-- error sqlite " + sqlite.error_head, sqlite.error});
    }
    append_pair(blocks, "plan", mysql.plan, sqlite.plan);
    if (!mysql.sql.empty()) {
        blocks.push_back({"-- mysql", mysql.sql});
    }
    if (!sqlite.sql.empty()) {
        blocks.push_back({"-- sqlite", sqlite.sql});
    }
    append_pair(blocks, "params", mysql.params, sqlite.params);
    return blocks;
}

struct Tally {
    std::size_t passed = 0;
    std::size_t failed = 0;
};

void fail(Tally& tally, const std::string& where, const std::string& what) {
    ++tally.failed;
    std::cout << "FAILED " << where << "\n" << what << "\n";
}

void run_file(const std::filesystem::path& path, bool updates, Coverage& coverage, Tally& tally) {
    filters::Limits limits;
    limits.reads_asks = true;
    std::ifstream in(path);
    std::vector<Case> cases = parse_cases(in);
    in.close();
    std::string text;
    for (Case& item : cases) {
        if (!item.method.empty() || !item.grants.empty()) {
            const std::string where = path.filename().string() + ": " + item.method + " " + item.target;
            if (const std::string fault = request_problem(item); !fault.empty()) {
                fail(tally, where, fault);
            } else {
                std::vector<Block> actual = blocks_of(run(item, Family::mysql, limits, coverage), run(item, Family::sqlite, limits, coverage));
                if (updates || actual == item.blocks) {
                    ++tally.passed;
                    item.blocks = std::move(actual);
                } else if (item.blocks.empty()) {
                    fail(tally, where, "the case has no expected block; GOLDEN_UPDATE=1 writes them");
                } else {
                    Case is = item;
                    is.blocks = std::move(actual);
                    fail(tally, where, "expected:\n" + print(item) + "is:\n" + print(is));
                }
            }
        }
        text += (text.empty() ? "" : "\n") + print(item);
    }
    if (updates) {
        std::ofstream(path, std::ios::trunc) << text;
    }
}

constexpr filters::Operator kOperators[] = {
    filters::Operator::eq,  filters::Operator::ne,  filters::Operator::lt, filters::Operator::gt,  filters::Operator::le,
    filters::Operator::ge,  filters::Operator::bw,  filters::Operator::in, filters::Operator::nin, filters::Operator::li,
    filters::Operator::rli, filters::Operator::lli, filters::Operator::is,
};

// Every operator on every type class that the fixture's table has, and that table has every class there is.
void check_coverage(const Coverage& coverage, Tally& tally) {
    std::set<TypeClass> mysql_classes;
    for (const Family family : {Family::mysql, Family::sqlite}) {
        const bool is_mysql = family == Family::mysql;
        for (const schemas::Column& column : find_table(family, "everything")->columns) {
            const TypeClass type_class = column.type.type_class;
            if (is_mysql) {
                mysql_classes.insert(type_class);
            }
            for (const filters::Operator op : kOperators) {
                if (!(is_mysql ? coverage.mysql : coverage.sqlite).contains({op, type_class})) {
                    fail(tally, "coverage",
                         fmt::format("{}: no case has {} on a column of type {}", is_mysql ? "mysql" : "sqlite",
                                     filters::name_of(op), column.type.declared));
                }
            }
            if (!coverage.negated_is.contains(type_class)) {
                fail(tally, "coverage", "no case has not.is.null on a column of type " + column.type.declared);
            }
        }
    }
    const auto classes = static_cast<std::size_t>(TypeClass::unsupported) + 1;
    if (mysql_classes.size() != classes) {
        fail(tally, "coverage", fmt::format("the fixture has {} of {} type classes", mysql_classes.size(), classes));
    }
}

int main(int argc, char** argv) {
    bool updates = std::getenv("GOLDEN_UPDATE") != nullptr;
    std::string folder;
    for (int i = 1; i < argc; ++i) {
        if (std::string_view(argv[i]) == "--update") {
            updates = true;
        } else {
            folder = argv[i];
        }
    }
    if (folder.empty()) {
        std::cerr << "usage: golden DIR [--update]\n";
        return 2;
    }
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(folder) / "cases")) {
        if (entry.path().extension() == ".case") {
            paths.push_back(entry.path());
        }
    }
    std::sort(paths.begin(), paths.end());
    Coverage coverage;
    Tally tally;
    for (const auto& path : paths) {
        run_file(path, updates, coverage, tally);
    }
    check_coverage(coverage, tally);
    std::cout << tally.passed << " passed, " << tally.failed << " failed\n";
    return tally.failed == 0 && tally.passed != 0 ? 0 : 1;
}

}  // namespace
}  // namespace golden

int main(int argc, char** argv) {
    try {
        return golden::main(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "golden: " << error.what() << "\n";
        return 2;
    }
}
