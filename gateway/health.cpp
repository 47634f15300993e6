#include "gateway/health.h"

#include "gateway/error.h"
#include "gateway/respond/json.h"
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

void append_text(std::string& out, std::string_view key, std::string_view value) {
    out += key;
    respond::append_json_string(out, value);
}

// Every database, and what its pools know of it, which is nothing when nobody used it; every faulty file.
http::Response list_all(const tenants::Registry& registry, bool is_ready) {
    http::Response response = status_response(is_ready ? "ready" : "not_ready");
    response.status = is_ready ? 200 : 503;
    if (!is_ready) response.headers.push_back({"Retry-After", "1"});
    std::string& body = response.body;
    body.back() = ',';
    body += R"("databases":[)";
    for (const auto& org : registry.orgs()) {
        for (const tenants::Project& project : org->projects) {
            for (const tenants::Space& space : project.spaces) {
                for (const tenants::RegisteredDatabase& database : space.databases) {
                    const sql::exec::PoolStats pool = database.database->readers().stats();
                    if (body.back() != '[') body += ',';
                    append_text(body, R"({"org":)", org->name);
                    append_text(body, R"(,"project":)", project.name);
                    append_text(body, R"(,"space":)", space.id);
                    append_text(body, R"(,"type":)", database.type);
                    append_text(body, R"(,"name":)", database.name);
                    body += database.is_required ? R"(,"required":true)" : R"(,"required":false)";
                    append_text(body, R"(,"state":)", pool.is_down ? "down" : pool.connects > 0 ? "up" : "not_used");
                    body += '}';
                }
            }
        }
    }
    body += R"(],"faulty_files":[)";
    for (const tenants::FaultyFile& faulty : registry.faulty_files()) {
        if (body.back() != '[') body += ',';
        append_text(body, R"({"file":)", faulty.file);
        append_text(body, R"(,"in_force":)", faulty.has_last_good ? "last_good" : "nothing");
        body += R"(,"faults":[)";
        for (const std::string& message : faulty.messages) append_text(body, body.back() == '[' ? "" : ",", message);
        body += "]}";
    }
    body += "]}";
    return response;
}

}  // namespace

std::optional<http::Response> Health::answer(const http::Request& request, const Snapshot& snapshot, Asker asker,
                                             observe::RequestServed& event) {
    const std::string_view target = request.target;
    const std::string_view path = target.substr(0, target.find('?'));
    if (path != "/livez" && path != "/readyz") return std::nullopt;
    event.route = path == "/livez" ? observe::Route::livez : observe::Route::readyz;
    if (request.method != "GET" && request.method != "HEAD") {
        return problem(Code::method_not_allowed, "health is read with GET or HEAD", event);
    }
    const bool is_verbose = asker == Asker::operators && target == "/readyz?verbose";
    if (path != target && !is_verbose) return problem(Code::query_invalid, "this path takes no parameters", event);
    if (path == "/livez") return status_response("alive");
    // Asking a database takes time that there is none of now.
    if (request.is_shed) return problem(Code::overloaded, "more requests come in than can be answered", event);
    if (is_draining_) return problem(Code::overloaded, "the gateway is stopping", event);
    const bool is_up = are_databases_up(snapshot, event.internal);
    if (is_verbose) return list_all(snapshot.registry, is_up);
    if (!is_up) {
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
