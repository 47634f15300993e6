// Which pages of other origins may call a project's tables, as its file says. Pure data and the check of an origin's form; what is
// sent to a browser is gateway/cors. Held by tenants::Project.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::tenants {

struct CorsPolicy {
    std::vector<std::string> origins;  // exact; none: no page of another origin
    std::uint32_t max_age_s = 600;
    bool allows_credentials = false;

    [[nodiscard]] bool lists(std::string_view origin) const { return std::find(origins.begin(), origins.end(), origin) != origins.end(); }
};

// What is wrong with an origin as a browser would send it (scheme://host or scheme://host:port), or empty.
[[nodiscard]] std::string origin_problem(std::string_view text);

}  // namespace gateway::tenants
