// Flags and exit codes; all else is in app.
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <thread>

#include <CLI/CLI.hpp>

#include "gateway/app.h"
#include "gateway/explain_command.h"
#include "gateway/keys.h"

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
    CLI::App* tenants = app.add_subcommand("tenants", "Look at the tenants' files");
    tenants->require_subcommand(1);
    CLI::App* check_tenants = tenants->add_subcommand("check", "Say every fault of every file, and every grant that does not fit its database, with file and line");
    check_tenants->add_option("--config", file, "The configuration file")->capture_default_str();
    CLI::App* list_tenants = tenants->add_subcommand("list", "List every database, one a line: org/project space type/name");
    list_tenants->add_option("--config", file, "The configuration file")->capture_default_str();
    CLI::App* keys = app.add_subcommand("keys", "Make, list and revoke API keys");
    keys->require_subcommand(1);
    gateway::NewKeyWish wish;
    // `--row-filter "$UNSET"` must not make a key that may do everything.
    const auto is_given = [](const std::string& text) { return std::string(text.empty() ? "must not be empty" : ""); };
    CLI::App* create_key = keys->add_subcommand("create", "Make a key and print it, once, alone on the last line");
    create_key->add_option("--config", file, "The configuration file")->capture_default_str();
    create_key->add_option("--org-id", wish.org_id, "The organization's id")->required();
    create_key->add_option("--project-id", wish.project_id, "The project's id")->required();
    create_key->add_option("--space-id", wish.space_id, "The space's id")->required();
    create_key->add_option("--user", wish.user_id, "The user's id")->required();
    create_key->add_option("--roles", wish.roles, "The roles, with commas between them")->required();
    create_key->add_option("--expires", wish.expires, "The time from which it is refused, as 2027-01-01T00:00:00Z")->check(is_given);
    create_key->add_option("--name", wish.name, "What it is for, in words");
    create_key->add_option("--verbs", wish.verbs, "All that it may do on --tables, as GET,DELETE")->check(is_given);
    create_key->add_option("--tables", wish.tables, "All that it may see: names or patterns, as users,logs*")->check(is_given);
    create_key->add_option("--read", wish.read, "Of these tables, the columns that come out, as id,title")->check(is_given);
    create_key->add_option("--write", wish.write, "Of these tables, the columns that a body may name")->check(is_given);
    create_key->add_option("--filter", wish.filter, "Of these tables, the columns that conditions and order may name; default: those of --read")->check(is_given);
    create_key->add_option("--row-filter", wish.row_filter, "Of these tables, the rows that it reads and writes, as 'owner=eq.$user_id&state=in.draft,public'")->check(is_given);
    create_key->add_option("--value", wish.values, "What it writes whatever the body says, as COLUMN=VALUE; may be repeated")->allow_extra_args(false)->check(is_given);
    create_key->add_option("--affected-max", wish.affected_max, "Of these tables, the rows that a write may affect, those that foreign keys take along too")->check(is_given);
    create_key->add_option("--cascaded-max", wish.cascaded_max, "Of these, the rows that foreign keys may take along")->check(is_given);
    create_key->add_option("--conditional-delete", wish.conditional_delete, "one: a filter of a DELETE may match one row, unless the request says remove-all")->check(is_given);
    create_key->add_flag("--confirm", wish.needs_confirmation, "A DELETE must say confirm=true");
    create_key->add_option("--missing", wish.missing, "ok: a DELETE by key of a row that is not there is no error")->check(is_given);
    bool is_json = false;
    CLI::App* list_keys = keys->add_subcommand("list", "List the keys, never their secrets");
    list_keys->add_option("--config", file, "The configuration file")->capture_default_str();
    list_keys->add_flag("--json", is_json, "As JSON");
    std::string key_id;
    CLI::App* revoke_key = keys->add_subcommand("revoke", "Revoke a key; a gateway that serves refuses it within two seconds");
    revoke_key->add_option("--config", file, "The configuration file")->capture_default_str();
    revoke_key->add_option("id", key_id, "The key's id")->required();
    gateway::Question question;
    const auto ask_as = [&](CLI::App* command) {
        command->add_option("--config", file, "The configuration file")->capture_default_str();
        command->add_option("--org-id", question.org_id, "The organization's id");
        command->add_option("--project-id", question.project_id, "The project's id");
        command->add_option("--space-id", question.space_id, "The space's id");
        command->add_option("--user", question.user_id, "The user's id");
        command->add_option("--roles", question.roles, "The roles, with commas between them");
        command->add_flag("--json", is_json, "As JSON");
    };
    CLI::App* whoami = app.add_subcommand("whoami", "Say whom a token, a key or the five headers stand for, or exactly why for nobody");
    ask_as(whoami);
    whoami->add_option("--token", question.token, "A JWT, or - to read it from standard input");
    whoami->add_option("--key", question.key, "An API key, or - to read it from standard input");
    whoami->add_option("--peer", question.peer, "Where the five headers come from; default: the first of trusted_proxies");
    CLI::App* explain = app.add_subcommand("explain-access", "Say step by step whether a request would be allowed, without carrying it out");
    ask_as(explain);
    explain->add_option("--key-id", question.key_id, "The API key that is used: its id; in the place of the five, or agreeing with them");
    explain->add_option("--claim", question.claims, "A claim of the caller's token, as NAME=VALUE; may be repeated")->allow_extra_args(false);
    explain->add_option("--body", question.body, "The request's JSON body");
    explain->add_option("method", question.method, "GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS")->required();
    explain->add_option("target", question.target, "Path and query, as a client sends them")->required();
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
    if (check_tenants->parsed()) return gateway::check_tenants(file, rowgate_environment());
    if (list_tenants->parsed()) return gateway::list_tenants(file, rowgate_environment());
    if (create_key->parsed()) return gateway::create_key(file, rowgate_environment(), wish);
    if (list_keys->parsed()) {
        return gateway::list_keys(file, rowgate_environment(), is_json ? gateway::ListForm::json : gateway::ListForm::text);
    }
    if (revoke_key->parsed()) return gateway::revoke_key(file, rowgate_environment(), key_id);
    const gateway::ListForm form = is_json ? gateway::ListForm::json : gateway::ListForm::text;
    if (whoami->parsed()) return gateway::whoami(file, rowgate_environment(), question, form);
    if (explain->parsed()) return gateway::explain_access(file, rowgate_environment(), question, form);
    if (settings->parsed()) return gateway::print_settings_table();
    if (errors->parsed()) return gateway::print_errors_table();
    if (metrics->parsed()) return gateway::print_metrics_table();
    return gateway::kExitUsage;
}
