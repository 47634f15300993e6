// One [[…grant]] of a tenant's file to a Grant: names, columns, row filter, forced values. It knows no table: whether the columns
// exist is check_grants' question. Private to gateway/tenants; called by load_database, and for the grants of other files alike.
#pragma once

#include <string>

#include "gateway/tenants/grant.h"
#include "gateway/tenants/section.h"

namespace gateway::tenants {

// What is wrong becomes complaints; the grant then counts for nothing. `label` names the table in messages.
[[nodiscard]] Grant load_grant(const toml::table& table, const std::string& label, Complaints& complaints);

}  // namespace gateway::tenants
