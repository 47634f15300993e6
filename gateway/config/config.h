// Typed settings of one gateway: defaults, then the TOML file, then the environment. Checked whole; an unknown key is an error.
// Read once at start by app; `rowgate config check|print` reads it too.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "filters/parse.h"
#include "gateway/auth/settings.h"
#include "gateway/http/server.h"
#include "gateway/request/body.h"
#include "schemas/limits.h"

namespace gateway::config {

// What a tenant's file falls back on for a space, or for each API key in it. 0: none; of a burst: as much as the rate.
struct ShareLimits {
    std::size_t rate = 0;
    std::size_t burst = 0;
    std::size_t concurrency_max = 0;
};

struct Config {
    std::string folder;          // the config file's own, absolute; not a setting: relative paths start here
    http::ServerOptions server;  // [server] address port threads, timeouts, body_bytes_max, …
    std::vector<std::string> base_paths{"/minimal/api/rest/auto/v1", "/v1"};
    std::vector<std::string> trusted_proxies{"127.0.0.0/8", "::1/128"};  // addresses and CIDR ranges, "unix"
    std::string tenants_folder = "tenants";                              // absolute once loaded
    std::string access_log = "-";  // "-" is standard output, "" is none, else a file (absolute once loaded)
    std::chrono::milliseconds access_log_flush{100};  // a line is written so much later at the latest
    std::string audit_log;      // "" is none, "-" standard output, else a file (absolute once loaded)
    bool audit_values = false;  // the audit log bears the values of filters
    std::string admin_address = "127.0.0.1";  // [admin] the operators' listener: metrics and health
    std::uint16_t admin_port = 0;              // 0: none, unless the address is a unix socket's
    auth::Settings auth;                       // [auth] who is believed, and with which keys
    std::chrono::milliseconds request_timeout{30000};
    filters::Limits filter_limits{.reads_asks = true};
    schemas::Limits limits;
    request::BodyLimits body_limits;
    ShareLimits tenant_share;
    ShareLimits key_share;
    std::size_t tenant_answer_bytes_max = 0;  // what a tenant's file falls back on for a space; 0: none
    std::string token_key_file;  // of the tokens of previews, absolute once loaded; "": a random key of this start
    std::chrono::milliseconds preview_token_lifetime{300'000};
    std::uint64_t preview_rows_max = 100'000;  // of a set that a token stands for
    std::string database_hint;         // added as hint to a 404 database_unknown
    std::size_t connections_max = 16;  // [database] defaults for each database
    std::chrono::milliseconds pool_wait_max{2000};
    std::size_t pool_queue_max = 0;  // 0: four times the connections
    std::chrono::milliseconds connect_timeout{2000};
    std::chrono::milliseconds statement_timeout{10000};
    std::size_t statements_cached = 64;
    std::chrono::milliseconds catalog_lifetime{5000};
    std::chrono::milliseconds idle_close{300'000};
    std::size_t connections_total_max = 512;  // of all databases together; 0: no limit

    [[nodiscard]] bool has_admin() const { return admin_port != 0 || admin_address.starts_with("unix:"); }
};

// What is wrong and where: "config.toml:12: [server] prot: unknown setting; did you mean port?"
using ConfigError = std::vector<std::string>;

// `environment` holds ROWGATE_* variables, e.g. ROWGATE_SERVER_PORT=8080; they override the file, a list being comma separated.
// An unknown ROWGATE_* variable is an error. All problems are reported. Entries of trusted_proxies are checked by
// auth::TrustedProxies.
[[nodiscard]] tl::expected<Config, ConfigError> load(const std::string& file,
                                                     const std::map<std::string, std::string>& environment);

// The effective settings as TOML that `load` reads back to the same. There is no secret among them: a tenant's password stays in
// the environment or a file of its own.
[[nodiscard]] std::string print(const Config& config);

// One setting as the docs' table lists it. tests/check compares the README's table with this list.
struct Setting {
    std::string key;       // "server.port"
    std::string fallback;  // default as TOML
    std::string meaning;
};
[[nodiscard]] std::vector<Setting> settings();

}  // namespace gateway::config
