#include "gateway/cors.h"

#include <utility>

#include "gateway/request/target.h"

namespace gateway {
namespace {

// All that the contract knows, at once and for every page: an echo of what was asked would promise what nobody reads.
constexpr std::string_view kMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
constexpr std::string_view kRequestHeaders =
    "Accept, Authorization, Content-Type, ES-HardDelete, Idempotency-Key, If-Match, If-None-Match, If-Unmodified-Since, Prefer, Range, "
    "X-API-Key, X-Conditional-Delete, X-Delete-Token, X-Hard-Delete, X-Org-Id, X-Project-Id, X-Request-Id, X-Space-Id, X-User-Id, X-User-Roles";
constexpr std::string_view kResponseHeaders =
    "Allow, Content-Range, ETag, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id";

void add(http::Response& response, std::string_view name, std::string_view value) {
    http::Header& header = response.headers.emplace_back();
    header.name = name;
    header.value = value;
}

void add_permission(http::Response& response, const CrossOrigin& cross) {
    // Whether the origin is listed or not: a cache must not give one page the answer that another one got.
    add(response, "Vary", "Origin");
    if (!cross.is_listed) return;
    add(response, "Access-Control-Allow-Origin", cross.origin);
    if (cross.allows_credentials) add(response, "Access-Control-Allow-Credentials", "true");
}

}  // namespace

CrossOrigin cross_origin_of(const http::Request& request, const tenants::Registry& registry, const std::vector<std::string>& base_paths) {
    CrossOrigin cross;
    const http::Request::Found origin = request.find("Origin");
    if (origin.count != 1 || origin.value.empty()) return cross;
    cross.origin = origin.value;
    cross.is_preflight = request.method == "OPTIONS" && request.has("Access-Control-Request-Method");
    const auto target = request::parse_target(request.target, base_paths);
    if (!target || !target->has_base || target->segments.size() < 2) return cross;
    const tenants::Project* project = registry.find_project(target->segments[0], target->segments[1]);
    if (project == nullptr || !project->cors.lists(cross.origin)) return cross;
    cross.is_listed = true;
    cross.allows_credentials = project->cors.allows_credentials;
    cross.max_age_s = project->cors.max_age_s;
    return cross;
}

http::Response preflight_response(const CrossOrigin& cross) {
    http::Response response;
    response.status = 204;
    add_permission(response, cross);
    if (!cross.is_listed) return response;
    add(response, "Access-Control-Allow-Methods", kMethods);
    add(response, "Access-Control-Allow-Headers", kRequestHeaders);
    add(response, "Access-Control-Max-Age", std::to_string(cross.max_age_s));
    return response;
}

void add_cross_origin_headers(http::Response& response, const CrossOrigin& cross) {
    if (cross.origin.empty()) return;
    add_permission(response, cross);
    if (cross.is_listed) add(response, "Access-Control-Expose-Headers", kResponseHeaders);
}

}  // namespace gateway
