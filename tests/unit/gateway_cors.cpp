#include "gateway/cors.h"

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <toml++/toml.h>

#include "gateway/tenants/load.h"

using gateway::CrossOrigin;
using gateway::tenants::CorsPolicy;
using gateway::tenants::origin_problem;

namespace {

std::map<std::string, std::string> headers_of(const gateway::http::Response& response) {
    std::map<std::string, std::string> headers;
    for (const auto& header : response.headers) {
        CHECK(headers.emplace(header.name, header.value).second);
    }
    return headers;
}

struct Loaded {
    CorsPolicy policy;
    std::vector<std::string> problems;
};
Loaded load(std::string_view text) {
    Loaded loaded;
    gateway::tenants::Complaints complaints{"a.toml", loaded.problems};
    const toml::table table = toml::parse(text);
    gateway::tenants::Section section(table, "[[project]]", complaints);
    loaded.policy = gateway::tenants::load_cors(section);
    section.refuse_the_rest();
    return loaded;
}

}  // namespace

TEST_CASE("an origin is taken as a browser sends it and in no other form") {
    for (const std::string_view good :
         {"https://app.example.org", "http://localhost:3000", "https://a.b-c.example:8443", "http://127.0.0.1:8000", "http://[::1]:8000",
          "https://[2001:db8::1]", "capacitor://localhost", "https://xn--bcher-kva.example", "chrome-extension://abcdefghijklmnop",
          "https://example.org:80", "http://example.org:443"}) {
        CHECK_MESSAGE(origin_problem(good).empty(), good);
    }
    for (const std::string_view bad :
         {"", "*", "null", "https://*.example.org", "https://*", "https://app.example.org/", "https://app.example.org/a", "app.example.org",
          "//app.example.org", "https:app.example.org", "https:/app.example.org", "https://", "https://App.example.org", "HTTPS://app.example.org",
          "https://bücher.example", "https://app.example.org:", "https://app.example.org:0", "https://app.example.org:65536",
          "https://app.example.org:443", "http://app.example.org:80", "https://app.example.org:08443", "https://app.example.org:8443x",
          "https://app.example.org:-1", "https://user@app.example.org", "https://a b", "https://app.example.org?x", "https://app.example.org#x",
          "https://[::1", "https://[]", "https://[::1]8000", "https://[::g]", "https://a,b", "1https://a", "://a", "https://[", "https://:8000",
          "https://app.example.org https://b.example.org", "https://app.example.org\r\nX: y"}) {
        CHECK_MESSAGE(!origin_problem(bad).empty(), bad);
    }
}

TEST_CASE("a project's origins are loaded whole or complained about with their line") {
    const Loaded good = load("cors_origins = [\"https://app.example.org\", \"http://localhost:3000\"]\ncors_max_age_s = 60\ncors_credentials = true");
    CHECK(good.problems.empty());
    CHECK(good.policy.lists("https://app.example.org"));
    CHECK(good.policy.lists("http://localhost:3000"));
    for (const std::string_view other : {"http://app.example.org", "https://app.example.org:8443", "https://app.example.org.evil.example",
                                         "https://evil-app.example.org", "https://APP.example.org", "http://localhost:30001", "null", ""}) {
        CHECK_FALSE_MESSAGE(good.policy.lists(other), other);
    }
    CHECK(good.policy.max_age_s == 60);
    CHECK(good.policy.allows_credentials);
    const Loaded none = load("");
    CHECK(none.problems.empty());
    CHECK(none.policy.origins.empty());
    CHECK(none.policy.max_age_s == 600);
    CHECK_FALSE(none.policy.allows_credentials);
    using Problems = std::vector<std::string>;
    CHECK(load("cors_origins = [\"*\"]").problems ==
          Problems{"a.toml:1: [[project]] cors_origins: \"*\" is every page there is; name the origins whose pages may call these tables"});
    CHECK(load("cors_origins = []").problems == Problems{"a.toml:1: [[project]] cors_origins: must not be empty"});
    CHECK(load("cors_origins = \"https://a\"").problems == Problems{"a.toml:1: [[project]] cors_origins: must be an array of strings"});
    CHECK(load("cors_origins = [\"https://a\", \"https://a\"]").problems ==
          Problems{"a.toml:1: [[project]] cors_origins: \"https://a\" stands twice"});
    CHECK(load("cors_max_age_s = 1").problems == Problems{"a.toml:1: [[project]] cors_max_age_s: stands without cors_origins"});
    CHECK(load("cors_credentials = true").problems == Problems{"a.toml:1: [[project]] cors_credentials: stands without cors_origins"});
    CHECK(load("cors_origins = [\"https://a\"]\ncors_max_age_s = 86401").problems ==
          Problems{"a.toml:2: [[project]] cors_max_age_s: 86401 is outside 0 to 86400"});
}

TEST_CASE("a preflight is answered 204, with the permission only for an origin that is listed") {
    CrossOrigin cross{.origin = "https://app.example.org", .is_preflight = true, .is_listed = true, .allows_credentials = false, .max_age_s = 60};
    const gateway::http::Response yes = gateway::preflight_response(cross);
    CHECK(yes.status == 204);
    auto headers = headers_of(yes);
    CHECK(headers.size() == 5);
    CHECK(headers["Access-Control-Allow-Origin"] == "https://app.example.org");
    CHECK(headers["Vary"] == "Origin");
    CHECK(headers["Access-Control-Allow-Methods"] == "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    CHECK(headers["Access-Control-Max-Age"] == "60");
    const std::string& allowed = headers["Access-Control-Allow-Headers"];
    for (const std::string_view name : {"Authorization", "Content-Type", "Prefer", "Accept", "X-API-Key", "X-Request-Id", "X-Org-Id", "X-Project-Id",
                                        "X-Space-Id", "X-User-Id", "X-User-Roles", "If-Match", "If-None-Match", "Idempotency-Key"}) {
        CHECK_MESSAGE((", " + allowed + ",").find(", " + std::string(name) + ",") != std::string::npos, name);
    }
    CHECK(allowed.find('*') == std::string::npos);
    cross.allows_credentials = true;
    CHECK(headers_of(gateway::preflight_response(cross))["Access-Control-Allow-Credentials"] == "true");

    cross.is_listed = false;
    const gateway::http::Response no = gateway::preflight_response(cross);
    CHECK(no.status == 204);
    CHECK(headers_of(no) == std::map<std::string, std::string>{{"Vary", "Origin"}});
}

TEST_CASE("an answer names the origin that is listed and exposes what a page may read, and says nothing to others") {
    gateway::http::Response response;
    gateway::add_cross_origin_headers(response, {});
    CHECK(response.headers.empty());
    CrossOrigin cross{.origin = "https://app.example.org", .is_preflight = false, .is_listed = false, .allows_credentials = true, .max_age_s = 60};
    gateway::add_cross_origin_headers(response, cross);
    CHECK(headers_of(response) == std::map<std::string, std::string>{{"Vary", "Origin"}});
    cross.is_listed = true;
    gateway::http::Response readable;
    gateway::add_cross_origin_headers(readable, cross);
    auto headers = headers_of(readable);
    CHECK(headers.size() == 4);
    CHECK(headers["Access-Control-Allow-Origin"] == "https://app.example.org");
    CHECK(headers["Access-Control-Allow-Credentials"] == "true");
    CHECK(headers["Access-Control-Expose-Headers"] ==
          "Allow, Content-Range, ETag, Location, Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id");
}

TEST_CASE("a request without one origin, or below no project, is nobody's") {
    const gateway::tenants::Registry registry;
    const std::vector<std::string> bases{"/v1"};
    gateway::http::Request request;
    request.method = "OPTIONS";
    request.target = "/v1/acme/demo/sl/main";
    CHECK(gateway::cross_origin_of(request, registry, bases).origin.empty());
    request.headers = {{"Access-Control-Request-Method", "DELETE"}};
    CHECK_FALSE(gateway::cross_origin_of(request, registry, bases).is_preflight);
    request.headers.push_back({"origin", "https://a"});
    CHECK(gateway::cross_origin_of(request, registry, bases).is_preflight);
    for (const std::string_view target : {"/v1/acme/demo", "/v1/acme", "/v1", "/", "*", "/v1/%zz/demo", "/v2/acme/demo", "/v1//demo", "/livez"}) {
        request.target = target;
        const CrossOrigin cross = gateway::cross_origin_of(request, registry, bases);
        CHECK(cross.is_preflight);
        CHECK_FALSE(cross.is_listed);
    }
    request.method = "DELETE";
    CHECK_FALSE(gateway::cross_origin_of(request, registry, bases).is_preflight);
    request.headers.push_back({"Origin", "https://b"});
    CHECK(gateway::cross_origin_of(request, registry, bases).origin.empty());
}
