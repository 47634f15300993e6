// The one place that builds and owns configuration, registry, databases, log and server. Called by main.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace gateway {

struct Snapshot;

// Exit codes of the program.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;  // cannot start: configuration, registry, port
inline constexpr int kExitUsage = 2;

using Environment = std::map<std::string, std::string>;

// A snapshot without tenants, as `serve` begins with. Opens nothing; the problems name file and setting.
tl::expected<Snapshot, std::vector<std::string>> load_settings(const std::string& config_file, const Environment& environment);

// Serves until SIGTERM or SIGINT, then finishes what is under way; SIGUSR1 opens the logs' files anew, SIGHUP reads the tenants' files
// again, which is also done when one changes. A faulty one of them stops nothing. Problems go to standard error, one a line.
int serve(const std::string& config_file, const Environment& environment);

// Reads configuration and registry as `serve` would, opens nothing, and says what is wrong.
int check_config(const std::string& config_file, const Environment& environment);

// Every fault of every tenant's file, with file and line, and every grant that does not fit the tables of its database; fails when there
// is one. Databases that cannot be reached are named, and no fault.
int check_tenants(const std::string& config_file, const Environment& environment);

// One line a database: org/project space type/name. No secret.
int list_tenants(const std::string& config_file, const Environment& environment);

// Prints the effective settings as TOML, secrets masked.
int print_config(const std::string& config_file, const Environment& environment);

// The tables that the documentation bears, as Markdown: made here so that they cannot drift.
int print_settings_table();
int print_errors_table();
int print_metrics_table();

}  // namespace gateway
