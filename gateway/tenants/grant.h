// What a [[grant]] says to a caller: whether it speaks for him about a table, and with which values. Deny by default. What an API
// key's own grants leave of it is key_grants' matter, and what a grant does to a plan the guard's. Asked for each request.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gateway/auth/subject.h"
#include "gateway/grants/grant.h"
#include "sql/plan/policy.h"

namespace gateway::tenants {

struct RegisteredDatabase;

using grants::Grant;
using grants::name_of;
using grants::Restriction;
using grants::Variable;
using grants::Verb;

enum class Access { allowed, verb_denied, invisible };

// What makes a grant speak for a caller about a table, each part by itself.
[[nodiscard]] bool holds_role(const Grant& grant, const auth::Subject& subject);
[[nodiscard]] bool names_table(const Grant& grant, std::string_view table);
[[nodiscard]] bool allows(const Grant& grant, Verb verb);
// Those variables that the caller has no value for, as a grant writes them: "$claim.team".
[[nodiscard]] std::vector<std::string> lacking(const Grant& grant, const auth::Subject& subject);

// False when the caller lacks a value that the grant's row filter or forced values name, or has an empty one.
[[nodiscard]] bool applies_to(const Grant& grant, const auth::Subject& subject);

// Every grant of the caller's roles on the table, whatever its verbs; none when one of them allows the verb on the whole table. For
// a verb that access() allows. What an API key leaves of them is not looked at: the pipeline asks terms_on.
[[nodiscard]] std::vector<const Grant*> restricting_grants(const RegisteredDatabase& database, const auth::Subject& subject,
                                                           std::string_view table, Verb verb);

// Each grant alone with the caller's values in the variables' places; they outlive the terms. Only for grants that apply to the caller.
[[nodiscard]] std::vector<sql::plan::Terms> terms_of(const std::vector<const Grant*>& grants, const auth::Subject& subject, Verb verb);

}  // namespace gateway::tenants
