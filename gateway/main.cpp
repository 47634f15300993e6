// Flags and exit codes; all else is in app.
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>

#include "gateway/app.h"

extern char** environ;

namespace {

gateway::Environment rowgate_environment() {
    gateway::Environment environment;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text(*entry);
        const std::size_t equals = text.find('=');
        if (text.starts_with("ROWGATE_") && equals != std::string::npos) environment[text.substr(0, equals)] = text.substr(equals + 1);
    }
    return environment;
}

// Many threads take turns on few processors: with an arena for each, what one request had would lie about in each of them. Large
// pieces go back to the system as soon as they are free, so that one large body does not stay resident for ever.
void settle_memory() {
    constexpr int kLargeBytes = 256 << 10;
    ::mallopt(M_ARENA_MAX, static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 2u, 64u)));
    ::mallopt(M_MMAP_THRESHOLD, kLargeBytes);
    ::mallopt(M_TRIM_THRESHOLD, 2 * kLargeBytes);
}

}  // namespace

int main(int argc, char** argv) {
    settle_memory();
    CLI::App app("Rowgate: every table of your databases as a REST resource.", "rowgate");
    app.set_version_flag("--version", "rowgate " ROWGATE_VERSION);
    app.require_subcommand(1);
    std::string file = "config.toml";

    CLI::App* serve = app.add_subcommand("serve", "Serve until SIGTERM");
    serve->add_option("--config", file, "The configuration file")->capture_default_str();
    CLI::App* config = app.add_subcommand("config", "Look at the configuration");
    config->require_subcommand(1);
    CLI::App* check = config->add_subcommand("check", "Check the configuration and the tenants' files");
    check->add_option("--config", file, "The configuration file")->capture_default_str();
    CLI::App* print = config->add_subcommand("print", "Print the effective settings, secrets masked");
    print->add_option("--config", file, "The configuration file")->capture_default_str();
    CLI::App* settings = config->add_subcommand("settings", "List every setting as a Markdown table");
    CLI::App* errors = app.add_subcommand("errors", "List every error code as a Markdown table");
    CLI::App* metrics = app.add_subcommand("metrics", "List every metric as a Markdown table");

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? gateway::kExitOk : gateway::kExitUsage;
    }
    if (serve->parsed()) return gateway::serve(file, rowgate_environment());
    if (check->parsed()) return gateway::check_config(file, rowgate_environment());
    if (print->parsed()) return gateway::print_config(file, rowgate_environment());
    if (settings->parsed()) return gateway::print_settings_table();
    if (errors->parsed()) return gateway::print_errors_table();
    if (metrics->parsed()) return gateway::print_metrics_table();
    return gateway::kExitUsage;
}
