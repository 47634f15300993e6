#include "gateway/request/keys_body.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <fmt/format.h>

using filters::Fault;
using gateway::request::BodyError;
using gateway::request::BodyFault;
using gateway::request::KeysBody;
using gateway::request::KeysForm;
using gateway::request::parse_keys_body;
using sql::plan::BodyKeys;
using sql::plan::JsonKind;

namespace {

KeysBody parsed(const std::string& text, KeysForm form = KeysForm::ids_or_filter) {
    auto body = parse_keys_body(text, form, {}, {});
    REQUIRE_MESSAGE(body, text);
    CHECK(body->bytes == text);
    CHECK(body->keys.has_value() == body->where.empty());
    return *std::move(body);
}

// `1 'a' | null` for `[[1,"a"],[null]]`.
std::string printed(const BodyKeys& keys) {
    std::string out;
    std::size_t at = 0;
    for (const std::size_t end : keys.ends) {
        out += out.empty() ? "" : " |";
        for (; at < end; ++at) {
            const auto& part = keys.parts[at];
            out += out.empty() ? "" : " ";
            out += part.kind == JsonKind::string ? "'" + part.literal.text + "'" : part.literal.text;
        }
    }
    return out;
}

std::string keys(const std::string& text) {
    const KeysBody body = parsed(text, KeysForm::ids);
    REQUIRE(body.keys);
    return printed(*body.keys);
}

struct Refused {
    std::string text;
    std::size_t position;
};

void check_body_error(const Refused& refused, BodyFault fault, KeysForm form) {
    CAPTURE(refused.text);
    const auto body = parse_keys_body(refused.text, form, {}, {});
    REQUIRE_FALSE(body);
    const auto* const error = std::get_if<BodyError>(&body.error());
    REQUIRE(error != nullptr);
    CHECK(error->fault == fault);
    CHECK(error->position == refused.position);
    CHECK_FALSE(error->detail.empty());
}

void check_filter_error(const Refused& refused, Fault fault, const filters::Limits& limits = {}) {
    CAPTURE(refused.text);
    const auto body = parse_keys_body(refused.text, KeysForm::ids_or_filter, {}, limits);
    REQUIRE_FALSE(body);
    const auto* const error = std::get_if<filters::ParseError>(&body.error());
    REQUIRE(error != nullptr);
    CHECK(error->fault == fault);
    CHECK(error->position == refused.position);
}

}  // namespace

TEST_CASE("ids are values or arrays of values, each as it was written") {
    CHECK(keys(R"({"ids":[1]})") == "1");
    CHECK(keys(R"( { "ids" : [ 1 , "2" ,-3.50, 1e5,true,false,null ] } )") == "1 | '2' | -3.50 | 1e5 | true | false | null");
    CHECK(keys(R"({"ids":[[1,"eu"],[ 2 , "us" ],3]})") == "1 'eu' | 2 'us' | 3");
    CHECK(keys(R"({"ids":[18446744073709551615,"",[""]]})") == "18446744073709551615 | '' | ''");
}

TEST_CASE("escapes in a string of ids stand for their characters") {
    CHECK(keys(R"({"ids":["a\"b\\c\/","\b\f\n\r\t","\u00e4\u20AC\ud83d\ude00","]},[\"x"]})") ==
          "'a\"b\\c/' | '\b\f\n\r\t' | 'ä€😀' | ']},[\"x'");
    const std::string with_nul = keys(R"({"ids":["a\u0000b"]})");
    CHECK(with_nul == std::string("'a\0b'", 5));
    CHECK(keys("{\"\\u0069ds\":[\"ä\"]}") == "'ä'");
}

TEST_CASE("keys and their values know where they stood") {
    const KeysBody body = parsed(R"({"ids":[7, "a\n", [ 1 ,"b"]]})", KeysForm::ids);
    const BodyKeys& found = *body.keys;
    CHECK(found.positions == std::vector<filters::Position>{8, 11, 18});
    REQUIRE(found.parts.size() == 4);
    CHECK(found.parts[0].literal.position == 8);
    CHECK(found.parts[1].literal.position == 11);
    CHECK(found.parts[2].literal.position == 20);
    CHECK(found.parts[3].literal.position == 23);
}

TEST_CASE("a body of another shape is refused: 400, and nothing is guessed") {
    for (const Refused& refused : std::vector<Refused>{
             {"", 0},
             {"  ", 2},
             {"{\"ids\":[1]", 10},
             {"{\"ids\":[1]} x", 12},
             {"{\"ids\":[01]}", 9},
             {"[1,2]", 0},
             {"[]", 0},
             {"7", 0},
             {"{}", 0},
             {"{\"ids\":1}", 7},
             {"{\"ids\":\"1,2\"}", 7},
             {"{\"ids\":null}", 7},
             {"{\"ids\":{\"a\":1}}", 7},
             {"{\"Ids\":[1]}", 7},
             {"{\"id\":[1]}", 6},
             {"{\"ids\":[1],\"ids\":[2]}", 11},
             {"{\"ids\":[1],\"id\":2}", 16},
             {"{\"ids\":[1],\"filter\":\"id=eq.1\"}", 20},
             {"{\"filter\":\"id=eq.1\",\"ids\":[1]}", 26},
             {"{\"ids\":[[]]}", 8},
             {"{\"ids\":[1,[2,[3]]]}", 13},
             {"{\"ids\":[{\"id\":1}]}", 8},
             {"{\"ids\":[[1,{}]]}", 11},
         }) {
        check_body_error(refused, BodyFault::not_json, KeysForm::ids_or_filter);
    }
    check_body_error({R"({"filter":"id=eq.1"})", 10}, BodyFault::not_json, KeysForm::ids);
    check_body_error({R"({"filter":7})", 10}, BodyFault::not_json, KeysForm::ids_or_filter);
}

TEST_CASE("a body that names no rows is refused: 422") {
    for (const char* const text : {R"({"ids":[]})", R"({"ids":[ ]})"}) {
        check_body_error({text, 7}, BodyFault::wrong_shape, KeysForm::ids);
    }
    check_body_error({R"({"filter":""})", 11}, BodyFault::wrong_shape, KeysForm::ids_or_filter);
    check_body_error({R"({"filter":"&&"})", 11}, BodyFault::wrong_shape, KeysForm::ids_or_filter);
}

TEST_CASE("a filter is a query string of conditions, their places those in the body") {
    const KeysBody body = parsed(R"({"filter":"id=in.1,2&name=eq.a%20b+c"})");
    REQUIRE(body.where.size() == 2);
    CHECK(body.where[0].column == "id");
    CHECK(body.where[0].op == filters::Operator::in);
    CHECK(body.where[0].position == 11);
    CHECK(body.where[0].values[1].position == 19);
    CHECK(body.where[1].values[0].text == "a b c");
    CHECK(body.where[1].position == 21);
    CHECK(body.where[1].values[0].position == 29);
}

TEST_CASE("escapes of JSON do not shift the places in a filter") {
    const std::string text = R"({"filter":"name=in.\"a,b\",\u00e4\ud83d\ude00x&id=eq.7"})";
    const KeysBody body = parsed(text);
    REQUIRE(body.where.size() == 2);
    CHECK(body.where[0].values[0].text == "a,b");
    CHECK(body.where[0].values[0].position == text.find("\\\"a"));
    CHECK(body.where[0].values[1].text == "ä😀x");
    CHECK(body.where[0].values[1].position == text.find("\\u00e4"));
    CHECK(body.where[1].position == text.find("id="));
    CHECK(body.where[1].values[0].position == text.find("7\""));
}

TEST_CASE("a filter that does not parse is refused as in a query, at its place in the body") {
    check_filter_error({R"({"filter":"id=7"})", 14}, Fault::operator_unknown);
    check_filter_error({R"({"filter":"id=in."})", 17}, Fault::value_invalid);
    check_filter_error({R"({"filter":"id=eq.%zz"})", 17}, Fault::encoding_invalid);
    check_filter_error({R"({"filter":"id=eq.a\u0000b"})", 18}, Fault::encoding_invalid);
    check_filter_error({R"({"filter":"a=eq.\"&id"})", 21}, Fault::operator_unknown);
    check_filter_error({R"({"filter":"_x=1"})", 11}, Fault::control_unknown);
    filters::Limits limits;
    limits.list_items_max = 2;
    check_filter_error({R"({"filter":"id=in.1,2,3"})", 21}, Fault::limit_exceeded, limits);
}

TEST_CASE("a filter in a body holds no control") {
    filters::Limits limits;
    limits.reads_asks = true;
    check_filter_error({R"({"filter":"id=eq.1&limit=1"})", 25}, Fault::control_invalid, limits);
    check_filter_error({R"({"filter":"id=eq.1&offset=0"})", 26}, Fault::control_invalid, limits);
    for (const char* const control : {"order=id", "select=*", "ids=1,2", "confirm=true", "_preview=true", "_no-content=true", "or=(a.eq.1)",
                                      "order=id.nullslast"}) {
        check_filter_error({fmt::format(R"({{"filter":"id=eq.1&{}"}})", control), 19}, Fault::control_invalid, limits);
    }
    check_filter_error({R"({"filter":"ids=1"})", 11}, Fault::control_invalid);
}

TEST_CASE("the keys of a body are counted as they were sent, up to the limit") {
    filters::Limits limits;
    limits.keys_max = 3;
    CHECK(parse_keys_body(R"({"ids":[1,1,[2,3]]})", KeysForm::ids, {}, limits).has_value());
    check_filter_error({R"({"ids":[1,1,1,1]})", 14}, Fault::limit_exceeded, limits);
    CHECK(filters::Limits{}.keys_max == 10'000);
}

TEST_CASE("ten thousand keys of many values are read") {
    std::string text = R"({"ids":[)";
    for (int i = 0; i < 10'000; ++i) {
        text += fmt::format("{}[{},\"k{}\",\"\\u0041\"]", i == 0 ? "" : ",", i, i);
    }
    const KeysBody body = parsed(text + "]}", KeysForm::ids);
    CHECK(body.keys->ends.size() == 10'000);
    CHECK(body.keys->parts.size() == 30'000);
    CHECK(body.keys->parts.back().literal.text == "A");
}
