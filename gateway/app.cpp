#include "gateway/app.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <random>
#include <string>
#include <thread>

#include <fmt/format.h>

#include "gateway/config/config.h"
#include "gateway/error.h"
#include "gateway/health.h"
#include "gateway/http/server.h"
#include "gateway/pipeline.h"
#include "gateway/respond/problem.h"
#include "sql/backends.h"

namespace gateway {
namespace {

using tl::unexpected;

constexpr std::size_t kRequestIdMax = 128;

bool is_well_formed_id(std::string_view id) {
    return !id.empty() && id.size() <= kRequestIdMax && std::ranges::all_of(id, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '.';
    });
}

std::string new_request_id() {
    static thread_local std::mt19937_64 random = [] {
        std::random_device device;
        std::seed_seq seed{device(), device(), device(), device()};
        return std::mt19937_64(seed);
    }();
    return fmt::format("{:016x}{:016x}", random(), random());
}

std::string request_id_of(const http::Request& request) {
    const std::vector<std::string_view> sent = request.values("X-Request-Id");
    return sent.size() == 1 && is_well_formed_id(sent.front()) ? std::string(sent.front()) : new_request_id();
}

// What every answer bears, whoever made it.
void add_common_headers(http::Response& response, const std::string& request_id) {
    response.headers.push_back({"X-Request-Id", request_id});
    response.headers.push_back({"Cache-Control", "no-store"});
    response.headers.push_back({"X-Content-Type-Options", "nosniff"});
}

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

// Turns each request into one answer and one line of the log.
class Service {
public:
    Service(const Snapshot& snapshot, observe::Log& log) : snapshot_(snapshot), log_(log) {}

    http::Response serve(http::Request&& request) {
        observe::RequestServed event;
        event.request_id = request_id_of(request);
        event.peer = request.peer;
        event.method = request.method;
        event.target = request.target;
        const auto received = request.received;
        http::Response response;
        try {
            auto health = health_.answer(request, snapshot_, event);
            response = health ? std::move(*health) : answer(std::move(request), snapshot_, event);
        } catch (const std::exception& exception) {
            Problem problem;
            problem.detail = "the gateway failed; the log has the reason under this request's id";
            event.code = entry_of(problem.code).name;
            event.internal = exception.what();
            response = respond::problem_response(problem);
        }
        finish(response, event, received);
        return response;
    }

    http::Response refuse(const http::Refusal& refusal) {
        observe::RequestServed event;
        event.request_id = new_request_id();
        Problem problem = to_problem(refusal);
        problem.position = refusal.status == 400 ? std::optional<std::size_t>() : problem.position;
        event.code = entry_of(problem.code).name;
        event.internal = problem.internal;
        http::Response response = respond::problem_response(problem);
        finish(response, event, std::chrono::steady_clock::now());
        return response;
    }

    Health& health() { return health_; }

private:
    void finish(http::Response& response, observe::RequestServed& event, std::chrono::steady_clock::time_point received) {
        add_common_headers(response, event.request_id);
        event.status = response.status;
        event.bytes = response.body.size();
        event.duration = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - received);
        log_.write(event);
    }

    const Snapshot& snapshot_;
    observe::Log& log_;
    Health health_;
};

}  // namespace

int serve(const std::string& config_file, const Environment& environment) {
    // Every thread inherits the mask; the one that waits below is the only one to see these signals.
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    auto snapshot = load_snapshot(config_file, environment);
    if (!snapshot) {
        complain(snapshot.error());
        return kExitFailure;
    }
    try {
        sql::start();
        observe::Log log(snapshot->config.access_log);
        Service service(*snapshot, log);
        http::Server server(
            snapshot->config.server, [&](http::Request&& request) { return service.serve(std::move(request)); },
            [&](const http::Refusal& refusal) { return service.refuse(refusal); });
        const std::uint16_t port = server.bind();
        log.write(observe::Started{snapshot->config.server.address, port});
        std::thread waiter([&] {
            int signal = 0;
            sigwait(&signals, &signal);
            service.health().start_draining();
            log.write(observe::Stopping{signal == SIGTERM ? "SIGTERM" : "SIGINT"});
            server.stop();
        });
        server.run();
        // run() also returns when the listening socket fails; then the waiter is still waiting for its signal.
        pthread_kill(waiter.native_handle(), SIGTERM);
        waiter.join();
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

int print_errors_table() {
    fmt::print("| code | status | title |\n|---|---|---|\n");
    for (const CodeEntry& entry : codes()) fmt::print("| `{}` | {} | {} |\n", entry.name, entry.status, entry.title);
    return kExitOk;
}

}  // namespace gateway
