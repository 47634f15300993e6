#include "gateway/admin.h"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>

#include "gateway/error.h"
#include "gateway/respond/problem.h"
#include "gateway/service.h"
#include "sql/exec/pool.h"

namespace gateway {
namespace {

http::Response refuse_with(Code code, std::string detail) {
    Problem problem;
    problem.code = code;
    problem.detail = std::move(detail);
    if (code == Code::method_not_allowed) problem.allow = "GET, HEAD";
    return respond::problem_response(problem);
}

void add(observe::Readings::Pools& sum, const sql::exec::PoolStats& pool) {
    sum.used += pool.open - std::min(pool.open, pool.idle);
    sum.idle += pool.idle;
    sum.max += pool.connections_max;
    sum.pending += pool.waiting;
    sum.timeouts += pool.timeouts;
    sum.refused += pool.refused;
    sum.connects += pool.connects;
    sum.connect_failures += pool.connect_failures;
}

}  // namespace

http::ServerOptions admin_options(const config::Config& config) {
    http::ServerOptions options;
    options.address = config.admin_address;
    options.port = config.admin_port;
    options.socket_mode = config.server.socket_mode;
    options.workers = 1;
    options.affinity = "off";  // the clients' listener sees to it for the process
    options.threads = 4;
    options.connections_max = 64;
    options.connections_per_address_max = 64;
    options.buffered_bytes_max = 32u << 20;
    options.body_bytes_max = 1;
    return options;
}

http::Response Admin::serve(http::Request&& request) {
    observe::RequestServed unlogged;
    http::Response response;
    try {
        response = answer(request, unlogged);
    } catch (const std::exception&) {
        response = refuse_with(Code::internal_error, "the gateway failed");
    }
    add_common_headers(response, request_id_of(request));
    return response;
}

http::Response Admin::refuse(const http::Refusal& refusal) {
    http::Response response = respond::problem_response(to_problem(refusal));
    add_common_headers(response, new_request_id());
    return response;
}

http::Response Admin::answer(const http::Request& request, observe::RequestServed& unlogged) {
    if (auto health = health_.answer(request, *current_.pin(), Health::Asker::operators, unlogged)) return std::move(*health);
    if (request.is_shed) return refuse_with(Code::overloaded, "too many requests at once");
    const std::string_view target = request.target;
    if (target.substr(0, target.find('?')) != "/metrics") {
        return refuse_with(Code::path_unknown, "there are /metrics, /livez and /readyz here");
    }
    if (request.method != "GET" && request.method != "HEAD") {
        return refuse_with(Code::method_not_allowed, "metrics are read with GET or HEAD");
    }
    if (target != "/metrics") return refuse_with(Code::query_invalid, "this path takes no parameters");
    http::Response response;
    response.status = 200;
    response.headers.push_back({"Content-Type", "text/plain; version=0.0.4; charset=utf-8"});
    response.body = metrics_.text(read());
    return response;
}

observe::Readings Admin::read() const {
    observe::Readings readings;
    const http::ServerStats front = front_.stats();
    readings.front = {front.connections, front.accepted, front.refused_total, front.refused_address, front.shed,
                      front.timeouts, front.buffered_bytes, front.threads, front.queue_age};
    // Entries of several tenants may share a database, and readers and writers a pool.
    std::unordered_set<const sql::exec::Pool*> seen;
    const CurrentSnapshot::Pin snapshot = current_.pin();
    seen.reserve(2 * snapshot->registry.databases().size());
    for (const tenants::RegisteredDatabase* entry : snapshot->registry.databases()) {
        auto& sum = readings.pools.at(static_cast<std::size_t>(system_of(*entry)));
        for (sql::exec::Pool* pool : {&entry->database->readers(), &entry->database->writers()}) {
            if (seen.insert(pool).second) add(sum, pool->stats());
        }
    }
    const observe::LogStats log = log_.stats();
    readings.log_lines_lost = log.lines_lost;
    readings.log_write_failures = log.write_failures;
    const observe::LogStats audit = audit_.stats();
    readings.audit_lines_lost = audit.lines_lost;
    readings.audit_write_failures = audit.write_failures;
    readings.own = observe::read_own_use();
    return readings;
}

}  // namespace gateway
