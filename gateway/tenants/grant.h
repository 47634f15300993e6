// One [[grant]]: a role may use these verbs on these tables, whole or by columns, row filter and forced values. Deny by default.
// Read from the tenants' files by load_grant, asked by the pipeline for each request; what a grant does to a plan is the guard's
// matter. Immutable once loaded.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "filters/ast.h"
#include "gateway/auth/subject.h"
#include "sql/exec/deadline.h"
#include "sql/plan/policy.h"

namespace gateway::tenants {

struct RegisteredDatabase;

// What the HTTP verbs come to.
enum class Verb { get, post, put, patch, erase };

// A value that each caller brings along.
enum class Variable { user_id, org_id, project_id, space_id, claim };

// What a grant lets through of a table; a list of columns that is not there means all of them, but `filter` is then `read`.
struct Restriction {
    // Where a caller's value goes: value `at` of condition `part`, or the value of forced column `part`.
    struct Place {
        bool is_in_values = false;
        std::size_t part = 0;
        std::size_t at = 0;
        Variable variable = Variable::user_id;
        std::string claim;  // its name
    };

    std::optional<std::vector<std::string>> read;
    std::optional<std::vector<std::string>> write;
    std::optional<std::vector<std::string>> filter;
    std::vector<filters::Condition> row_filter;  // joined with AND; a literal that is a variable is empty here
    std::vector<std::pair<std::string, filters::Literal>> values;
    std::vector<Place> places;
};

struct Grant {
    std::string role;
    std::vector<std::string> tables;  // names, or patterns with `*` (any run of characters) and `?` (one character)
    std::vector<Verb> verbs;          // "GET" covers HEAD and OPTIONS
    std::shared_ptr<const Restriction> restriction = nullptr;  // null: whole tables
    std::uint32_t line = 0;                                    // of the tenant's file
};

enum class Access { allowed, verb_denied, invisible };

// What makes a grant speak for a caller about a table, each part by itself.
[[nodiscard]] bool holds_role(const Grant& grant, const auth::Subject& subject);
[[nodiscard]] bool names_table(const Grant& grant, std::string_view table);
[[nodiscard]] bool allows(const Grant& grant, Verb verb);
// Those variables that the caller has no value for, as a grant writes them: "$claim.team".
[[nodiscard]] std::vector<std::string> lacking(const Grant& grant, const auth::Subject& subject);

// False when the caller lacks a value that the grant's row filter or forced values name, or has an empty one.
[[nodiscard]] bool applies_to(const Grant& grant, const auth::Subject& subject);

// Every grant of the caller on the table, whatever its verbs; none when one of them allows the verb on the whole table. For a
// verb that access() allows.
[[nodiscard]] std::vector<const Grant*> restricting_grants(const RegisteredDatabase& database, const auth::Subject& subject,
                                                           std::string_view table, Verb verb);

// The grants with the caller's values in the variables' places; they outlive the terms. Only for grants that apply to the caller.
[[nodiscard]] std::vector<sql::plan::Terms> terms_of(const std::vector<const Grant*>& grants, const auth::Subject& subject, Verb verb);

// What is wrong with the database's grants in view of its tables: a table or column that is missing, a value that does not fit.
// Each says the grant's line. Asks the database; nothing can be said, and nothing is, of one that does not answer.
[[nodiscard]] std::vector<std::string> check_grants(const RegisteredDatabase& database, sql::exec::Deadline deadline);

}  // namespace gateway::tenants
