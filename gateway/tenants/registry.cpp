#include "gateway/tenants/registry.h"

#include <algorithm>
#include <array>
#include <utility>

#include "gateway/tenants/load.h"

namespace gateway::tenants {
namespace {

// Each text goes with its length, in bytes of seven bits: no two sets of five texts make the same key.
std::string space_key(const std::array<std::string_view, 5>& texts) {
    std::string key;
    key.reserve(128);
    for (const std::string_view text : texts) {
        std::size_t size = text.size();
        for (; size > 0x7F; size >>= 7u) {
            key += static_cast<char>(size | 0x80u);
        }
        key += static_cast<char>(size);
        key += text;
    }
    return key;
}

// The end of the character that begins at `at`; a stray byte is a character.
std::size_t next_character(std::string_view text, std::size_t at) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0u) == 0x80u) {
        ++at;
    }
    return at;
}

bool names(const Grant& grant, const auth::Subject& subject, std::string_view table) {
    return std::find(subject.roles.begin(), subject.roles.end(), grant.role) != subject.roles.end() &&
           std::any_of(grant.tables.begin(), grant.tables.end(),
                       [table](const std::string& pattern) { return matches(pattern, table); });
}

}  // namespace

const RegisteredDatabase* Space::find(std::string_view type, std::string_view name) const {
    for (const RegisteredDatabase& database : databases) {
        if (database.type == type && database.name == name) {
            return &database;
        }
    }
    return nullptr;
}

const Space* Registry::find(std::string_view org, std::string_view project, const auth::Subject& subject) const {
    const auto found = spaces_.find(space_key({org, project, subject.org_id, subject.project_id, subject.space_id}));
    return found == spaces_.end() ? nullptr : found->second;
}

tl::expected<Registry, RegistryError> Registry::load(const config::Config& config) {
    auto orgs = load_orgs(config);
    if (!orgs) {
        return tl::unexpected(std::move(orgs.error()));
    }
    Registry registry;
    registry.orgs_ = std::make_shared<const std::vector<Org>>(*std::move(orgs));
    for (const Org& org : *registry.orgs_) {
        for (const Project& project : org.projects) {
            for (const Space& space : project.spaces) {
                registry.spaces_.emplace(space_key({org.name, project.name, org.id, project.id, space.id}), &space);
                for (const RegisteredDatabase& database : space.databases) {
                    registry.databases_.push_back(&database);
                }
            }
        }
    }
    return registry;
}

bool matches(std::string_view pattern, std::string_view name) {
    // Only the last `*` is ever tried again, so there is no exponential backtracking.
    std::size_t at = 0;
    std::size_t in_pattern = 0;
    std::size_t after_star = std::string_view::npos;
    std::size_t star_at = 0;
    while (at < name.size()) {
        if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
            after_star = ++in_pattern;
            star_at = at;
        } else if (in_pattern < pattern.size() && pattern[in_pattern] == '?') {
            ++in_pattern;
            at = next_character(name, at);
        } else if (in_pattern < pattern.size() && pattern[in_pattern] == name[at]) {
            ++in_pattern;
            ++at;
        } else if (after_star != std::string_view::npos) {
            // By whole characters: a `?` after the star must not match half of one.
            star_at = next_character(name, star_at);
            at = star_at;
            in_pattern = after_star;
        } else {
            return false;
        }
    }
    while (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
        ++in_pattern;
    }
    return in_pattern == pattern.size();
}

Access access(const RegisteredDatabase& database, const auth::Subject& subject, std::string_view table, Verb verb) {
    Access answer = Access::invisible;
    for (const Grant& grant : database.grants) {
        if (!names(grant, subject, table)) {
            continue;
        }
        if (std::find(grant.verbs.begin(), grant.verbs.end(), verb) != grant.verbs.end()) {
            return Access::allowed;
        }
        answer = Access::verb_denied;
    }
    return answer;
}

std::vector<Verb> allowed_verbs(const RegisteredDatabase& database, const auth::Subject& subject, std::string_view table) {
    std::vector<Verb> verbs;
    for (const Verb verb : {Verb::get, Verb::post, Verb::put, Verb::patch, Verb::erase}) {
        if (access(database, subject, table, verb) == Access::allowed) {
            verbs.push_back(verb);
        }
    }
    return verbs;
}

}  // namespace gateway::tenants
