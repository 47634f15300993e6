#include "gateway/request/prefer.h"

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using gateway::request::accepts_json;
using gateway::request::is_json_content_type;
using gateway::request::parse_prefer;

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

Pairs preferences(const std::vector<std::string_view>& values) {
    const auto parsed = parse_prefer(values);
    REQUIRE(parsed.has_value());
    Pairs pairs;
    for (const auto& preference : *parsed) {
        pairs.emplace_back(preference.name, preference.value);
    }
    return pairs;
}

}  // namespace

TEST_CASE("preferences are read with their values, names in lower case, parameters dropped") {
    CHECK(preferences({"return=minimal, Max-Affected=10; a=b;c , undo=24h"}) ==
          Pairs{{"return", "minimal"}, {"max-affected", "10"}, {"undo", "24h"}});
    CHECK(preferences({"foo; bar=\"a;b,c\"", "wait = 10", "x=\"a\\\"b\\\\\"", "y=\"\""}) ==
          Pairs{{"foo", ""}, {"wait", "10"}, {"x", "a\"b\\"}, {"y", ""}});
    CHECK(preferences({}).empty());
    CHECK(preferences({"", " , ,"}).empty());
}

TEST_CASE("the first of a repeated preference counts, across headers too") {
    CHECK(preferences({"max-affected=1, max-affected=9", "MAX-AFFECTED=99"}) == Pairs{{"max-affected", "1"}});
}

TEST_CASE("a Prefer that does not parse is an error, whatever else it holds") {
    for (const char* value : {"=a", "a=", "a=,b", "a b", "return=minimal max-affected=1", "a=\"b", "a=\"b\\", "a=b\"c\"", "a=b=c",
                              "(a)", "a; =b", "a/b", "a=\"\xFF\"", "a=\xC3\xA4", "a=\"b\"c", "max-affected=(1)"}) {
        INFO(value);
        CHECK_FALSE(parse_prefer({value}).has_value());
        CHECK_FALSE(parse_prefer({"good=1", value}).has_value());
    }
}

TEST_CASE("JSON is accepted when no Accept was sent or the closest range allows it") {
    for (const char* value :
         {"*/*", "application/json", "APPLICATION/JSON", "application/*;q=0.1", "text/html, application/json;q=0.001", "",
          "text/html;level=1, */*;q=0.8", "application/json;charset=UTF-8", "application/json; charset=\"utf-8\" ; q=1.000",
          "application/json, */*;q=0", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "application/json;q=1;ext=a",
          ",*/*,"}) {
        INFO(value);
        CHECK(accepts_json({value}));
    }
    CHECK(accepts_json({}));
    CHECK(accepts_json({"text/html", "application/json"}));
}

TEST_CASE("JSON is not accepted when refused, not named, or when the header does not parse") {
    for (const char* value : {"text/html",
                              "application/json;q=0",
                              "application/json;q=0.000, */*",
                              "application/*;q=0, */*",
                              "application/xml",
                              "application/json;version=2",
                              "application/json;charset=latin1",
                              "application/problem+json",
                              "application",
                              "*/json",
                              "application/json;q=2",
                              "application/json;q=1.001",
                              "application/json;q=0.0001",
                              "application/json;q=a",
                              "a/b c/d",
                              "application/json;q=",
                              "application/",
                              "/json",
                              "application/json;q=-1",
                              "*/*;q=0",
                              "application/json;q=."}) {
        INFO(value);
        CHECK_FALSE(accepts_json({value}));
    }
    CHECK_FALSE(accepts_json({"application/json", "("}));
}

TEST_CASE("only application/json, in UTF-8, is a JSON content type") {
    for (const char* value : {"application/json", "Application/JSON", " application/json ", "application/json;charset=utf-8",
                              "application/json ; charset=\"UTF-8\"", "application/json;"}) {
        INFO(value);
        CHECK(is_json_content_type(value));
    }
    for (const char* value :
         {"", "text/json", "application/json;charset=latin1", "application/json;charset", "application/json;a=b",
          "application/jsonx", "application/json, text/html", "application/problem+json",
          "application/json;charset=utf-8;charset=utf-8", "application /json", "application/json charset=utf-8",
          "application/x-www-form-urlencoded", "application/json;charset=\"utf-8"}) {
        INFO(value);
        CHECK_FALSE(is_json_content_type(value));
    }
}
