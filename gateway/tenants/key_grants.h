// What an API key's own grants leave of what its roles' grants allow: each grant of the roles is taken together with each of the
// key's, and a pair lets through what both do. It never allows what the roles do not. Without a key that has grants of its own,
// nothing here changes anything. Pure; asked by the pipeline for each request, and by explain.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/auth/subject.h"
#include "gateway/tenants/grant.h"
#include "sql/plan/policy.h"

namespace gateway::tenants {

struct RegisteredDatabase;

// For a caller whose key has grants. Invisible unless a pair names the table, both its grants apply to the caller, and they do
// not clash.
[[nodiscard]] Access access_by_key(const RegisteredDatabase& database, const auth::Subject& subject, std::string_view table, Verb verb);

// Why the two cannot hold together, so that the pair gives nothing: the key's grant would write a value into a column that the
// role's writes another one into, or does not let be written. For grants that apply to the caller.
[[nodiscard]] std::optional<std::string> clash(const Grant& of_role, const Grant& of_key, const auth::Subject& subject);

// What both let through: columns in both lists, rows that both show, values that either forces. For grants that do not clash;
// they outlive the terms.
[[nodiscard]] sql::plan::Terms terms_of_pair(const Grant& of_role, const Grant& of_key, const auth::Subject& subject, Verb verb);

// All that restricts the caller on the table, the key's grants too; nothing: he may use the verb on the whole of it. For a verb
// that access() allows. The database and the subject outlive the terms.
[[nodiscard]] std::optional<std::vector<sql::plan::Terms>> terms_on(const RegisteredDatabase& database, const auth::Subject& subject,
                                                                    std::string_view table, Verb verb);

}  // namespace gateway::tenants
