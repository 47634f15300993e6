#include "gateway/tenants/key_grants.h"

#include <algorithm>
#include <string>

#include "gateway/tenants/registry.h"

namespace gateway::tenants {

std::string_view name_of(Verb verb) {
    switch (verb) {
        case Verb::get: return "GET";
        case Verb::post: return "POST";
        case Verb::put: return "PUT";
        case Verb::patch: return "PATCH";
        case Verb::erase: return "DELETE";
    }
    return {};
}

Access access_of_key(const auth::Subject& subject, std::string_view table, Verb verb) {
    if (!subject.key_grants) {
        return Access::allowed;
    }
    Access access = Access::invisible;
    for (const auth::KeyGrant& grant : *subject.key_grants) {
        if (!std::ranges::any_of(grant.tables, [table](const std::string& pattern) { return matches(pattern, table); })) {
            continue;
        }
        if (std::ranges::find(grant.verbs, name_of(verb)) != grant.verbs.end()) {
            return Access::allowed;
        }
        access = Access::verb_denied;
    }
    return access;
}

}  // namespace gateway::tenants
