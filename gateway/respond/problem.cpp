#include "gateway/respond/problem.h"

#include "gateway/respond/json.h"

namespace gateway::respond {

namespace {

void append_member(std::string& out, std::string_view key, std::string_view text) {
    out += out.size() > 1 ? ",\"" : "\"";
    out += key;
    out += "\":";
    append_json_string(out, text);
}

void append_member(std::string& out, std::string_view key, std::size_t number) {
    out += ",\"";
    out += key;
    out += "\":";
    out += std::to_string(number);
}

}  // namespace

http::Response problem_response(const Problem& problem) {
    const CodeEntry& entry = entry_of(problem.code);
    http::Response response;
    response.status = entry.status;
    response.headers.push_back({"Content-Type", "application/problem+json"});
    if (!problem.allow.empty()) {
        response.headers.push_back({"Allow", problem.allow});
    }
    if (!problem.authenticate.empty()) {
        response.headers.push_back({"WWW-Authenticate", problem.authenticate});
    }
    if (problem.retry_after || entry.status == 503) {
        response.headers.push_back({"Retry-After", std::to_string(problem.retry_after.value_or(1))});
    }

    std::string& body = response.body;
    body = "{";
    append_member(body, "type", "urn:rowgate:problem:" + std::string(entry.name));
    append_member(body, "title", entry.title);
    append_member(body, "status", static_cast<std::size_t>(entry.status));
    append_member(body, "code", entry.name);
    append_member(body, "detail", problem.detail);
    if (!problem.hint.empty()) {
        append_member(body, "hint", problem.hint);
    }
    if (!problem.parameter.empty()) {
        append_member(body, "parameter", problem.parameter);
    }
    if (problem.position) {
        append_member(body, "position", *problem.position);
    }
    body += '}';
    return response;
}

}  // namespace gateway::respond
