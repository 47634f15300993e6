// One [[…grant]] of a tenant's file to a Grant: its role, and what every grant has. It knows no table: whether the columns exist is
// check_grants' question. Private to gateway/tenants; called by load_database.
#pragma once

#include <string>

#include "gateway/config/section.h"
#include "gateway/tenants/grant.h"

namespace gateway::tenants {

using config::Complaints;

// What is wrong becomes complaints; the grant then counts for nothing. `label` names the table in messages.
[[nodiscard]] Grant load_grant(const toml::table& table, const std::string& label, Complaints& complaints);

}  // namespace gateway::tenants
