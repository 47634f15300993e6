// What every [[grant]] of a file has, whoever holds it: tables, verbs, columns, row filter, forced values, what stands. It knows no
// table: whether the columns exist is not asked here. Called by gateway/tenants for a role's grant and by auth/key_file for a key's.
#pragma once

#include "gateway/config/section.h"
#include "gateway/grants/grant.h"

namespace gateway::grants {

// All but the role, which the caller reads first where there is one. What is wrong becomes complaints, unknown keys too; the grant
// then counts for nothing.
void load_grant(config::Section& section, Grant& grant);

}  // namespace gateway::grants
