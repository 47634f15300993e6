#include "gateway/explain.h"

#include <algorithm>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "filters/print.h"
#include "gateway/grants/standing.h"
#include "gateway/tenants/key_grants.h"
#include "gateway/tenants/standing.h"
#include "sql/plan/describe_value.h"

namespace gateway {
namespace {

using Texts = Outline::Texts;

constexpr std::size_t kTableSegment = 4;

struct Word {
    std::string effect;  // "allows" or "refuses"; "none": it does not speak for this caller and table
    std::string why;
};

// A role's grant and what it says of the case.
struct Spoken {
    const tenants::Grant* grant = nullptr;
    Word word;
};

// What the grants are measured by.
struct Case {
    const Trial& trial;
    const auth::Subject& subject;
    const std::string& table;
    std::optional<sql::plan::Plan> plan;      // as bound; nothing where the request did not come so far
    bool is_lifted = false;                   // a grant allows the verb on the whole table
};

Texts verbs_of(const tenants::Grant& grant) {
    Texts verbs;
    for (const tenants::Verb verb : grant.verbs) verbs.emplace_back(tenants::name_of(verb));
    return verbs;
}

std::string obstacle_text(const sql::plan::Obstacle& obstacle, const schemas::Table& table) {
    const std::string& name = table.columns[obstacle.column].name.text();
    if (obstacle.use == "filter") return fmt::format("column '{}' cannot be filtered or ordered by under this grant", name);
    if (obstacle.use == "read") return fmt::format("column '{}' cannot be read under this grant", name);
    if (obstacle.use == "write") return fmt::format("column '{}' cannot be written under this grant", name);
    return fmt::format("this grant writes another value into column '{}' than the body has", name);
}

const schemas::Table& table_of(const sql::plan::Plan& plan) {
    return *std::visit([](const auto& each) { return each.table; }, plan);
}

// Of a grant, or of one with a key's, that allows the verb.
Word word_of_terms(const sql::plan::Terms& terms, const Case& facts) {
    if (facts.trial.table == nullptr) return {"allows", "as far as is known without the database: columns and rows were not looked at"};
    const schemas::Table& table = facts.plan ? table_of(*facts.plan) : *facts.trial.table;
    const sql::plan::Policy alone = sql::plan::bind_policy({terms}, table);
    if (!alone.misfits.empty()) return {"none", "it does not fit the table: " + alone.misfits.front()};
    if (!facts.plan || alone.alternatives.empty()) return {"allows", "the verb; the request did not come to the columns"};
    if (const auto obstacle = sql::plan::obstacle(*facts.plan, alone.alternatives.front())) {
        return {"refuses", obstacle_text(*obstacle, table)};
    }
    return {"allows", alone.alternatives.front().row_filter.empty() ? "every row" : "the rows of its row filter"};
}

Word word_of(const tenants::Grant& grant, const Case& facts) {
    if (!tenants::holds_role(grant, facts.subject)) return {"none", fmt::format("the caller does not have the role '{}'", grant.role)};
    if (!tenants::names_table(grant, facts.table)) return {"none", fmt::format("it does not name the table '{}'", facts.table)};
    if (!tenants::applies_to(grant, facts.subject)) {
        return {"none", fmt::format("the caller has no value for {}", fmt::join(tenants::lacking(grant, facts.subject), ", "))};
    }
    const std::string_view verb = tenants::name_of(facts.trial.verb);
    if (!tenants::allows(grant, facts.trial.verb)) return {"refuses", fmt::format("it names the table, but not {}", verb)};
    if (grant.restriction == nullptr) return {"allows", fmt::format("{} on the whole table", verb)};
    if (facts.is_lifted) return {"none", "another grant allows the whole table"};
    return word_of_terms(tenants::terms_of({&grant}, facts.subject, facts.trial.verb).front(), facts);
}

// With those of the roles' grants that allow the request by themselves.
Word word_of_key_grant(const tenants::Grant& grant, const std::vector<Spoken>& roles, const Case& facts) {
    if (!tenants::names_table(grant, facts.table)) return {"none", fmt::format("it does not name the table '{}'", facts.table)};
    if (!tenants::applies_to(grant, facts.subject)) {
        return {"none", fmt::format("the caller has no value for {}", fmt::join(tenants::lacking(grant, facts.subject), ", "))};
    }
    const std::string_view verb = tenants::name_of(facts.trial.verb);
    if (!tenants::allows(grant, facts.trial.verb)) return {"refuses", fmt::format("it names the table, but not {}", verb)};
    Word word{"none", "no grant of the roles allows the request, so there is nothing to narrow"};
    for (const auto& [of_role, spoken] : roles) {
        if (spoken.effect != "allows") continue;
        if (const auto why = tenants::clash(*of_role, grant, facts.subject)) {
            word = {"refuses", *why};
            continue;
        }
        const bool is_whole = grant.restriction == nullptr && of_role->restriction == nullptr;
        word = is_whole ? Word{"allows", fmt::format("{} on the whole table", verb)}
                        : word_of_terms(tenants::terms_of_pair(*of_role, grant, facts.subject, facts.trial.verb), facts);
        word.why = fmt::format("with the grant of line {}: {}", of_role->line, word.why);
        if (word.effect == "allows") return word;
    }
    return word;
}

// By its members' names.
Outline standing_outline(const grants::Standing& standing) {
    Outline outline;
    for (const grants::StandingMember& member : grants::members_of(standing)) {
        std::visit(
            [&](auto value) {
                using Value = decltype(value);
                if constexpr (std::is_same_v<Value, std::uint64_t>) {
                    outline.add_number(std::string(member.name), value);
                } else if constexpr (std::is_same_v<Value, bool>) {
                    outline.add_flag(std::string(member.name), value);
                } else {
                    outline.add(std::string(member.name), std::string(value));
                }
            },
            member.value);
    }
    return outline;
}

Outline word_outline(const Word& word, const tenants::Grant& grant, const auth::Subject& subject) {
    Outline outline;
    outline.add("effect", word.effect);
    outline.add("why", word.why);
    outline.append(describe(grant, subject));
    return outline;
}

// Of the roles' grants, and of the key's where it has any.
void add_words(const Case& facts, Outline& steps) {
    std::vector<Spoken> roles;
    std::vector<Outline> words;
    for (const tenants::Grant& grant : facts.trial.database->grants) {
        roles.push_back({&grant, word_of(grant, facts)});
        words.push_back(word_outline(roles.back().word, grant, facts.subject));
    }
    steps.add("grants", std::move(words));
    if (!facts.subject.key_grants) return;
    std::vector<Outline> of_key;
    for (const tenants::Grant& grant : *facts.subject.key_grants) {
        of_key.push_back(word_outline(word_of_key_grant(grant, roles, facts), grant, facts.subject));
    }
    steps.add("key_grants", std::move(of_key));
}

// What grants, database and space come to together; left out where nothing stands.
void add_standing(const Case& facts, const Snapshot& snapshot, Outline& steps) {
    const tenants::Space* const space = snapshot.registry.find(facts.trial.segments[0], facts.trial.segments[1], facts.subject);
    if (space == nullptr) return;
    const grants::Standing standing = tenants::standing_on(*facts.trial.database, space->caps, facts.subject, facts.table, facts.trial.verb);
    if (!grants::members_of(standing).empty()) steps.add("standing", standing_outline(standing));
}

Texts hidden_names(const sql::plan::Hidden& hidden, const schemas::Table& table) {
    Texts names;
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        if (hidden.contains(i)) names.push_back(table.columns[i].name.text());
    }
    return names;
}

Texts lines_of(std::string_view text) {
    Texts lines;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

Outline describe(const sql::render::Statement& statement, std::string when) {
    Outline outline;
    outline.add_some("when", std::move(when));
    outline.add("sql", statement.text());
    Texts parameters;
    for (const schemas::Value& value : statement.params()) parameters.push_back(sql::plan::describe(value));
    outline.add("parameters", std::move(parameters));
    return outline;
}

std::vector<Outline> statements_of(const sql::render::Program& program) {
    std::vector<Outline> statements;
    if (program.keys_before) statements.push_back(describe(*program.keys_before, "before: finds and locks the rows"));
    const bool is_counted = program.counting == sql::render::Counting::always;
    for (const sql::render::Statement& statement : program.statements) {
        statements.push_back(describe(statement, is_counted ? "then, of the rows that were found" : ""));
    }
    return statements;
}

bool is_silence(Code code) {
    return code == Code::database_unavailable || code == Code::database_busy || code == Code::deadline_exceeded;
}

// What the grants are measured by. Refused for a column that they hide, the request is bound as if they did not; a read that names
// no columns has got them when the guard let it pass.
std::optional<sql::plan::Plan> plan_to_measure(const http::Request& request, const Snapshot& snapshot, const Trial& trial) {
    if (trial.bound && trial.guarded) {
        sql::plan::Plan plan = *trial.bound;
        if (auto* const read = std::get_if<sql::plan::ReadPlan>(&plan)) {
            read->columns = std::get<sql::plan::ReadPlan>(trial.guarded->plan()).columns;
            read->names_columns = true;
        }
        return plan;
    }
    if (trial.bound || !trial.policy) return trial.bound;
    Trial clear;
    clear.subject = trial.subject;
    clear.is_clear = true;
    static_cast<void>(try_out(http::Request(request), snapshot, clear));
    return clear.bound;
}

void add_plan(const Trial& trial, Outline& steps) {
    if (trial.policy && trial.table) {
        const schemas::Table& table = trial.bound ? table_of(*trial.bound) : *trial.table;
        const sql::plan::Sight& sight = trial.policy->sight;
        Outline hidden;
        hidden.add("select", hidden_names(sight.in_select, table));
        hidden.add("filter_and_order", hidden_names(sight.in_filter, table));
        hidden.add("body", hidden_names(sight.in_body, table));
        steps.add("hidden_columns", std::move(hidden));
    }
    if (trial.guarded) steps.add("plan", lines_of(sql::plan::describe(trial.guarded->plan())));
    if (!trial.program) return;
    steps.add("statements", statements_of(*trial.program));
    if (trial.program->check != sql::render::Check::none) {
        steps.add("then", "the rows written are looked up under the row filters, and all is rolled back when one is not shown");
    }
}

}  // namespace

void describe(const auth::Subject& subject, Outline& outline) {
    outline.add("org_id", subject.org_id);
    outline.add("project_id", subject.project_id);
    outline.add("space_id", subject.space_id);
    outline.add("user_id", subject.user_id);
    outline.add("roles", subject.roles);
    outline.add_some("key_id", subject.key_id);
    Texts claims;
    for (const auth::Claim& claim : subject.claims) claims.push_back(claim.name + "=" + claim.value);
    outline.add_some("claims", std::move(claims));
    if (subject.key_grants) {
        std::vector<Outline> narrowed;
        for (const tenants::Grant& grant : *subject.key_grants) narrowed.push_back(describe(grant, subject));
        outline.add("key_narrowed_to", std::move(narrowed));
    }
}

Outline describe(const Problem& problem) {
    const CodeEntry& entry = entry_of(problem.code);
    Outline outline;
    outline.add_number("status", static_cast<std::uint64_t>(entry.status));
    outline.add("code", std::string(entry.name));
    outline.add("detail", problem.detail);
    outline.add_some("hint", problem.hint);
    outline.add_some("parameter", problem.parameter);
    outline.add_some("internal", problem.internal);
    return outline;
}

Outline describe(const tenants::Grant& grant, const auth::Subject& subject) {
    Outline outline;
    outline.add_number("line", grant.line);
    outline.add_some("role", grant.role);
    outline.add("tables", grant.tables);
    outline.add("verbs", verbs_of(grant));
    if (grant.standing != nullptr) outline.append(standing_outline(*grant.standing));
    if (grant.restriction == nullptr) return outline;
    const auto add_columns = [&outline](const char* name, const std::optional<Texts>& columns) {
        if (columns) outline.add(name, *columns);
    };
    add_columns("read", grant.restriction->read);
    add_columns("write", grant.restriction->write);
    add_columns("filter", grant.restriction->filter);
    if (const Texts lacking = tenants::lacking(grant, subject); !lacking.empty()) {
        outline.add("lacking", lacking);
        return outline;
    }
    const sql::plan::Terms terms = std::move(tenants::terms_of({&grant}, subject, tenants::Verb::get).front());
    std::string row_filter;
    for (const filters::Condition& condition : terms.row_filter) row_filter.append(row_filter.empty() ? "" : "&").append(filters::print(condition));
    outline.add_some("row_filter", std::move(row_filter));
    Texts values;
    for (const auto& [column, literal] : terms.values) values.push_back(column + "=" + literal.text);
    outline.add_some("values", std::move(values));
    return outline;
}

Explanation explain(const http::Request& request, const Snapshot& snapshot, const auth::Subject& subject) {
    Explanation explanation;
    Trial trial;
    trial.subject = subject;
    const auto answered = try_out(http::Request(request), snapshot, trial);
    const bool has_table = trial.database != nullptr && trial.segments.size() > kTableSegment;
    const bool is_silent = !answered && trial.database != nullptr && is_silence(answered.error().code);
    const bool is_granted = has_table && tenants::access(*trial.database, subject, trial.segments[kTableSegment], trial.verb) == tenants::Access::allowed;
    explanation.is_allowed = answered.has_value() || (is_silent && (is_granted || !has_table));

    Outline& steps = explanation.steps;
    steps.add("decision", explanation.is_allowed ? "allowed" : "refused");
    steps.add("executed", "nothing; the database was asked for its tables' definitions at most");
    if (is_silent) steps.add("known", "up to the grants: the database does not answer");
    steps.add("request", request.method + ' ' + request.target);
    Outline caller;
    describe(subject, caller);
    steps.add("caller", std::move(caller));
    if (trial.database != nullptr) steps.add("database", trial.database->type + '/' + trial.database->name);
    if (!answered) steps.add("problem", describe(answered.error()));
    if (answered) steps.add_some("answer", answered->body);
    if (!has_table) return explanation;

    const std::string& table = trial.segments[kTableSegment];
    steps.add("table", table);
    const bool is_lifted = is_granted && tenants::restricting_grants(*trial.database, subject, table, trial.verb).empty();
    const Case facts{trial, subject, table, plan_to_measure(request, snapshot, trial), is_lifted};
    add_words(facts, steps);
    if (is_granted) add_standing(facts, snapshot, steps);
    add_plan(trial, steps);
    return explanation;
}

}  // namespace gateway
