// UTF-8 validation and percent-decoding, byte by byte.
#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "filters/print.h"
#include "filters/text.h"

using namespace filters;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

std::string encode_code_point(unsigned code) {
    const auto byte = [](unsigned value) { return static_cast<char>(static_cast<unsigned char>(value)); };
    if (code < 0x80) {
        return {byte(code)};
    }
    if (code < 0x800) {
        return {byte(0xC0 | code >> 6), byte(0x80 | (code & 0x3F))};
    }
    if (code < 0x10000) {
        return {byte(0xE0 | code >> 12), byte(0x80 | (code >> 6 & 0x3F)), byte(0x80 | (code & 0x3F))};
    }
    return {byte(0xF0 | code >> 18), byte(0x80 | (code >> 12 & 0x3F)), byte(0x80 | (code >> 6 & 0x3F)),
            byte(0x80 | (code & 0x3F))};
}

}  // namespace

TEST_CASE("every code point but the surrogates is UTF-8, also behind seven ASCII bytes") {
    for (unsigned code = 0; code <= 0x110010; ++code) {
        const bool is_valid = code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
        const std::string encoded = encode_code_point(code);
        if (is_utf8(encoded) != is_valid || is_utf8("1234567" + encoded + "12345678") != is_valid) {
            FAIL("code point " << code);
        }
    }
}

TEST_CASE("malformed UTF-8 is found at its first byte") {
    struct Case {
        std::string_view text;
        std::size_t index;
    };
    const Case cases[] = {
        {"\x80"sv, 0},
        {"a\xC3"sv, 1},
        {"\xC0\xAF"sv, 0},  // overlong slash
        {"\xC1\xBF"sv, 0},
        {"\xE0\x80\xAF"sv, 0},  // overlong, three bytes
        {"\xE0\x9F\xBF"sv, 0},
        {"\xED\xA0\x80"sv, 0},  // surrogate
        {"\xED\xBF\xBF"sv, 0},
        {"\xF0\x80\x80\xAF"sv, 0},  // overlong, four bytes
        {"\xF0\x8F\xBF\xBF"sv, 0},
        {"\xF4\x90\x80\x80"sv, 0},  // past U+10FFFF
        {"\xF5\x80\x80\x80"sv, 0},
        {"\xFE"sv, 0},
        {"\xFF"sv, 0},
        {"\xE2\x82"sv, 0},
        {"\xE2\x82("sv, 0},
        {"\xE2(\x82"sv, 0},
        {"\xF0\x9F\x98"sv, 0},
        {"\xC3\xA9\xA9"sv, 2},
        {"12345678\xC3\xA9 87654321\xC3"sv, 19},
    };
    for (const Case& item : cases) {
        CAPTURE(item.index);
        CHECK(find_invalid_utf8(item.text) == item.index);
        CHECK_FALSE(is_utf8(item.text));
    }
    CHECK(find_invalid_utf8("") == std::string_view::npos);
    CHECK(find_invalid_utf8("é\0漢😀"sv) == std::string_view::npos);
}

TEST_CASE("characters are counted, not bytes") {
    CHECK(count_characters("") == 0);
    CHECK(count_characters("abc") == 3);
    CHECK(count_characters("é漢😀a") == 4);
}

TEST_CASE("decoding remembers where each byte was sent") {
    const auto decoded = percent_decode("a%41%c3%A9+z", 10, Plus::is_space);
    REQUIRE(decoded);
    CHECK(decoded->text == "aAé z");
    CHECK(decoded->positions == std::vector<Position>{10, 11, 14, 17, 20, 21, 22});
}

TEST_CASE("plus is a space in a query and a plus in a path") {
    CHECK(percent_decode("+%2B", 0, Plus::is_space)->text == " +");
    CHECK(percent_decode("+%2B", 0, Plus::is_plus)->text == "++");
}

TEST_CASE("decoding happens once and nothing at all decodes to nothing") {
    CHECK(percent_decode("%2541", 0, Plus::is_space)->text == "%41");
    const auto empty = percent_decode("", 7, Plus::is_space);
    REQUIRE(empty);
    CHECK(empty->text.empty());
    CHECK(empty->positions == std::vector<Position>{7});
}

TEST_CASE("what does not decode is refused at its first byte") {
    struct Case {
        std::string_view raw;
        Position position;
        std::string_view word;
    };
    const Case cases[] = {
        {"%", 100, "hex"},          {"ab%4", 102, "hex"},           {"ab%zz", 102, "hex"},   {"ab%4g", 102, "hex"},
        {"%u0041", 100, "hex"},     {"%%41", 100, "hex"},           {"% 41", 100, "hex"},    {"%+1", 100, "hex"},
        {"%-1", 100, "hex"},        {"a%00b", 101, "NUL"},          {"a\0b"sv, 101, "NUL"},  {"a%c0%ae", 101, "UTF-8"},
        {"ab\xFFzz", 102, "UTF-8"}, {"%41%ed%a0%80", 103, "UTF-8"}, {"%C3(", 100, "UTF-8"},  {"%C3", 100, "UTF-8"},
        {"%FF%zz", 100, "UTF-8"},  // the first error from the left
        {"%zz%FF", 100, "hex"},     {"%C3%zz", 100, "UTF-8"},       {"é%00%FF", 102, "NUL"},
    };
    for (const Case& item : cases) {
        CAPTURE(item.raw);
        const auto decoded = percent_decode(item.raw, 100, Plus::is_space);
        REQUIRE_FALSE(decoded);
        CHECK(decoded.error().position == item.position);
        CHECK(decoded.error().detail.find(item.word) != std::string::npos);
    }
}

TEST_CASE("percent-encoding every byte decodes to the same text") {
    std::string text;
    for (char byte = 1; byte < 0x7F; ++byte) {
        text += byte;
    }
    text += "\x7F é漢😀";
    const std::string encoded = percent_encode(text);
    CHECK(encoded.find_first_of("&=+ \"%<>") == encoded.find('%'));
    CHECK(percent_decode(encoded, 0, Plus::is_space)->text == text);
    CHECK(percent_decode(encoded, 0, Plus::is_plus)->text == text);
    CHECK(percent_encode("Az09-._~") == "Az09-._~");
    CHECK(percent_encode("a b/é") == "a%20b%2F%C3%A9");
}
