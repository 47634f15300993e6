#include "tests/golden/caller.h"

#include <stdexcept>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "gateway/tenants/load_grant.h"

namespace golden {

using namespace gateway;

Caller::Caller(const std::vector<std::string>& lines, const std::string& table) : table_(table) {
    subject_.org_id = "org-1";
    subject_.project_id = "project-1";
    subject_.space_id = "space-1";
    subject_.user_id = "7";
    subject_.claims.push_back({"team", "red"});
    for (const std::string& line : lines) {
        std::vector<std::string> messages;
        tenants::Complaints complaints{"grant", messages};
        try {
            const toml::table parsed = toml::parse(fmt::format("grant = {{ tables = [\"{}\"], {} }}", table, line));
            database_.grants.push_back(tenants::load_grant(*parsed["grant"].as_table(), "", complaints));
        } catch (const toml::parse_error& error) {
            messages.emplace_back(error.description());
        }
        if (!messages.empty()) {
            throw std::runtime_error(fmt::format("grant: {}\n{}", line, fmt::join(messages, "\n")));
        }
        subject_.roles.push_back(database_.grants.back().role);
    }
}

tenants::Access Caller::access(tenants::Verb verb) const { return tenants::access(database_, subject_, table_, verb); }

std::optional<sql::plan::Policy> Caller::policy(tenants::Verb verb, const schemas::Table& table) const {
    const auto grants = tenants::restricting_grants(database_, subject_, table_, verb);
    return grants.empty() ? std::nullopt : std::optional(sql::plan::bind_policy(tenants::terms_of(grants, subject_, verb), table));
}

}  // namespace golden
