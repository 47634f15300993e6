#include "gateway/app.h"

#include <pthread.h>
#include <signal.h>

#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "gateway/admin.h"
#include "gateway/config/config.h"
#include "gateway/error.h"
#include "gateway/health.h"
#include "gateway/http/server.h"
#include "gateway/observe/log.h"
#include "gateway/observe/metrics.h"
#include "gateway/pipeline.h"
#include "gateway/service.h"
#include "sql/backends.h"

namespace gateway {
namespace {

using tl::unexpected;

void complain(const std::vector<std::string>& messages) {
    for (const std::string& message : messages) fmt::print(stderr, "rowgate: {}\n", message);
}

tl::expected<Snapshot, std::vector<std::string>> load_snapshot(const std::string& config_file, const Environment& environment) {
    auto config = config::load(config_file, environment);
    if (!config) return unexpected(config.error());
    auto trusted = auth::TrustedProxies::parse(config->trusted_proxies);
    if (!trusted) return unexpected(std::vector<std::string>{config_file + ": trusted_proxies: " + trusted.error()});
    auto registry = tenants::Registry::load(*config);
    if (!registry) return unexpected(registry.error().messages);
    return Snapshot{std::move(*config), std::move(*trusted), std::move(*registry)};
}

sigset_t awaited_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) sigaddset(&signals, signal);
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
void serve_until_stopped(http::Server& server, Health& health, observe::Log& log) {
    std::thread waiter([&] {
        const sigset_t signals = awaited_signals();
        int signal = 0;
        for (sigwait(&signals, &signal); signal == SIGUSR1; sigwait(&signals, &signal)) log.reopen();
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

void serve(const Snapshot& snapshot) {
    const config::Config& config = snapshot.config;
    observe::Log log(config.access_log, config.access_log_flush);
    log.write_on_abort();
    try {
        observe::Metrics metrics(problem_kinds(), ROWGATE_VERSION);
        Health health;
        Service service(snapshot, health, log, metrics);
        http::ServerOptions options = config.server;
        options.is_exempt = [&snapshot](const std::string& address) {
            return address == "::1" || address.starts_with("127.") || snapshot.trusted.contains(address);
        };
        http::Server server(
            std::move(options), [&](http::Request&& request) { return service.serve(std::move(request)); },
            [&](const http::Refusal& refusal) { return service.refuse(refusal); });
        const std::uint16_t port = server.bind();
        log.write(observe::Started{config.server.address, port});
        Admin admin(snapshot, health, log, metrics, server);
        std::optional<AdminListener> listener;
        if (config.has_admin()) listener.emplace(admin, config, log);
        serve_until_stopped(server, health, log);
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

    auto snapshot = load_snapshot(config_file, environment);
    if (!snapshot) {
        complain(snapshot.error());
        return kExitFailure;
    }
    try {
        sql::start();
        serve(*snapshot);
    } catch (const std::exception& exception) {
        complain({exception.what()});
        return kExitFailure;
    }
    return kExitOk;
}

int check_config(const std::string& config_file, const Environment& environment) {
    const auto snapshot = load_snapshot(config_file, environment);
    if (!snapshot) {
        complain(snapshot.error());
        return kExitFailure;
    }
    fmt::print("{}: good, {} orgs, {} databases\n", config_file, snapshot->registry.orgs().size(), snapshot->registry.databases().size());
    return kExitOk;
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
