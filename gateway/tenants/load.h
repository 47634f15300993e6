// One tenant's file to the tree of its org: one function a level of the tree. Opens the files that it names, no connection, and
// knows nothing of the other tenants. Private to gateway/tenants; called by Folder.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/config/config.h"
#include "gateway/config/section.h"
#include "gateway/tenants/registry.h"
#include "sql/backends.h"

namespace gateway::tenants {

using config::Complaints;
using config::identifier_problem;
using config::RefusedKey;
using config::Section;

struct LoadedOrg {
    std::shared_ptr<Org> org;           // indexed; null when there are faults
    std::string name;                   // as far as they could be read, faults or not; else empty
    std::string id;
    std::size_t name_line = 0;
    std::size_t id_line = 0;
    std::vector<std::string> messages;  // the faults, with file and line
};

[[nodiscard]] LoadedOrg load_org(const std::string& file, std::string_view text, const config::Config& config);

// The cors_ keys of a [[project]]; the limits of a [[project.space]], and of each request in it.
[[nodiscard]] CorsPolicy load_cors(Section& section);
[[nodiscard]] fairness::Share load_share(Section& section, const config::Config& config);
[[nodiscard]] Caps load_caps(Section& section, const config::Config& config);
// The affected_max and cascaded_max of a space or a database.
[[nodiscard]] WriteCaps load_write_caps(Section& section);
// The statement_timeout_ms of a space or a database. No statement may outlast the longest request.
[[nodiscard]] std::optional<std::chrono::milliseconds> load_statement_timeout(Section& section, const config::Config& config);

// One [[project.space.database]]; `space_timeout` is its space's, when it has one. What is wrong becomes complaints; the result then
// counts for nothing.
[[nodiscard]] RegisteredDatabase load_database(const toml::table& table, const config::Config& config,
                                               std::optional<std::chrono::milliseconds> space_timeout, Complaints& complaints);

// All that the connections of a database depend on, as one text; holds the password.
[[nodiscard]] std::string settings_text(const sql::SqliteSettings& settings, const sql::CommonSettings& common);
[[nodiscard]] std::string settings_text(const sql::MysqlSettings& settings, const sql::CommonSettings& common);

}  // namespace gateway::tenants
