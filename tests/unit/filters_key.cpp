#include "filters/key.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "filters/print.h"
#include "tests/unit/filters_equal.h"

using filters::Fault;
using filters::KeyForm;
using filters::parse;
using filters::parse_key;
using filters::Position;

namespace {

constexpr Position kOffset = 20;

std::vector<std::string> parts(std::string_view raw, KeyForm form = KeyForm::parts) {
    const auto key = parse_key(raw, kOffset, form);
    REQUIRE_MESSAGE(key, key.error().detail);
    std::vector<std::string> texts;
    for (const filters::Literal& part : *key) {
        texts.push_back(part.text);
    }
    return texts;
}

struct Refused {
    std::string raw;
    Fault fault;
    Position position;  // in `raw`
};

filters::Limits with_asks() {
    filters::Limits limits;
    limits.reads_asks = true;
    return limits;
}

filters::Query parsed(std::string_view query) {
    auto result = parse(query, kOffset, with_asks());
    REQUIRE_MESSAGE(result, result.error().detail);
    return *std::move(result);
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a key of one column is the whole segment, whatever it holds") {
    CHECK(parts("7", KeyForm::whole) == Texts{"7"});
    CHECK(parts("7,eu", KeyForm::whole) == Texts{"7,eu"});
    CHECK(parts("\"a\"", KeyForm::whole) == Texts{"\"a\""});
    CHECK(parts("a%2Cb%20c+d", KeyForm::whole) == Texts{"a,b c+d"});
    CHECK(parts(",", KeyForm::whole) == Texts{","});
    CHECK(parts("%25", KeyForm::whole) == Texts{"%"});
}

TEST_CASE("a composite key is split at commas that were sent as such, before anything is decoded") {
    CHECK(parts("7,eu") == Texts{"7", "eu"});
    CHECK(parts("7%2Ceu") == Texts{"7,eu"});
    CHECK(parts("7%2ceu,x") == Texts{"7,eu", "x"});
    CHECK(parts("7") == Texts{"7"});
    CHECK(parts("a%20b,c+d,%C3%A4") == Texts{"a b", "c+d", "ä"});
    CHECK(parts("-1,a\\b,'c'") == Texts{"-1", "a\\b", "'c'"});
}

TEST_CASE("a part of a key may be quoted, its quotes sent raw or encoded") {
    CHECK(parts("\"a,b\",c") == Texts{"a,b", "c"});
    CHECK(parts("%22a,b%22,c") == Texts{"a,b", "c"});
    CHECK(parts("%22a%2Cb\",c") == Texts{"a,b", "c"});
    CHECK(parts("\"\",\"x\"") == Texts{"", "x"});
    CHECK(parts("\"say \\\"x\\\"\",\"a\\\\b\"") == Texts{"say \"x\"", "a\\b"});
}

TEST_CASE("each part of a key knows where it stood") {
    const auto key = parse_key("%41,\"b\",c", kOffset, KeyForm::parts);
    REQUIRE(key);
    REQUIRE(key->size() == 3);
    CHECK((*key)[0].position == kOffset);
    CHECK((*key)[1].position == kOffset + 4);
    CHECK((*key)[2].position == kOffset + 8);
}

TEST_CASE("an empty part, a stray or unclosed quote and a bad escape are refused where they stand") {
    for (const Refused& bad : std::vector<Refused>{
             {",", Fault::value_invalid, 0},
             {"7,", Fault::value_invalid, 2},
             {",eu", Fault::value_invalid, 0},
             {"7,,eu", Fault::value_invalid, 2},
             {"a\"b,c", Fault::value_invalid, 1},
             {"a%22b,c", Fault::value_invalid, 1},
             {"7,\"eu", Fault::value_invalid, 2},
             {"\"a\"b,c", Fault::value_invalid, 3},
             {"\"a\"%2Cc", Fault::value_invalid, 3},
             {"\"a\\n\",c", Fault::value_invalid, 2},
             {"7,%zz", Fault::encoding_invalid, 2},
             {"7,%00", Fault::encoding_invalid, 2},
             {"7,%C3", Fault::encoding_invalid, 2},
         }) {
        CAPTURE(bad.raw);
        const auto key = parse_key(bad.raw, kOffset, KeyForm::parts);
        REQUIRE_FALSE(key);
        CHECK(key.error().fault == bad.fault);
        CHECK(key.error().position == kOffset + bad.position);
        CHECK_FALSE(key.error().detail.empty());
    }
}

TEST_CASE("ids are a list of keys, quoted where need be, each with its place") {
    const auto query = parsed("ids=1,%22a,b%22,c+d&id=eq.1");
    REQUIRE(query.ids);
    REQUIRE(query.ids->items.size() == 3);
    CHECK(query.ids->position == kOffset);
    CHECK(query.ids->items[0].text == "1");
    CHECK(query.ids->items[1].text == "a,b");
    CHECK(query.ids->items[1].position == kOffset + 6);
    CHECK(query.ids->items[2].text == "c d");
    CHECK(query.where.size() == 1);
    CHECK(query.undelivered.empty());
}

TEST_CASE("confirm, _preview and _no-content take true alone") {
    const auto query = parsed("confirm=true&_preview=true&_no-content=true");
    CHECK(query.confirm == kOffset);
    CHECK(query.preview == kOffset + 13);
    CHECK(query.no_content == kOffset + 27);
    CHECK(query.where.empty());
    for (const char* const name : {"confirm", "_preview", "_no-content"}) {
        for (const char* const value : {"", "=", "=false", "=TRUE", "=1", "=true,", "=tru%65x", "=eq.true"}) {
            CAPTURE(name);
            CAPTURE(value);
            const auto refused = parse(std::string(name) + value, kOffset, with_asks());
            REQUIRE_FALSE(refused);
            CHECK(refused.error().fault == Fault::control_invalid);
            CHECK(refused.error().parameter == name);
        }
    }
}

TEST_CASE("ids that are no list, too many or given twice are refused where they stand") {
    for (const Refused& bad : std::vector<Refused>{
             {"ids=", Fault::control_invalid, 4},
             {"ids", Fault::control_invalid, 3},
             {"ids=1,", Fault::control_invalid, 6},
             {"ids=1,,2", Fault::control_invalid, 6},
             {"ids=(1,2)", Fault::control_invalid, 4},
             {"ids=\"1", Fault::control_invalid, 4},
             {"ids=1\"2", Fault::control_invalid, 5},
             {"ids=1&ids=1", Fault::control_invalid, 6},
             {"ids=1,2,3,4", Fault::limit_exceeded, 10},
             {"ids=1,1,1,1", Fault::limit_exceeded, 10},
         }) {
        CAPTURE(bad.raw);
        filters::Limits limits = with_asks();
        limits.keys_max = 3;
        const auto refused = parse(bad.raw, kOffset, limits);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().fault == bad.fault);
        CHECK(refused.error().position == kOffset + bad.position);
        CHECK(refused.error().parameter == "ids");
    }
    CHECK(parse("ids=1,2,3", kOffset, [] {
              filters::Limits limits = with_asks();
              limits.keys_max = 3;
              return limits;
          }()).has_value());
}

TEST_CASE("what a write asks by controls prints and parses to the same") {
    for (const auto& [query, printed] : std::vector<std::pair<std::string, std::string>>{
             {"ids=1,2&a=eq.1", "a=eq.1&ids=1,2"},
             {"_no-content=true&confirm=true&_preview=true", "confirm=true&_preview=true&_no-content=true"},
             {"limit=5&order=a.desc&ids=%22a,b%22,%22%22", "ids=%22a%2Cb%22,%22%22&order=a.desc&limit=5"},
         }) {
        const auto tree = parsed(query);
        CHECK(filters::print(tree) == printed);
        CHECK(filters::same(parsed(printed), tree));
    }
}

TEST_CASE("a key prints as the segment that reads back to the same texts, whatever they hold") {
    const Texts pieces{"a", "7", ",", "\"", "\\", "/", "%", "%2C", "%22", " ", "+", "?", "#", "&", "=", ";", ".", "..", "(", "'", "\n", "ä", "☃", "😀", ""};
    std::mt19937 random(5);
    std::uniform_int_distribution<std::size_t> pick(0, pieces.size() - 1);
    std::uniform_int_distribution<int> count(0, 4);
    std::size_t printed = 0;
    for (int round = 0; round < 20'000; ++round) {
        Texts texts(1 + static_cast<std::size_t>(round % 3));
        for (std::string& text : texts) {
            for (int left = count(random); left > 0; --left) {
                text += pieces[pick(random)];
            }
        }
        CAPTURE(texts.front());
        const auto segment = filters::print_key(texts);
        if (texts.size() == 1 && (texts[0].empty() || texts[0] == "." || texts[0] == "..")) {
            CHECK_FALSE(segment);
            continue;
        }
        REQUIRE(segment);
        ++printed;
        CHECK(segment->find_first_of("/?# ") == std::string::npos);
        CHECK(*segment != ".");
        CHECK(*segment != "..");
        CHECK(parts(*segment, texts.size() == 1 ? KeyForm::whole : KeyForm::parts) == texts);
    }
    CHECK(printed > 10'000);
    CHECK_FALSE(filters::print_key({std::string(1, '\0')}));
    CHECK_FALSE(filters::print_key({"a", std::string("b\0", 2)}));
    CHECK(filters::print_key({"7", "eu"}) == "7,eu");
    CHECK(filters::print_key({"a,b", ""}) == "%22a%2Cb%22,%22%22");
    CHECK(filters::print_key({"a,b"}) == "a%2Cb");
}
