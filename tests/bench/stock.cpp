// cpp-httplib as it comes, with its pool of 64 threads, and the gateway's own service behind it (pipeline, log, metrics, headers): what the
// front of our own is worth. It keeps none of its promises about hostile bytes. Started by tests/bench/run; not for anybody else.
//
//     stock CONFIG        prints its port on stderr, serves until SIGTERM
#include <httplib.h>
#include <signal.h>

#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "gateway/config/config.h"
#include "gateway/error.h"
#include "gateway/service.h"
#include "sql/backends.h"

namespace {

constexpr std::size_t kThreads = 64;
constexpr std::size_t kKeepAliveMax = 1'000'000'000;

gateway::http::Request request_of(const httplib::Request& from) {
    gateway::http::Request request;
    request.method = from.method;
    request.target = from.target;
    request.headers.reserve(from.headers.size());
    for (const auto& [name, value] : from.headers) request.headers.push_back({name, value});
    request.body = from.body;
    request.body_state = from.body.empty() ? gateway::http::BodyState::none : gateway::http::BodyState::complete;
    request.peer = from.remote_addr;
    request.received = std::chrono::steady_clock::now();
    return request;
}

void give(gateway::http::Response&& from, httplib::Response& to) {
    to.status = from.status;
    for (const gateway::http::Header& header : from.headers) to.set_header(header.name, header.value);
    for (std::string_view lines = from.lines.text(); !lines.empty();) {
        const std::size_t colon = lines.find(": ");
        const std::size_t end = lines.find("\r\n", colon);
        to.set_header(std::string(lines.substr(0, colon)), std::string(lines.substr(colon + 2, end - colon - 2)));
        lines.remove_prefix(end + 2);
    }
    to.body = std::move(from.body);
}

std::vector<gateway::observe::ProblemKind> problem_kinds() {
    std::vector<gateway::observe::ProblemKind> kinds;
    for (const gateway::CodeEntry& entry : gateway::codes()) kinds.push_back({entry.name, entry.status});
    return kinds;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        fmt::print(stderr, "usage: stock CONFIG\n");
        return 2;
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    auto config = gateway::config::load(argv[1], {});
    if (!config) {
        fmt::print(stderr, "stock: {}\n", config.error().front());
        return 1;
    }
    auto trusted = gateway::auth::TrustedProxies::parse(config->trusted_proxies);
    auto registry = gateway::tenants::Registry::load(*config);
    if (!trusted || !registry) {
        fmt::print(stderr, "stock: the configuration is not good\n");
        return 1;
    }
    sql::start();
    gateway::observe::Log log(config->access_log, config->access_log_flush);
    const gateway::CurrentSnapshot current(gateway::Snapshot{std::move(*config), std::move(*trusted), std::move(*registry)});
    gateway::observe::Metrics metrics(problem_kinds(), ROWGATE_VERSION);
    gateway::Health health;
    gateway::Service service(current, health, log, metrics);
    httplib::Server server;
    server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
    server.set_tcp_nodelay(true);
    server.set_keep_alive_max_count(kKeepAliveMax);
    server.set_pre_routing_handler([&](const httplib::Request& from, httplib::Response& to) {
        give(service.serve(request_of(from)), to);
        return httplib::Server::HandlerResponse::Handled;
    });
    fmt::print(stderr, "{}\n", server.bind_to_any_port("127.0.0.1"));
    std::thread waiter([&] {
        int number = 0;
        sigwait(&signals, &number);
        server.stop();
    });
    server.listen_after_bind();
    waiter.join();
    return 0;
}
