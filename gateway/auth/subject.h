// Who is asking, once that is known. Made by gateway/auth, read by tenants and guard. Pure data.
#pragma once

#include <string>
#include <vector>

namespace gateway::auth {

struct Subject {
    std::string org_id;
    std::string project_id;
    std::string space_id;
    std::string user_id;
    std::vector<std::string> roles;
};

}  // namespace gateway::auth
