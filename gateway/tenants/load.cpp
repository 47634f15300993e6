#include "gateway/tenants/load.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "gateway/config/source.h"

namespace gateway::tenants {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileBytesMax = 16u << 20;

// Complains when `value` was there before; empty values have been complained about already.
void refuse_twice(std::set<std::string>& seen, Section& section, std::string_view key, const std::string& value,
                  std::string_view where) {
    if (!value.empty() && !seen.insert(value).second) {
        section.complain(key, fmt::format("\"{}\" stands twice in this {}", value, where));
    }
}

Space load_space(const toml::table& table, const config::Config& config, Complaints& complaints, std::set<std::string>& ids) {
    Section section(table, "[[project.space]]", complaints);
    Space space;
    space.id = section.identifier("id");
    refuse_twice(ids, section, "id", space.id, "project");
    std::set<std::pair<std::string, std::string>> names;
    for (const toml::table* inner : section.tables("database")) {
        space.databases.push_back(load_database(*inner, config, complaints));
        const RegisteredDatabase& database = space.databases.back();
        if (!database.name.empty() && !names.emplace(database.type, database.name).second) {
            complaints.add(inner->source().begin.line,
                           fmt::format("[[project.space.database]] name: \"{}\" of type {} stands twice "
                                       "in this space",
                                       database.name, database.type));
        }
    }
    section.refuse_the_rest();
    return space;
}

Project load_project(const toml::table& table, const config::Config& config, Complaints& complaints, std::set<std::string>& names,
                     std::set<std::string>& ids) {
    Section section(table, "[[project]]", complaints);
    Project project;
    project.name = section.path_name("name");
    project.id = section.identifier("id");
    refuse_twice(names, section, "name", project.name, "organization");
    refuse_twice(ids, section, "id", project.id, "organization");
    std::set<std::string> space_ids;
    for (const toml::table* inner : section.tables("space")) {
        project.spaces.push_back(load_space(*inner, config, complaints, space_ids));
    }
    section.refuse_the_rest();
    return project;
}

// Which file has taken a name or an id, over all files.
using Taken = std::unordered_map<std::string, std::string>;

void refuse_taken(Taken& taken, Section& section, std::string_view key, const std::string& value, const std::string& file) {
    if (value.empty()) {
        return;
    }
    const auto [entry, is_new] = taken.emplace(value, file);
    if (!is_new) {
        section.complain(key, fmt::format("\"{}\" is taken by {}", value, entry->second));
    }
}

Org load_org(const toml::table& table, const config::Config& config, Complaints& complaints, Taken& names, Taken& ids) {
    Section section(table, "", complaints);
    Org org;
    org.name = section.path_name("name");
    org.id = section.identifier("id");
    refuse_taken(names, section, "name", org.name, complaints.file);
    refuse_taken(ids, section, "id", org.id, complaints.file);
    std::set<std::string> project_names;
    std::set<std::string> project_ids;
    for (const toml::table* inner : section.tables("project")) {
        org.projects.push_back(load_project(*inner, config, complaints, project_names, project_ids));
    }
    section.refuse_the_rest();
    return org;
}

tl::expected<std::vector<std::string>, std::string> list_files(const std::string& folder) {
    std::error_code failed;
    std::vector<std::string> files;
    for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
        const std::string name = entry->path().filename().string();
        if (name.ends_with(".toml") && name.front() != '.') {
            files.push_back(entry->path().string());
        }
    }
    if (failed) {
        return tl::unexpected(fmt::format("{}: the folder of tenants cannot be read: {}", folder, failed.message()));
    }
    // The order of the folder is the file system's: which of two twins is refused must not depend on it.
    std::sort(files.begin(), files.end());
    return files;
}

}  // namespace

tl::expected<std::vector<Org>, RegistryError> load_orgs(const config::Config& config) {
    const auto files = list_files(config.tenants_folder);
    if (!files) {
        return tl::unexpected(RegistryError{{files.error()}});
    }
    RegistryError error;
    std::vector<Org> orgs;
    orgs.reserve(files->size());
    Taken names;
    Taken ids;
    for (const std::string& file : *files) {
        Complaints complaints{file, error.messages};
        const auto text = config::read_file(file, kFileBytesMax);
        if (!text) {
            complaints.add(text.error());
            continue;
        }
        try {
            orgs.push_back(load_org(toml::parse(std::string_view(*text)), config, complaints, names, ids));
        } catch (const toml::parse_error& parse_error) {
            complaints.add(parse_error.source().begin.line, parse_error.description());
        }
    }
    if (!error.messages.empty()) {
        return tl::unexpected(std::move(error));
    }
    return orgs;
}

}  // namespace gateway::tenants
