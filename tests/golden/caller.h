// The caller of a golden case: what the `grant:` lines of the case let him do with its one table, read by the loader of the tenants'
// files. The caller holds the role of every line; README.md says the values of the variables. Called by golden only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "gateway/tenants/registry.h"
#include "schemas/catalog.h"
#include "sql/plan/policy.h"

namespace golden {

class Caller {
public:
    // Each line has the keys of a grant but `tables`, as in an inline table of TOML. Throws std::runtime_error on what the tenants'
    // files would not take.
    Caller(const std::vector<std::string>& lines, const std::string& table);

    [[nodiscard]] gateway::tenants::Access access(gateway::tenants::Verb verb) const;
    // Nothing when a grant allows the verb on the whole table. For a verb that access() allows.
    [[nodiscard]] std::optional<sql::plan::Policy> policy(gateway::tenants::Verb verb, const schemas::Table& table) const;

private:
    gateway::tenants::RegisteredDatabase database_;
    gateway::auth::Subject subject_;
    std::string table_;
};

}  // namespace golden
