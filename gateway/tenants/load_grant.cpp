#include "gateway/tenants/load_grant.h"

#include "gateway/grants/load_grant.h"

namespace gateway::tenants {

Grant load_grant(const toml::table& table, const std::string& label, Complaints& complaints) {
    config::Section section(table, label, complaints);
    Grant grant;
    grant.line = static_cast<std::uint32_t>(table.source().begin.line);
    grant.role = section.identifier("role");
    // Roles are compared as they are and come from a comma-separated list: neither of these could ever match as it was meant.
    if (grant.role.find_first_of(",*") != std::string::npos) {
        section.complain("role", "must be one role's exact name, without , and *");
    }
    grants::load_grant(section, grant);
    return grant;
}

}  // namespace gateway::tenants
