#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "gateway/config/source.h"
#include "gateway/tenants/load.h"
#include "gateway/tenants/load_grant.h"
#include "sql/backends.h"

namespace gateway::tenants {
namespace {

constexpr std::size_t kSecretBytesMax = 64u << 10;
constexpr std::int64_t kHourMs = 3'600'000;
constexpr std::string_view kUndelivered = "not delivered yet; leave it out";

std::optional<std::string> load_path(Section& section, std::string_view key, const config::Config& config) {
    std::optional<std::string> path = section.text(key);
    if (!path) {
        return std::nullopt;
    }
    if (path->empty()) {
        section.complain(key, "must not be empty");
        return std::nullopt;
    }
    // SQLite would take these for something other than a file's name.
    if (path->starts_with("file:") || path->starts_with(":memory:")) {
        section.complain(key, "must be the path of a file");
        return std::nullopt;
    }
    return config::below(config.folder, *path);
}

std::string load_password(Section& section, const config::Config& config) {
    const std::optional<std::string> variable = section.text("password_env");
    const std::optional<std::string> file = load_path(section, "password_file", config);
    if (variable && file) {
        section.complain("password_file", "stands beside password_env; keep one of them");
        return {};
    }
    if (variable) {
        const char* value = variable->empty() ? nullptr : std::getenv(variable->c_str());
        if (value == nullptr || *value == '\0') {
            section.complain("password_env", fmt::format("the environment variable \"{}\" is not set, or empty", *variable));
            return {};
        }
        return value;
    }
    if (!file) {
        return {};
    }
    auto text = config::read_file(*file, kSecretBytesMax);
    if (!text) {
        section.complain("password_file", fmt::format("{} {}", *file, text.error()));
        return {};
    }
    if (text->ends_with('\n')) {
        text->pop_back();
    }
    if (text->ends_with('\r')) {
        text->pop_back();
    }
    if (text->empty() || text->find_first_of(std::string_view("\n\r\0", 3)) != std::string::npos) {
        section.complain("password_file", fmt::format("{} must hold one line, the password", *file));
        return {};
    }
    return *std::move(text);
}

sql::SqliteSettings load_sqlite(Section& section, const config::Config& config) {
    sql::SqliteSettings settings;
    if (!section.has("path")) {
        section.complain("path", "is missing");
    }
    settings.path = load_path(section, "path", config).value_or("");
    return settings;
}

sql::MysqlSettings load_mysql(Section& section, const config::Config& config, const std::string& name) {
    sql::MysqlSettings settings;
    settings.socket = load_path(section, "socket", config).value_or("");
    settings.host = section.text("host").value_or("");
    const bool has_port = section.has("port");
    settings.port = static_cast<std::uint16_t>(section.number("port", 1, 65535).value_or(3306));
    settings.user = section.has("user") ? section.identifier("user") : (section.complain("user", "is missing"), "");
    settings.password = load_password(section, config);
    settings.schema = section.has("schema") ? section.identifier("schema") : name;
    settings.tls_ca = load_path(section, "tls_ca", config).value_or("");

    if (section.has("socket") && (section.has("host") || has_port)) {
        section.complain("socket", "stands beside host or port; keep one of them");
    } else if (!section.has("socket") && !section.has("host")) {
        section.complain("socket or host is missing");
    } else if (section.has("host") && !identifier_problem(settings.host).empty()) {
        section.complain("host", identifier_problem(settings.host));
    }
    if (section.has("tls_ca") && section.has("socket")) {
        section.complain("tls_ca", "is for host, not for socket");
    }
    // The driver falls back to plain text on a file that it cannot read.
    if (!settings.tls_ca.empty()) {
        if (const auto file = config::read_file(settings.tls_ca, 16u << 20); !file) {
            section.complain("tls_ca", fmt::format("{} {}", settings.tls_ca, file.error()));
        }
    }
    return settings;
}

// What holds for every database, unless its entry says otherwise.
sql::CommonSettings load_common(Section& section, const config::Config& config, std::optional<std::chrono::milliseconds> space_timeout) {
    sql::CommonSettings common;
    const auto connections_max = section.number("connections_max", 1, 10'000);
    common.connections_max = connections_max ? static_cast<std::size_t>(*connections_max) : config.connections_max;
    const auto pool_wait_max = section.number("pool_wait_max_ms", 0, kHourMs);
    common.pool_wait_max = pool_wait_max ? std::chrono::milliseconds(*pool_wait_max) : config.pool_wait_max;
    const auto pool_queue_max = section.number("pool_queue_max", 0, 1'000'000);
    common.pool_queue_max = pool_queue_max ? static_cast<std::size_t>(*pool_queue_max) : config.pool_queue_max;
    common.connect_timeout = config.connect_timeout;
    common.statement_timeout =
        load_statement_timeout(section, config).value_or(std::min(config.statement_timeout, config.request_timeout));
    if (space_timeout) {
        if (*space_timeout > common.statement_timeout) {
            section.complain("statement_timeout_ms", fmt::format("is {}, and its space's, {}, may not be more",
                                                                 common.statement_timeout.count(), space_timeout->count()));
        }
        common.statement_timeout = std::min(common.statement_timeout, *space_timeout);
    }
    common.statements_cached = config.statements_cached;
    common.catalog.lifetime = config.catalog_lifetime;
    return common;
}

std::vector<RefusedKey> refused_keys(bool is_sqlite) {
    std::vector<RefusedKey> refused{
        {"password", "a password does not stand here; name an environment variable in password_env or a file in password_file"},
        {"url", "write socket, or host and port, and user apart"},
        {"policy", kUndelivered},
        {"table", kUndelivered},
        {"rate", kUndelivered},
    };
    if (!is_sqlite) {
        refused.push_back({"path", "is for type sl only"});
        return refused;
    }
    for (const std::string_view key : {"socket", "host", "port", "user", "password_env", "password_file", "schema", "tls_ca"}) {
        refused.push_back({key, "is for type ms only"});
    }
    return refused;
}

}  // namespace

RegisteredDatabase load_database(const toml::table& table, const config::Config& config,
                                 std::optional<std::chrono::milliseconds> space_timeout, Complaints& complaints) {
    const std::size_t complaints_before = complaints.messages.size();
    Section section(table, "[[project.space.database]]", complaints);
    RegisteredDatabase database;
    database.type = section.identifier("type");
    database.name = section.path_name("name");
    database.is_required = section.flag("required").value_or(false);
    const sql::CommonSettings common = load_common(section, config, space_timeout);
    database.write_caps = load_write_caps(section);
    for (const toml::table* inner : section.tables("grant")) {
        database.grants.push_back(load_grant(*inner, "[[project.space.database.grant]]", complaints));
    }
    database.nothing_stands = std::ranges::all_of(database.grants, [](const Grant& grant) { return grant.standing == nullptr; });

    std::optional<sql::SqliteSettings> sqlite;
    std::optional<sql::MysqlSettings> mysql;
    if (database.type == "sl") {
        sqlite = load_sqlite(section, config);
    } else if (database.type == "ms") {
        mysql = load_mysql(section, config, database.name);
    } else if (!database.type.empty()) {
        section.complain("type", database.type == "pg" ? "pg is not delivered yet; there are ms and sl"
                                                       : fmt::format("\"{}\" is neither ms nor sl", database.type));
        return database;
    }
    if (!database.type.empty()) {
        section.refuse_the_rest(refused_keys(sqlite.has_value()));
    }
    if (complaints.messages.size() != complaints_before) {
        return database;
    }
    database.settings = sqlite ? settings_text(*sqlite, common) : settings_text(*mysql, common);
    database.database = sqlite ? sql::open_sqlite(*sqlite, common) : sql::open_mysql(*mysql, common);
    return database;
}

}  // namespace gateway::tenants
