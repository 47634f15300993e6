#include "gateway/request/body.h"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

using gateway::request::BodyError;
using gateway::request::BodyFault;
using gateway::request::BodyLimits;
using gateway::request::BodyShape;
using gateway::request::parse_body;
using sql::plan::Body;
using sql::plan::JsonKind;

namespace {

Body parsed(const std::string& text, BodyShape shape = BodyShape::object_or_array, const BodyLimits& limits = {}) {
    auto body = parse_body(text, shape, limits);
    INFO(text);
    REQUIRE(body.has_value());
    return std::move(*body);
}

BodyError refused(const std::string& text, BodyShape shape = BodyShape::object_or_array, const BodyLimits& limits = {}) {
    const auto body = parse_body(text, shape, limits);
    INFO(text);
    REQUIRE_FALSE(body.has_value());
    return body.error();
}

std::string first_text(const Body& body) {
    return std::string(body.text(body.cells.front()));
}

void check_refused(const std::string& text, BodyFault fault, std::size_t position) {
    const BodyError error = refused(text);
    INFO(text << " " << error.detail);
    CHECK(error.fault == fault);
    CHECK(error.position == position);
}

std::string nested(std::size_t depth) {
    return R"({"a":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
}

}  // namespace

TEST_CASE("an object becomes one row of cells with their kinds, texts and positions") {
    const std::string text =
        R"( {"id": 1 , "name":"al\u0069ce","ok":true,"x":null,"j":{"k":[1, "}"]},"l":[ ],"s":"plain","n":-1.50E+2} )";
    const Body body = parsed(text);
    CHECK_FALSE(body.is_array);
    CHECK(body.columns == std::vector<std::string>{"id", "name", "ok", "x", "j", "l", "s", "n"});
    REQUIRE(body.cells.size() == 8);
    REQUIRE(body.row_ends == std::vector<std::size_t>{8});
    CHECK(body.row_positions == std::vector<std::uint32_t>{1});
    const std::vector<std::pair<JsonKind, std::string>> expected{{JsonKind::number, "1"},
                                                                 {JsonKind::string, "alice"},
                                                                 {JsonKind::boolean, "true"},
                                                                 {JsonKind::null, "null"},
                                                                 {JsonKind::object, R"({"k":[1, "}"]})"},
                                                                 {JsonKind::array, "[ ]"},
                                                                 {JsonKind::string, "plain"},
                                                                 {JsonKind::number, "-1.50E+2"}};
    for (std::size_t index = 0; index < expected.size(); ++index) {
        CHECK(body.cells[index].kind == expected[index].first);
        CHECK(body.text(body.cells[index]) == expected[index].second);
        CHECK(body.cells[index].column == index);
        CHECK(text.substr(body.cells[index].position, body.raw(body.cells[index]).size()) == body.raw(body.cells[index]));
    }
    CHECK(body.raw(body.cells[1]) == R"("al\u0069ce")");
    CHECK(body.raw(body.cells[6]) == R"("plain")");
}

TEST_CASE("an array of objects becomes rows that may name different columns") {
    const Body body = parsed(R"([{"a":1,"b":2},{"b":3},{"c":4,"a":5}])");
    CHECK(body.is_array);
    CHECK(body.columns == std::vector<std::string>{"a", "b", "c"});
    CHECK(body.row_ends == std::vector<std::size_t>{2, 3, 5});
    CHECK(body.row_positions == std::vector<std::uint32_t>{1, 15, 23});
    CHECK(body.cells[2].column == 1);
    CHECK(body.cells[3].column == 2);
    CHECK(body.cells[4].column == 0);
}

TEST_CASE("a body's cells stay valid when it is moved") {
    Body first = parsed(R"({"a":"plain","b":"esc\u0061ped and long enough to be on the heap"})");
    const Body second = std::move(first);
    CHECK(second.text(second.cells[0]) == "plain");
    CHECK(second.text(second.cells[1]) == "escaped and long enough to be on the heap");
}

TEST_CASE("numbers keep every digit") {
    const std::string digits = "123456789012345678901234567890.12345678901234567890";
    CHECK(first_text(parsed("{\"a\":" + digits + "}")) == digits);
    CHECK(first_text(parsed(R"({"a":0.00000000000000000001e-2147483639})")) == "0.00000000000000000001e-2147483639");
    CHECK(first_text(parsed(R"({"a":-0})")) == "-0");
    CHECK(first_text(parsed(R"([{"a":1e-400,"b":[-1,-2]}])")) == "1e-400");
}

TEST_CASE("a number past a double's range is refused as such") {
    const BodyError error = refused(R"({"a":1e309})");
    CHECK(error.fault == BodyFault::wrong_shape);
    CHECK(error.detail == "a number past 1e308 fits no column");
}

TEST_CASE("a NUL is allowed in a value and refused in a column's name") {
    CHECK(first_text(parsed(R"({"a":"x\u0000y"})")) == std::string_view("x\0y", 3));
    check_refused(R"({"a":1,"b\u0000":2})", BodyFault::wrong_shape, 7);
}

TEST_CASE("what is not JSON is refused with the offset") {
    check_refused("", BodyFault::not_json, 0);
    check_refused("  \r\n", BodyFault::not_json, 4);
    check_refused("{\"a\":1} x", BodyFault::not_json, 8);
    check_refused("{\"a\":1}{\"a\":1}", BodyFault::not_json, 7);
    check_refused("\xEF\xBB\xBF{\"a\":1}", BodyFault::not_json, 0);
    check_refused("{'a':1}", BodyFault::not_json, 1);
    check_refused("{\"a\":1,}", BodyFault::not_json, 7);
    check_refused("[{\"a\":1},]", BodyFault::not_json, 9);
    check_refused("{\"a\":01}", BodyFault::not_json, 6);
    for (const char* text : {"{\"a\":NaN}",
                             "{\"a\":Infinity}",
                             "{\"a\":+1}",
                             "{\"a\":1.}",
                             "{\"a\":.5}",
                             "{\"a\":1e}",
                             "{\"a\":-}",
                             "{\"a\":tru}",
                             "{\"a\":TRUE}",
                             "{\"a\"}",
                             "{\"a\":}",
                             "{a:1}",
                             "{\"a\":1",
                             "[{\"a\":1}",
                             "{\"a\":\"",
                             "{\"a\":\"\t\"}",
                             "{\"a\":\"\\x\"}",
                             "{\"a\":\"\\u12\"}",
                             "// c\n{\"a\":1}",
                             "{\"a\":1/**/}",
                             "]",
                             "}",
                             "[}",
                             "{\"a\":[1}",
                             "undefined",
                             "{\"a\":0x10}",
                             "{\"a\":\"\\ud800\"}",
                             "{\"a\":\"\\ud800\\u0041\"}"}) {
        INFO(text);
        CHECK(refused(text).fault == BodyFault::not_json);
    }
}

TEST_CASE("a raw NUL ends nothing") {
    CHECK(refused(std::string("{\"a\":1}\0", 8)).fault == BodyFault::not_json);
    CHECK(refused(std::string("{\"a\":1}\0{\"b\":2}", 15)).position == 7);
    CHECK(refused(std::string("{\"a\":1\0}", 8)).fault == BodyFault::not_json);
    CHECK(refused(std::string("{\"a\":\"x\0y\"}", 11)).fault == BodyFault::not_json);
}

TEST_CASE("bytes that are not UTF-8 are refused in values, names and nested values") {
    for (const char* bad : {"\xFF", "\xC0\xAE", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xC3", "\\udc00", "\\udc00\\ud800"}) {
        const std::string value(bad);
        INFO(value);
        CHECK(refused("{\"a\":\"" + value + "\"}").fault == BodyFault::not_json);
        CHECK(refused("{\"" + value + "\":1}").fault == BodyFault::not_json);
        CHECK(refused("{\"a\":[\"" + value + "\"]}").fault == BodyFault::not_json);
        CHECK(refused("{\"a\":{\"" + value + "\":1}}").fault == BodyFault::not_json);
    }
    CHECK(first_text(parsed("{\"a\":\"\\ud83d\\ude00\xF0\x9F\x98\x80\"}")) == "\xF0\x9F\x98\x80\xF0\x9F\x98\x80");
}

TEST_CASE("JSON that is no row, or rows, is of the wrong shape") {
    check_refused("[]", BodyFault::wrong_shape, 0);
    check_refused("{}", BodyFault::wrong_shape, 0);
    check_refused("[{}]", BodyFault::wrong_shape, 1);
    check_refused("[1]", BodyFault::wrong_shape, 1);
    check_refused("1", BodyFault::wrong_shape, 0);
    check_refused(" null", BodyFault::wrong_shape, 1);
    check_refused("\"a\"", BodyFault::wrong_shape, 0);
    check_refused("[{\"a\":1},{}]", BodyFault::wrong_shape, 9);
    check_refused("[{\"a\":1},[{\"a\":1}]]", BodyFault::wrong_shape, 9);
    check_refused("[[]]", BodyFault::wrong_shape, 1);
    check_refused("[{\"a\":1},null]", BodyFault::wrong_shape, 9);
    CHECK(refused("[{\"a\":1}]", BodyShape::object).fault == BodyFault::wrong_shape);
    CHECK(refused("[{\"a\":1}]", BodyShape::object).detail == "the body must be one object, not an array");
    CHECK(parsed("{\"a\":1}", BodyShape::object).cells.size() == 1);
}

TEST_CASE("not being JSON outranks the wrong shape") {
    CHECK(refused("[1,").fault == BodyFault::not_json);
    CHECK(refused(R"({"a":1,"a":2,)").fault == BodyFault::not_json);
    CHECK(refused(R"([{},{"a":"\udc00"}])").fault == BodyFault::not_json);
}

TEST_CASE("a column named twice in a row is refused and named; in nested JSON it is left alone") {
    const BodyError error = refused(R"([{"a":1},{"a":1,"b":2,"\u0061":3}])");
    CHECK(error.fault == BodyFault::wrong_shape);
    CHECK(error.detail == "row 2, column 'a': the column is named twice");
    CHECK(error.parameter == "a");
    CHECK(error.position == 22);
    CHECK(first_text(parsed(R"({"a":{"b":1,"b":2}})")) == R"({"b":1,"b":2})");
    CHECK(parsed(R"([{"a":1},{"a":2}])").cells.size() == 2);
}

TEST_CASE("the limits of depth, members and columns are exact") {
    const BodyLimits limits{4, 6};
    const auto shape = BodyShape::object_or_array;
    CHECK(parsed(nested(4), shape, limits).cells.size() == 1);
    CHECK(refused(nested(5), shape, limits).detail == "the body is nested more than 4 levels deep");
    CHECK(parsed(R"([{"a":1},{"a":[1,2]}])", shape, limits).cells.size() == 2);
    CHECK(refused(R"([{"a":1},{"a":[1,2,3]}])", shape, limits).detail == "the body has more than 6 members and elements");
    CHECK(refused(R"([{"a":1},{"a":[1,2,{}]}])", shape, limits).fault == BodyFault::not_json);
    std::string columns = "{\"c0\":0";
    for (int index = 1; index < 4096; ++index) {
        columns += ",\"c" + std::to_string(index) + "\":0";
    }
    CHECK(parsed(columns + "}").columns.size() == 4096);
    CHECK(refused(columns + ",\"x\":0}").detail == "the body names more than 4096 columns");
}

TEST_CASE("deep nesting of any kind is refused, not followed") {
    CHECK(refused(std::string(200000, '[')).fault == BodyFault::not_json);
    std::string objects;
    for (int index = 0; index < 100000; ++index) {
        objects += "{\"a\":";
    }
    CHECK(refused(objects).fault == BodyFault::not_json);
}

TEST_CASE("a long member name is cut in messages, at a character's end") {
    std::string name;
    for (int index = 0; index < 100; ++index) {
        name += "a\xE2\x82\xAC";
    }
    const BodyError error = refused("{\"" + name + "\":1,\"" + name + "\":2}");
    CHECK(error.parameter.size() < 80);
    CHECK(error.parameter.ends_with("…"));
    CHECK(name.starts_with(error.parameter.substr(0, error.parameter.size() - 3)));
}

TEST_CASE("many rows and many columns take time in proportion") {
    std::string rows = "[";
    for (int row = 0; row < 100; ++row) {
        rows += row == 0 ? "{" : ",{";
        for (int column = 0; column < 2000; ++column) {
            // The order changes from row to row, so that no guess from the row before holds.
            rows += (column == 0 ? "\"c" : ",\"c") + std::to_string((column * 7 + row) % 2000) + "\":1";
        }
        rows += "}";
    }
    rows += "]";
    const auto begin = std::chrono::steady_clock::now();
    CHECK(parsed(rows).cells.size() == 200000);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
}
