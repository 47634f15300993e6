// What an API key's own grants leave of what the roles' grants allow. It never allows what those do not. Pure; asked by whatever
// answers for the grants of a caller, for each request.
#pragma once

#include <string_view>

#include "gateway/auth/subject.h"
#include "gateway/tenants/grant.h"

namespace gateway::tenants {

// As a key's grant says it: "GET", "DELETE".
[[nodiscard]] std::string_view name_of(Verb verb);

// Without a key, or with one that has no grants of its own: allowed.
[[nodiscard]] Access access_of_key(const auth::Subject& subject, std::string_view table, Verb verb);

}  // namespace gateway::tenants
