#include "gateway/app.h"

#include <pthread.h>
#include <signal.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "gateway/admin.h"
#include "gateway/auth/api_keys.h"
#include "gateway/config/config.h"
#include "gateway/current_snapshot.h"
#include "gateway/error.h"
#include "gateway/grant_watch.h"
#include "gateway/health.h"
#include "gateway/http/server.h"
#include "gateway/observe/audit.h"
#include "gateway/observe/log.h"
#include "gateway/observe/metrics.h"
#include "gateway/pipeline.h"
#include "gateway/preview/token_key.h"
#include "gateway/reloader.h"
#include "gateway/service.h"
#include "gateway/tenants/folder.h"
#include "sql/backends.h"
#include "sql/exec/budget.h"

namespace gateway {
namespace {

using tl::unexpected;

void complain(const std::vector<std::string>& messages) {
    for (const std::string& message : messages) fmt::print(stderr, "rowgate: {}\n", message);
}

}  // namespace

tl::expected<Snapshot, std::vector<std::string>> load_settings(const std::string& config_file, const Environment& environment) {
    auto config = config::load(config_file, environment);
    if (!config) return unexpected(config.error());
    auto trusted = auth::TrustedProxies::parse(config->trusted_proxies);
    if (!trusted) return unexpected(std::vector<std::string>{config_file + ": trusted_proxies: " + trusted.error()});
    std::shared_ptr<auth::ApiKeys> api_keys;
    if (config->auth.has_mode("api_key")) api_keys = std::make_shared<auth::ApiKeys>(config->auth.keys_folder);
    auto identity = auth::Identity::make(config->auth, *trusted, api_keys);
    if (!identity) {
        std::vector<std::string> messages;
        for (const std::string& problem : identity.error()) messages.push_back(config_file + ": " + problem);
        return unexpected(std::move(messages));
    }
    auto token_key = preview::load_token_key(config->token_key_file);
    if (!token_key) return unexpected(std::vector<std::string>{config_file + ": " + token_key.error()});
    return Snapshot{std::move(*config), std::move(*trusted), {}, std::move(*identity), std::move(api_keys), std::move(*token_key)};
}

namespace {

sigset_t awaited_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGHUP}) sigaddset(&signals, signal);
    return signals;
}

std::vector<observe::ProblemKind> problem_kinds() {
    std::vector<observe::ProblemKind> kinds;
    for (const CodeEntry& entry : codes()) kinds.push_back({entry.name, entry.status});
    return kinds;
}

// The operators' listener and its thread: from before the first client is served until after the last one is.
class AdminListener {
public:
    AdminListener(Admin& admin, const config::Config& config, observe::Log& log)
        : log_(log),
          server_(
              admin_options(config), [&admin](http::Request&& request) { return admin.serve(std::move(request)); },
              [](const http::Refusal& refusal) { return Admin::refuse(refusal); }) {
        const std::uint16_t port = server_.bind();
        log_.write(observe::AdminStarted{config.admin_address, port});
        thread_ = std::thread([this] {
            try {
                server_.run();
            } catch (const std::exception& exception) {
                log_.write(observe::Failed{std::string("the admin listener ended: ") + exception.what()});
            }
        });
    }
    ~AdminListener() {
        server_.stop();
        thread_.join();
    }
    AdminListener(const AdminListener&) = delete;
    AdminListener& operator=(const AdminListener&) = delete;

private:
    observe::Log& log_;
    http::Server server_;
    std::thread thread_;
};

// Serves until a signal says stop, on sockets that are bound.
void serve_until_stopped(http::Server& server, Health& health, observe::Log& log, observe::Audit& audit, Reloader& reloader) {
    std::thread waiter([&] {
        const sigset_t signals = awaited_signals();
        int signal = 0;
        for (sigwait(&signals, &signal); signal == SIGUSR1 || signal == SIGHUP; sigwait(&signals, &signal)) {
            if (signal == SIGUSR1) {
                log.reopen();
                audit.reopen();
            }
            if (signal == SIGHUP) reloader.reload();
        }
        health.start_draining();
        log.write(observe::Stopping{signal == SIGTERM ? "SIGTERM" : "SIGINT"});
        server.stop();
    });
    // run() also ends when the listening socket fails; then the waiter is still waiting for its signal.
    const auto end_waiter = [&waiter] {
        pthread_kill(waiter.native_handle(), SIGTERM);
        waiter.join();
    };
    try {
        server.run();
    } catch (...) {
        end_waiter();
        throw;
    }
    end_waiter();
}

tenants::Registry read_tenants(tenants::Folder& folder, observe::Log& log) {
    const auto began = std::chrono::steady_clock::now();
    auto reading = folder.read(tenants::Folder::Scope::everything);
    if (!reading) throw std::runtime_error(reading.error());
    for (const tenants::FaultyFile& faulty : reading->faults) complain(faulty.messages);
    Reloader::tell(*reading, std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began), log);
    return std::move(reading->registry);
}

void serve(Snapshot first) {
    const config::Config config = first.config;
    const auth::TrustedProxies trusted = first.trusted;
    observe::Log log(config.access_log, config.access_log_flush);
    log.write_on_abort();
    try {
        observe::Metrics metrics(problem_kinds(), ROWGATE_VERSION);
        Health health;
        const auto budget = std::make_shared<sql::exec::Budget>(config.connections_total_max, config.idle_close);
        tenants::Folder folder(config, budget);
        first.registry = read_tenants(folder, log);
        const auto note = [&log](const std::string& what) { log.write(observe::Failed{what}); };
        observe::Audit audit(config.audit_log, note);
        std::optional<auth::KeyWatch> key_watch;
        if (first.api_keys) {
            const std::vector<std::string> faults = first.api_keys->refresh();
            complain(faults);
            for (const std::string& fault : faults) note(fault);
            key_watch.emplace(first.api_keys, note);
        }
        const auth::IdentityWatch identity_watch(first.identity, [&log](const std::string& what) { log.write(observe::Failed{what}); });
        CurrentSnapshot current(std::move(first));
        Service service(current, health, log, metrics, &audit);
        http::ServerOptions options = config.server;
        options.is_exempt = [&trusted](const std::string& address) {
            return address == "::1" || address.starts_with("127.") || trusted.contains(address);
        };
        http::Server server(
            std::move(options), [&](http::Request&& request) { return service.serve(std::move(request)); },
            [&](const http::Refusal& refusal) { return service.refuse(refusal); });
        const std::uint16_t port = server.bind();
        log.write(observe::Started{config.server.address, port});
        Admin admin(current, health, log, audit, metrics, server);
        std::optional<AdminListener> listener;
        if (config.has_admin()) listener.emplace(admin, config, log);
        GrantWatch grants(current, log);
        Reloader reloader(folder, *budget, current, grants, log);
        serve_until_stopped(server, health, log, audit, reloader);
    } catch (const std::exception& exception) {
        log.write(observe::Failed{exception.what()});
        throw;
    }
}

}  // namespace

int serve(const std::string& config_file, const Environment& environment) {
    observe::note_start();
    // Every thread inherits the mask; the one that waits for them is the only one to see these signals.
    const sigset_t signals = awaited_signals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    auto snapshot = load_settings(config_file, environment);
    if (!snapshot) {
        complain(snapshot.error());
        return kExitFailure;
    }
    try {
        sql::start();
        serve(std::move(*snapshot));
    } catch (const std::exception& exception) {
        complain({exception.what()});
        return kExitFailure;
    }
    return kExitOk;
}

int check_config(const std::string& config_file, const Environment& environment) {
    const auto settings = load_settings(config_file, environment);
    if (!settings) {
        complain(settings.error());
        return kExitFailure;
    }
    const auto registry = tenants::Registry::load(settings->config);
    const std::vector<std::string> key_faults = settings->api_keys ? settings->api_keys->refresh() : std::vector<std::string>{};
    complain(key_faults);
    if (!registry) {
        complain(registry.error().messages);
        return kExitFailure;
    }
    if (!key_faults.empty()) return kExitFailure;
    fmt::print("{}: good, {} orgs, {} databases\n", config_file, registry->orgs().size(), registry->databases().size());
    return kExitOk;
}

namespace {

// Every tenant's file; nothing, after a complaint, where the settings or the folder cannot be read.
std::optional<tenants::Folder::Reading> read_tenants(const tl::expected<config::Config, std::vector<std::string>>& config) {
    if (!config) {
        complain(config.error());
        return std::nullopt;
    }
    auto reading = tenants::Folder(*config, nullptr).read(tenants::Folder::Scope::everything);
    if (!reading) {
        complain({reading.error()});
        return std::nullopt;
    }
    return std::move(*reading);
}

}  // namespace

int check_tenants(const std::string& config_file, const Environment& environment) {
    const auto config = config::load(config_file, environment);
    const auto reading = read_tenants(config);
    if (!reading) return kExitFailure;
    for (const tenants::FaultyFile& faulty : reading->faults) complain(faulty.messages);
    bool is_good = reading->faults.empty();
    std::size_t unreached = 0;
    sql::start();
    for (const tenants::GrantFindings& findings : check_all_grants(reading->registry)) {
        complain(findings.wrong);
        is_good = is_good && findings.wrong.empty();
        if (!findings.unreached.empty()) {
            complain({findings.unreached});
            ++unreached;
        }
    }
    if (!is_good) return kExitFailure;
    fmt::print("{}: good, {} orgs, {} databases{}\n", config->tenants_folder, reading->registry.orgs().size(), reading->registry.databases().size(),
               unreached == 0 ? std::string() : fmt::format(", {} of them not reached", unreached));
    return kExitOk;
}

int list_tenants(const std::string& config_file, const Environment& environment) {
    const auto config = config::load(config_file, environment);
    const auto reading = read_tenants(config);
    if (!reading) return kExitFailure;
    for (const auto& org : reading->registry.orgs()) {
        for (const tenants::Project& project : org->projects) {
            for (const tenants::Space& space : project.spaces) {
                for (const tenants::RegisteredDatabase& database : space.databases) {
                    fmt::print("{}/{} {} {}/{}\n", org->name, project.name, space.id, database.type, database.name);
                }
            }
        }
    }
    for (const tenants::FaultyFile& faulty : reading->faults) complain(faulty.messages);
    return reading->faults.empty() ? kExitOk : kExitFailure;
}

int print_config(const std::string& config_file, const Environment& environment) {
    const auto config = config::load(config_file, environment);
    if (!config) {
        complain(config.error());
        return kExitFailure;
    }
    fmt::print("{}", config::print(*config));
    return kExitOk;
}

int print_settings_table() {
    fmt::print("| setting | default | meaning |\n|---|---|---|\n");
    for (const config::Setting& setting : config::settings()) {
        fmt::print("| `{}` | `{}` | {} |\n", setting.key, setting.fallback, setting.meaning);
    }
    return kExitOk;
}

int print_metrics_table() {
    fmt::print("| metric | type | labels | meaning |\n|---|---|---|---|\n");
    for (const observe::MetricFamily& family : observe::metric_families()) {
        std::string labels;
        for (std::string_view rest = family.labels; !rest.empty();) {
            const std::size_t comma = rest.find(", ");
            labels += (labels.empty() ? "`" : ", `") + std::string(rest.substr(0, comma)) + '`';
            rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 2);
        }
        fmt::print("| `{}` | {} | {} | {} |\n", family.name, family.type, labels, family.meaning);
    }
    return kExitOk;
}

int print_errors_table() {
    fmt::print("| code | status | title |\n|---|---|---|\n");
    for (const CodeEntry& entry : codes()) fmt::print("| `{}` | {} | {} |\n", entry.name, entry.status, entry.title);
    return kExitOk;
}

}  // namespace gateway
