#include "gateway/tenants/registry.h"

#include <algorithm>
#include <utility>

#include "gateway/tenants/folder.h"
#include "gateway/tenants/key_grants.h"

namespace gateway::tenants {
namespace {

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
                       [table](const std::string& pattern) { return matches(pattern, table); }) &&
           applies_to(grant, subject);
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

void Org::index() {
    for (Project& project : projects) {
        projects_by_name.push_back(&project);
        for (const Space& space : project.spaces) {
            project.spaces_by_id.push_back(&space);
        }
        std::ranges::sort(project.spaces_by_id, {}, [](const Space* space) { return std::string_view(space->id); });
    }
    std::ranges::sort(projects_by_name, {}, [](const Project* project) { return std::string_view(project->name); });
}

Registry::Registry(std::vector<std::shared_ptr<const Org>> orgs, std::vector<Unavailable> unavailable,
                   std::vector<FaultyFile> faulty_files)
    : orgs_(std::move(orgs)), unavailable_(std::move(unavailable)), faulty_files_(std::move(faulty_files)) {
    by_name_.reserve(orgs_.size());
    for (std::size_t at = 0; at < orgs_.size(); ++at) {
        by_name_.emplace(orgs_[at]->name, at);
        for (const Project& project : orgs_[at]->projects) {
            for (const Space& space : project.spaces) {
                for (const RegisteredDatabase& database : space.databases) {
                    databases_.push_back(&database);
                }
            }
        }
    }
    std::ranges::sort(unavailable_, {}, [](const Unavailable& one) { return std::string_view(one.name); });
}

const Project* Registry::find_project(std::string_view org, std::string_view project) const {
    const auto found = by_name_.find(org);
    if (found == by_name_.end()) {
        return nullptr;
    }
    const auto& projects = orgs_[found->second]->projects_by_name;
    const auto at = std::ranges::lower_bound(projects, project, {}, [](const Project* one) { return std::string_view(one->name); });
    return at != projects.end() && (*at)->name == project ? *at : nullptr;
}

const Space* Registry::find(std::string_view org, std::string_view project, const auth::Subject& subject) const {
    const auto found = by_name_.find(org);
    if (found == by_name_.end() || orgs_[found->second]->id != subject.org_id) {
        return nullptr;
    }
    const Project* named = find_project(org, project);
    if (named == nullptr || named->id != subject.project_id) {
        return nullptr;
    }
    const std::string_view id = subject.space_id;
    const auto at = std::ranges::lower_bound(named->spaces_by_id, id, {}, [](const Space* one) { return std::string_view(one->id); });
    return at != named->spaces_by_id.end() && (*at)->id == id ? *at : nullptr;
}

bool Registry::is_unavailable(std::string_view org, const auth::Subject& subject) const {
    const auto same = std::ranges::equal_range(unavailable_, org, {}, [](const Unavailable& one) { return std::string_view(one.name); });
    return std::ranges::any_of(same, [&subject](const Unavailable& one) { return one.id == subject.org_id; });
}

std::shared_ptr<const Org> Registry::org(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : orgs_[found->second];
}

tl::expected<Registry, RegistryError> Registry::load(const config::Config& config) {
    Folder folder(config, nullptr);
    auto reading = folder.read(Folder::Scope::everything);
    if (!reading) {
        return tl::unexpected(RegistryError{{std::move(reading.error())}});
    }
    RegistryError error;
    for (const FaultyFile& faulty : reading->registry.faulty_files()) {
        error.messages.insert(error.messages.end(), faulty.messages.begin(), faulty.messages.end());
    }
    if (!error.messages.empty()) {
        return tl::unexpected(std::move(error));
    }
    return std::move(reading->registry);
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
    if (subject.key_grants) {
        return access_by_key(database, subject, table, verb);
    }
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
