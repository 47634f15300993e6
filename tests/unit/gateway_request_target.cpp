#include "gateway/request/target.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

using gateway::request::parse_target;
using gateway::request::Target;

namespace {

const std::vector<std::string> kBases{"/v1", "/minimal/api/rest/auto/v1"};

Target parsed(std::string_view text, const std::vector<std::string>& bases = kBases) {
    const auto target = parse_target(text, bases);
    INFO(text);
    REQUIRE(target.has_value());
    return *target;
}

// Where the refusal points; -1 when accepted.
int refused_at(std::string_view text) {
    const auto target = parse_target(text, kBases);
    return target ? -1 : static_cast<int>(target.error().position);
}

using Segments = std::vector<std::string>;

}  // namespace

TEST_CASE("a target is split into base, segments and query") {
    const Target target = parsed("/v1/btec/tst/sl/demo_db/users?id=eq.1?x");
    CHECK(target.has_base);
    CHECK(target.base == "/v1");
    CHECK(target.segments == Segments{"btec", "tst", "sl", "demo_db", "users"});
    CHECK(target.path == "/v1/btec/tst/sl/demo_db/users");
    CHECK(target.query == "id=eq.1?x");
    CHECK(target.query_position == 30);
}

TEST_CASE("segments are split first and decoded once") {
    const Target target = parsed("/v1/a%2Fb/%2525/c+d/%E2%82%AC/%3F");
    CHECK(target.segments == Segments{"a/b", "%25", "c+d", "\xE2\x82\xAC", "?"});
}

TEST_CASE("the longest base path that matches whole segments wins") {
    CHECK(parsed("/minimal/api/rest/auto/v1/a").segments == Segments{"a"});
    CHECK(parsed("/minimal/api/rest/auto/v1/a").base == "/minimal/api/rest/auto/v1");
    CHECK(parsed("/a/b/c", {"/a", "/a/b", "/"}).segments == Segments{"c"});
    CHECK(parsed("/a/b/c", {"/"}).segments == Segments{"a", "b", "c"});
    CHECK(parsed("/a/b/c", {"/"}).base.empty());
    CHECK(parsed("/%761/a").base == "/%761");
    CHECK(parsed("/%761/a").segments == Segments{"a"});
    const Target none = parsed("/v1x/a");
    CHECK_FALSE(none.has_base);
    CHECK(none.segments == Segments{"v1x", "a"});
    CHECK_FALSE(parsed("/minimal%2Fapi/rest/auto/v1/a").has_base);
    CHECK_FALSE(parsed("/minimal/api").has_base);
}

TEST_CASE("the base alone, the root and one trailing slash are accepted") {
    CHECK(parsed("/v1").segments.empty());
    CHECK(parsed("/v1").base == "/v1");
    CHECK(parsed("/v1/").base == "/v1");
    CHECK(parsed("/v1/a/").segments == Segments{"a"});
    CHECK(parsed("/v1/a/").path == "/v1/a");
    CHECK(parsed("/v1/a/?q").query_position == 7);
    CHECK(parsed("/").segments.empty());
    CHECK(parsed("/").path == "/");
    CHECK_FALSE(parsed("/").has_base);
    CHECK(parsed("/v1?").query.empty());
    CHECK(parsed("/v1").query_position == 3);
}

TEST_CASE("a path that could be read in two ways is refused where it errs") {
    CHECK(refused_at("") == 0);
    CHECK(refused_at("v1/a") == 0);
    CHECK(refused_at("*") == 0);
    CHECK(refused_at("//") == 1);
    CHECK(refused_at("///") == 1);
    CHECK(refused_at("//v1/a") == 1);
    CHECK(refused_at("/v1//a") == 4);
    CHECK(refused_at("/v1/a//") == 6);
    CHECK(refused_at("/v1/./a") == 4);
    CHECK(refused_at("/v1/..") == 4);
    CHECK(refused_at("/v1/%2e%2E/a") == 4);
    CHECK(refused_at("/v1/.%2e/") == 4);
    CHECK(refused_at("/v1/a%zz") == 5);
    CHECK(refused_at("/v1/a%2") == 5);
    CHECK(refused_at("/v1/a%00b") == 5);
    CHECK(refused_at(std::string_view("/v1/a\0", 6)) == 5);
    CHECK(refused_at("/v1/%c0%ae") >= 4);
    CHECK(refused_at("/v1/\xED\xA0\x80") >= 4);
    CHECK(refused_at("/v1/\xFF") >= 4);
    CHECK(refused_at("/v1/...") == -1);
}
