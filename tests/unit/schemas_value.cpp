#include <doctest/doctest.h>

#include <string>

#include "schemas_reading.h"

using namespace schemas_test;

namespace {

std::string hint(std::string_view literal, const schemas::Type& type) {
    const auto reading = schemas::read_literal(literal, type, kComparison);
    return reading ? "" : reading.error().hint;
}

schemas::Type blob(std::uint64_t bytes_max, std::string_view declared) {
    schemas::RawColumn column = raw_column(declared);
    column.bytes_max = bytes_max;
    return type_of(schemas::Family::mysql, column);
}

}  // namespace

TEST_CASE("a boolean is 0, 1, true or false and nothing else") {
    CHECK_ROWS(mysql("tinyint(1)"), {"0", "int 0"}, {"1", "int 1"}, {"false", "int 0"}, {"true", "int 1"},
               {"2", "error: is not 0, 1, true or false"}, {"-1", "error: is not 0, 1, true or false"},
               {"TRUE", "error: is not 0, 1, true or false"}, {"t", "error: is not 0, 1, true or false"},
               {"", "error: is not 0, 1, true or false"}, {"01", "error: is not 0, 1, true or false"},
               {"-0", "error: is not 0, 1, true or false"});
    CHECK_ROWS(sqlite("BOOLEAN"), {"true", "int 1"}, {"yes", "error: is not 0, 1, true or false"});
}

TEST_CASE("a UUID is 36 characters and becomes lower case") {
    CHECK_ROWS(mysql("uuid"), {"123E4567-e89b-12d3-A456-426614174000", "'123e4567-e89b-12d3-a456-426614174000'"},
               {"123e4567e89b12d3a456426614174000", "error: is not a UUID"},
               {"{123e4567-e89b-12d3-a456-426614174000}", "error: is not a UUID"},
               {"123e4567-e89b-12d3-a456-42661417400", "error: is not a UUID"},
               {"123e4567-e89b-12d3-a456-4266141740000", "error: is not a UUID"},
               {"123e4567-e89b-12d3-a456-42661417400g", "error: is not a UUID"},
               {"123e4567-e89b-12d3a-456-426614174000", "error: is not a UUID"},
               {"123e4567-e89b-12d3-a456--26614174000", "error: is not a UUID"}, {"", "error: is not a UUID"});
}

TEST_CASE("a UUID that MariaDB cannot keep equals no cell there and is not stored") {
    constexpr std::string_view kRefused = "error: is a UUID of a version and variant that the database does not take";
    CHECK_ROWS(mysql("uuid"), {"123e4567-e89b-82d3-7456-426614174000", "between '123e4567-e89b-82d3-7456-426614174000'", kRefused},
               {"123e4567-e89b-F2d3-0456-426614174000", "between '123e4567-e89b-f2d3-0456-426614174000'", kRefused},
               {"123e4567-e89b-82d3-8456-426614174000", "'123e4567-e89b-82d3-8456-426614174000'"},
               {"123e4567-e89b-72d3-7456-426614174000", "'123e4567-e89b-72d3-7456-426614174000'"},
               {"00000000-0000-0000-0000-000000000000", "'00000000-0000-0000-0000-000000000000'"},
               {"ffffffff-ffff-ffff-ffff-ffffffffffff", "'ffffffff-ffff-ffff-ffff-ffffffffffff'"});
    CHECK_ROWS(sqlite("UUID"), {"123e4567-e89b-82d3-7456-426614174000", "'123e4567-e89b-82d3-7456-426614174000'"});
}

TEST_CASE("addresses are read strictly and written canonically") {
    CHECK_ROWS(mysql("inet4"), {"192.0.2.1", "'192.0.2.1'"}, {"255.255.255.255", "'255.255.255.255'"}, {"0.0.0.0", "'0.0.0.0'"},
               {"256.0.0.1", "error: is not an IPv4 address"}, {"1.2.3", "error: is not an IPv4 address"},
               {"1.2.3.04", "error: is not an IPv4 address"}, {"1.2.3.4.5", "error: is not an IPv4 address"},
               {"1.2.3.4 ", "error: is not an IPv4 address"}, {"0x1.2.3.4", "error: is not an IPv4 address"},
               {"::1", "error: is not an IPv4 address"}, {"", "error: is not an IPv4 address"},
               {"16909060", "error: is not an IPv4 address"});
    CHECK_ROWS(mysql("inet6"), {"2001:DB8:0:0:0:0:0:1", "'2001:db8::1'"}, {"::", "'::'"}, {"::ffff:1.2.3.4", "'::ffff:1.2.3.4'"},
               {"0000:0000:0000:0000:0000:ffff:0102:0304", "'::ffff:1.2.3.4'"}, {"1::2::3", "error: is not an IPv6 address"},
               {"fe80::1%eth0", "error: is not an IPv6 address"}, {"[::1]", "error: is not an IPv6 address"},
               {"1.2.3.4", "error: is not an IPv6 address"}, {"12345::", "error: is not an IPv6 address"},
               {"", "error: is not an IPv6 address"});
    CHECK(read(std::string_view("1.2.3.4\0", 8), mysql("inet4"), kComparison) == "error: is not an IPv4 address");
    CHECK(read(std::string(100'000, ':'), mysql("inet6"), kComparison) == "error: is not an IPv6 address");
}

TEST_CASE("a lone JSON number is stored on SQLite only as the number that comes out again") {
    constexpr std::string_view kRefused = "error: is a JSON number that the database would keep as another";
    const auto stored = [](std::string_view text) { return read(text, sqlite("JSON"), kStorage); };
    CHECK(stored("12") == "int 12");
    CHECK(stored("-9223372036854775808") == "int -9223372036854775808");
    CHECK(stored("1.5") == "double 1.5");
    for (const std::string_view text : {"18446744073709551615", "1.50", "1.0", "-0", "1e2", "0.1000000000000000055"}) {
        CAPTURE(text);
        CHECK(stored(text) == kRefused);
    }
    CHECK(stored("\"12\"") == "'\"12\"'");
    CHECK(stored("[12]") == "'[12]'");
    CHECK(read("1.50", mysql("json"), kStorage) == "'1.50'");
}

TEST_CASE("an enumeration takes the exact text of a member, never its number") {
    CHECK_ROWS(mysql("enum('a','it''s','x,y','é','')", "utf8mb4"), {"a", "'a'"}, {"it's", "'it's'"}, {"x,y", "'x,y'"},
               {"é", "'é'"}, {"", "''"}, {"A", "error: is not a member of the enumeration"},
               {"1", "error: is not a member of the enumeration"}, {"a ", "error: is not a member of the enumeration"},
               {"e", "error: is not a member of the enumeration"});
}

TEST_CASE("a set takes members in any order and gives them in the declared one") {
    CHECK_ROWS(mysql("set('a','b','c d')", "utf8mb4"), {"", "''"}, {"a", "'a'"}, {"c d,a", "'a,c d'"}, {"b,c d,a", "'a,b,c d'"},
               {"a,a", "error: names a member of the set twice"}, {"a,", "error: is not a list of members of the set"},
               {",a", "error: is not a list of members of the set"}, {",", "error: is not a list of members of the set"},
               {"a,,b", "error: is not a list of members of the set"}, {"a, b", "error: is not a list of members of the set"},
               {"3", "error: is not a list of members of the set"}, {"A", "error: is not a list of members of the set"});
}

TEST_CASE("text is compared at any length and stored up to the column's characters") {
    CHECK_ROWS(mysql("varchar(3)", "utf8mb4"), {"", "''"}, {"abc", "'abc'"}, {"äöü", "'äöü'"}, {"😀😀😀", "'😀😀😀'"}, {" a ", "' a '"},
               {"abcd", "'abcd'", "error: has more than 3 characters"}, {"äöüß", "'äöüß'", "error: has more than 3 characters"},
               {"abc ", "'abc '", "error: has more than 3 characters"}, {"NULL", "'NULL'", "error: has more than 3 characters"},
               {"1e0", "'1e0'"});
    CHECK_ROWS(mysql("varchar(1)", "utf8mb4"), {"ab", "'ab'", "error: has more than 1 character"});
    CHECK_ROWS(mysql("varchar(0)", "utf8mb4"), {"", "''"}, {"a", "'a'", "error: has more than 0 characters"});
    CHECK_ROWS(mysql("char(3)", "utf8mb4"), {"ab", "'ab'"}, {" ab", "' ab'"},
               {"ab ", "'ab '", "error: ends with a space, which char(3) drops"},
               {"abc ", "'abc '", "error: has more than 3 characters"});
    CHECK_ROWS(sqlite("TEXT"), {"any ", "'any '"});
    CHECK_ROWS(sqlite("VARCHAR(2)"), {"ab", "'ab'"}, {"abc", "'abc'", "error: has more than 2 characters"});
    CHECK(read(std::string_view("a\0b", 3), mysql("varchar(3)", "utf8mb4"), kStorage) == std::string_view("'a\0b'", 5));
}

TEST_CASE("the TEXT types are limited in bytes of the column's character set") {
    const std::string ascii(255, 'a');
    const std::string accented = [] {
        std::string text;
        for (int i = 0; i < 127; ++i) {
            text += "é";
        }
        return text;
    }();
    CHECK(read(ascii, mysql("tinytext", "utf8mb4"), kStorage) == "'" + ascii + "'");
    CHECK(read(ascii + "a", mysql("tinytext", "utf8mb4"), kStorage) == "error: is longer than 255 bytes");
    CHECK(read(ascii + "a", mysql("tinytext", "utf8mb4"), kComparison) == "'" + ascii + "a'");
    CHECK(read(accented + "a", mysql("tinytext", "utf8mb4"), kStorage) == "'" + accented + "a'");
    CHECK(read(accented + "é", mysql("tinytext", "utf8mb4"), kStorage) == "error: is longer than 255 bytes");
    CHECK(read(accented + accented + "a", mysql("tinytext", "latin1"), kStorage) == "'" + accented + accented + "a'");
    CHECK(read(accented + accented + "aa", mysql("tinytext", "latin1"), kStorage) == "error: is longer than 255 bytes");
    CHECK(read(std::string(128, 'a'), mysql("tinytext", "ucs2"), kStorage) == "error: is longer than 255 bytes");
    CHECK(read(std::string(127, 'a'), mysql("tinytext", "ucs2"), kStorage) == "'" + std::string(127, 'a') + "'");
    CHECK(read(std::string(64, 'a'), mysql("tinytext", "utf32"), kStorage) == "error: is longer than 255 bytes");
    CHECK(read(std::string(65'535, 'a'), mysql("text", "utf8mb4"), kStorage).size() == 65'537);
    CHECK(read(std::string(65'536, 'a'), mysql("text", "utf8mb4"), kStorage) == "error: is longer than 65535 bytes");
}

TEST_CASE("text that the character set cannot hold equals nothing and is not stored") {
    CHECK_ROWS(mysql("varchar(9)", "latin1"), {"é", "'é'"}, {"€", "'€'"},
               {"ł", "foreign 'ł'", "error: has a character that the character set latin1 lacks"},
               {"😀", "foreign '😀'", "error: has a character that the character set latin1 lacks"});
    CHECK_ROWS(mysql("varchar(9)", "utf8mb3"), {"ł", "'ł'"},
               {"😀", "foreign '😀'", "error: has a character that the character set utf8mb3 lacks"});
    CHECK_ROWS(mysql("varchar(9)", "ascii"), {"~", "'~'"},
               {"é", "foreign 'é'", "error: has a character that the character set ascii lacks"});
}

TEST_CASE("a character set that is not known takes ASCII and refuses to guess about the rest") {
    CHECK_ROWS(mysql("varchar(9)", "klingon"), {"abc", "'abc'"},
               {"é", "error: is not ASCII, which is all that is known of the character set klingon"});
    CHECK_ROWS(mysql("varchar(9)"), {"é", "error: is not ASCII, which is all that is known of the character set of this column"});
}

TEST_CASE("binary is written in hex or base64") {
    constexpr std::string_view kNeither = "error: is neither \\x and hex digits nor b64: and base64";
    CHECK_ROWS(blob(9, "varbinary(9)"), {"\\x", "bytes "}, {"\\x00fF", "bytes 00ff"}, {"b64:", "bytes "},
               {"b64:AA==", "bytes 00"}, {"b64:AAE=", "bytes 0001"}, {"b64:AAEC", "bytes 000102"}, {"b64:+/+/", "bytes fbffbf"},
               {"\\x0", kNeither}, {"\\xgg", kNeither}, {"\\X00", kNeither}, {"0x00", kNeither}, {"", kNeither},
               {"abc", kNeither}, {"b64:AA", kNeither}, {"b64:AA=", kNeither}, {"b64:A===", kNeither}, {"b64:====", kNeither},
               {"b64:AB==", kNeither}, {"b64:AAF=", kNeither}, {"b64:-_-_", kNeither}, {"b64:AA ==", kNeither},
               {"b64:AA==AA==", kNeither}, {"b64:=AAA", kNeither}, {"B64:AA==", kNeither}, {"\\x00 ", kNeither},
               {"b64:é", kNeither}, {"\\x000102030405060708", "bytes 000102030405060708"},
               {"\\x00010203040506070809", "bytes 00010203040506070809", "error: is longer than 9 bytes"});
    CHECK_ROWS(blob(2, "binary(2)"), {"\\x0001", "bytes 0001"}, {"\\x00", "bytes 00", "error: is not exactly 2 bytes long"},
               {"\\x000102", "bytes 000102", "error: is not exactly 2 bytes long"});
    CHECK_ROWS(sqlite("BINARY(1)"), {"\\x", "bytes ", "error: is not exactly 1 byte long"});
}

TEST_CASE("JSON, geometry and unknown types take no comparison") {
    constexpr std::string_view kCompare = "error: cannot be compared with a column of this type";
    constexpr std::string_view kStore = "error: cannot be stored in a column of this type";
    schemas::RawColumn json = raw_column("longtext", "utf8mb4");
    json.has_json_check = true;
    CHECK_ROWS(type_of(schemas::Family::mysql, json), {"{\"a\":1}", kCompare, "'{\"a\":1}'"});
    CHECK_ROWS(mysql("json"), {"\"é\"", kCompare, "'\"é\"'"});
    CHECK_ROWS(sqlite("JSON"), {"[]", kCompare, "'[]'"});
    CHECK_ROWS(mysql("point"), {"\\x00", kCompare, "bytes 00"},
               {"POINT(1 1)", kCompare, "error: is neither \\x and hex digits nor b64: and base64"});
    CHECK_ROWS(sqlite("ANY"), {"1", kCompare, kStore});
    CHECK_ROWS(mysql("vector(3)"), {"1", kCompare, kStore});
}

TEST_CASE("a hint says how the value is written") {
    CHECK(hint("x", mysql("tinyint(4)")) == "a value of tinyint(4) is an integer from -128 to 127");
    CHECK(hint("x", mysql("year(4)")) == "a value of year(4) is an integer from 1901 to 2155");
    CHECK(hint("x", mysql("tinyint(1)")) == "a value of tinyint(1) is 0, 1, true or false");
    CHECK(hint("x", mysql("decimal(5,2)")) ==
          "a value of decimal(5,2) is a number such as -0.5 with up to 3 digits before and 2 digits after the point");
    CHECK(hint("x", mysql("double")) == "a value of double is a number such as -1.25 or 3e8");
    CHECK(hint("x", mysql("date")) == "a value of date is written YYYY-MM-DD");
    CHECK(hint("x", mysql("enum('a','b')")) == "a value of this column is one of 'a', 'b'");
    CHECK(hint("x", mysql("enum('1','2','3','4','5','6','7','8','9','10','11','12','13')")) ==
          "a value of this column is one of '1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', …");
    CHECK(hint("x", mysql("json")) == "a value of json is any JSON; a filter takes only is.null and not.is.null");
    CHECK(hint("x", sqlite("")) == "a value of this column is only read; a filter takes only is.null and not.is.null");
}
