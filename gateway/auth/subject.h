// Who is asking, once that is known. Made by gateway/auth, read by tenants and guard. Pure data.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/grants/grant.h"

namespace gateway::auth {

// A claim of a verified token, its value as text: a string as it is, a number or boolean as JSON writes it.
struct Claim {
    std::string name;
    std::string value;
};

struct Subject {
    std::string org_id;
    std::string project_id;
    std::string space_id;
    std::string user_id;
    std::vector<std::string> roles;
    std::vector<Claim> claims;  // of a verified token; those that are arrays or objects are left out
    std::string key_id;         // of the API key that was used; empty without one
    // Of that key: they narrow what the roles may, and never widen it; null: as much as the roles may.
    std::shared_ptr<const std::vector<grants::Grant>> key_grants;

    [[nodiscard]] const std::string* claim(std::string_view name) const {
        for (const Claim& each : claims) {
            if (each.name == name) {
                return &each.value;
            }
        }
        return nullptr;
    }
};

}  // namespace gateway::auth
