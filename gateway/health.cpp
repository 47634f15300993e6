#include "gateway/health.h"

#include "gateway/error.h"
#include "gateway/respond/problem.h"

namespace gateway {
namespace {

// Probes come from several sides at once; a database is asked at most this often.
constexpr std::chrono::milliseconds kCheckInterval{200};
constexpr std::chrono::milliseconds kCheckTimeout{900};

http::Response problem(Code code, std::string detail, observe::RequestServed& event) {
    Problem problem;
    problem.code = code;
    problem.detail = std::move(detail);
    if (code == Code::method_not_allowed) problem.allow = "GET, HEAD";
    event.code = entry_of(code).name;
    return respond::problem_response(problem);
}

http::Response status_response(std::string_view status) {
    http::Response response;
    response.status = 200;
    response.headers.push_back({"Content-Type", "application/json"});
    response.body = R"({"status":")" + std::string(status) + R"("})";
    return response;
}

}  // namespace

std::optional<http::Response> Health::answer(const http::Request& request, const Snapshot& snapshot, observe::RequestServed& event) {
    const std::string_view target = request.target;
    const std::string_view path = target.substr(0, target.find('?'));
    if (path != "/livez" && path != "/readyz") return std::nullopt;
    event.route = path == "/livez" ? observe::Route::livez : observe::Route::readyz;
    if (request.method != "GET" && request.method != "HEAD") {
        return problem(Code::method_not_allowed, "health is read with GET or HEAD", event);
    }
    if (path != target) return problem(Code::query_invalid, "this path takes no parameters", event);
    if (path == "/livez") return status_response("alive");
    // Asking a database takes time that there is none of now.
    if (request.is_shed) return problem(Code::overloaded, "more requests come in than can be answered", event);
    if (is_draining_) return problem(Code::overloaded, "the gateway is stopping", event);
    if (!are_databases_up(snapshot, event.internal)) {
        return problem(Code::database_unavailable, "a required database does not answer", event);
    }
    return status_response("ready");
}

bool Health::are_databases_up(const Snapshot& snapshot, std::string& internal) {
    const std::lock_guard lock(mutex_);
    if (std::chrono::steady_clock::now() - checked_ < kCheckInterval) {
        internal = internal_;
        return was_up_;
    }
    was_up_ = true;
    internal_.clear();
    const auto deadline = sql::exec::Deadline::after(kCheckTimeout);
    for (const tenants::RegisteredDatabase* database : snapshot.registry.databases()) {
        if (!database->is_required) continue;
        if (const auto checked = database->database->check(deadline); !checked) {
            was_up_ = false;
            internal_ = database->type + " " + database->name + ": " + checked.error().internal;
            break;
        }
    }
    checked_ = std::chrono::steady_clock::now();
    internal = internal_;
    return was_up_;
}

}  // namespace gateway
