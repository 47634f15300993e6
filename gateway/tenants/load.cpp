#include "gateway/tenants/load.h"

#include <functional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "gateway/config/source.h"

namespace gateway::tenants {
namespace {

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
    space.share = load_share(section, config);
    space.caps = load_caps(section, config);
    const auto statement_timeout = load_statement_timeout(section, config);
    std::set<std::pair<std::string, std::string>> names;
    for (const toml::table* inner : section.tables("database")) {
        space.databases.push_back(load_database(*inner, config, statement_timeout, complaints));
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
    project.cors = load_cors(section);
    std::set<std::string> space_ids;
    for (const toml::table* inner : section.tables("space")) {
        project.spaces.push_back(load_space(*inner, config, complaints, space_ids));
    }
    section.refuse_the_rest();
    return project;
}

std::size_t line_of(const toml::table& table, std::string_view key) {
    const toml::node* node = table.get(key);
    return node != nullptr ? node->source().begin.line : table.source().begin.line;
}

void load_tree(const toml::table& table, const config::Config& config, Complaints& complaints, LoadedOrg& loaded) {
    Section section(table, "", complaints);
    auto org = std::make_shared<Org>();
    org->name = section.path_name("name");
    org->id = section.identifier("id");
    loaded.name = org->name;
    loaded.id = org->id;
    loaded.name_line = line_of(table, "name");
    loaded.id_line = line_of(table, "id");
    std::set<std::string> project_names;
    std::set<std::string> project_ids;
    for (const toml::table* inner : section.tables("project")) {
        org->projects.push_back(load_project(*inner, config, complaints, project_names, project_ids));
    }
    section.refuse_the_rest();
    if (complaints.messages.empty()) {
        org->index();
        loaded.org = std::move(org);
    }
}

std::string common_text(const sql::CommonSettings& common) {
    return fmt::format("{} {} {} {} {} {} {} {}\n", common.connections_max, common.pool_wait_max.count(), common.pool_queue_max,
                       common.connect_timeout.count(), common.statement_timeout.count(), common.statements_cached,
                       common.catalog.lifetime.count(), common.catalog.miss_interval.count());
}

}  // namespace

LoadedOrg load_org(const std::string& file, std::string_view text, const config::Config& config) {
    LoadedOrg loaded;
    Complaints complaints{file, loaded.messages};
    try {
        load_tree(toml::parse(text), config, complaints, loaded);
        if (loaded.org != nullptr) {
            loaded.org->file = file;
        }
    } catch (const toml::parse_error& error) {
        complaints.add(error.source().begin.line, error.description());
    }
    return loaded;
}

std::string settings_text(const sql::SqliteSettings& settings, const sql::CommonSettings& common) {
    return common_text(common) + settings.path;
}

// Settings hold no line feed: they are plain text, and a password is one line.
std::string settings_text(const sql::MysqlSettings& settings, const sql::CommonSettings& common) {
    // Not its path alone: connections that a withdrawn authority vouched for must not go on.
    const std::string authority = settings.tls_ca.empty() ? std::string() : config::read_file(settings.tls_ca, kFileBytesMax).value_or("");
    return common_text(common) + fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", settings.socket, settings.host, settings.port, settings.user,
                                             settings.password, settings.schema, settings.tls_ca, std::hash<std::string>{}(authority));
}

}  // namespace gateway::tenants
