// The grants of a database held against the tables that it has: what names a missing table or column, what does not fit a column's
// type. It asks the database and changes nothing; a grant that does not fit grants nothing there anyway. Called by `rowgate tenants
// check`, and by GrantWatch for the gateway that serves.
#pragma once

#include <string>
#include <vector>

#include "gateway/tenants/registry.h"
#include "sql/exec/deadline.h"

namespace gateway::tenants {

struct GrantFindings {
    std::vector<std::string> wrong;  // each with the file and the grant's line
    std::string unreached;           // why the database could not be asked, or not to the end; empty: it was
};

// False when the database need not be asked: every grant is on whole tables that are `*`.
[[nodiscard]] bool has_grants_to_check(const RegisteredDatabase& database);

// A table that a grant names must be there with all of its columns, and take its row filter and values. Of the tables that a pattern
// matches, one must; so must one be there, unless the pattern is `*`. Takes one connection at a time, which is closed when there was none before.
// `file` is the tenant's. Thread safe.
[[nodiscard]] GrantFindings check_grants(const RegisteredDatabase& database, const std::string& file, sql::exec::Deadline deadline);

}  // namespace gateway::tenants
