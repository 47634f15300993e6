// The tenants' files to the tree of orgs: one function a level of the tree. Opens files, no connection.
// Private to gateway/tenants; Registry::load calls it and builds the index.
#pragma once

#include <vector>

#include <tl/expected.hpp>

#include "gateway/config/config.h"
#include "gateway/tenants/registry.h"
#include "gateway/tenants/section.h"

namespace gateway::tenants {

[[nodiscard]] tl::expected<std::vector<Org>, RegistryError> load_orgs(const config::Config& config);

// One [[project.space.database]]. What is wrong becomes complaints; the result then counts for nothing.
[[nodiscard]] RegisteredDatabase load_database(const toml::table& table, const config::Config& config, Complaints& complaints);

}  // namespace gateway::tenants
