#include "gateway/respond/json.h"

#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "filters/text.h"
#include "gateway/respond/problem.h"

using gateway::Code;
using gateway::respond::append_json_string;
using gateway::respond::JsonRows;
using gateway::respond::literal_of;
using gateway::respond::Numbers;
using schemas::Storage;
using schemas::Type;
using schemas::TypeClass;
using sql::exec::Cell;

namespace {

Type of(TypeClass type_class, Storage storage = Storage::typed) {
    Type type;
    type.type_class = type_class;
    type.storage = storage;
    return type;
}

Type decimal(unsigned scale, Storage storage = Storage::typed) {
    Type type = of(TypeClass::decimal, storage);
    type.scale = scale;
    return type;
}

Type moment(TypeClass type_class, unsigned fraction_digits = 0, Storage storage = Storage::typed) {
    Type type = of(type_class, storage);
    type.fraction_digits = fraction_digits;
    return type;
}

Type integer(unsigned bits, TypeClass type_class = TypeClass::integer) {
    Type type = of(type_class);
    type.bits = bits;
    return type;
}

Cell cell(std::int64_t value) {
    Cell made;
    made.kind = Cell::Kind::integer;
    made.integer = value;
    return made;
}
Cell cell(std::uint64_t value) {
    Cell made;
    made.kind = Cell::Kind::unsigned_integer;
    made.unsigned_integer = value;
    return made;
}
Cell cell(double value) {
    Cell made;
    made.kind = Cell::Kind::real;
    made.real = value;
    return made;
}
Cell cell(std::string_view text, Cell::Kind kind = Cell::Kind::text) {
    Cell made;
    made.kind = kind;
    made.text = text;
    return made;
}

std::string json(const Cell& one, const Type& type, Numbers numbers = Numbers::native) {
    std::string out;
    gateway::respond::append_cell(out, one, type, numbers);
    return out;
}

std::string string_of(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

// One byte after the other, to compare the fast scan with.
std::string slow_string_of(std::string_view text) {
    std::string out = "\"";
    for (std::size_t i = 0; i < text.size();) {
        std::size_t length = 0;
        for (std::size_t n = 1; n <= 4 && i + n <= text.size() && length == 0; ++n) {
            if (filters::is_utf8(text.substr(i, n))) {
                length = n;
            }
        }
        if (length == 0) {
            out += "\xEF\xBF\xBD";
            ++i;
            continue;
        }
        const char c = text[i];
        constexpr std::string_view kNamed = "\"\\\b\f\n\r\t";
        const auto named = kNamed.find(c);
        if (named != std::string_view::npos) {
            out += '\\';
            out += std::string_view("\"\\bfnrt")[named];
        } else if (static_cast<unsigned char>(c) < 0x20) {
            out += "\\u00";
            out += "01"[static_cast<unsigned char>(c) >> 4];
            out += "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
        } else {
            out += text.substr(i, length);
        }
        i += length;
    }
    return out + '"';
}

}  // namespace

TEST_CASE("text becomes a JSON string: quotes, backslashes and control characters escaped, all else as it is") {
    CHECK(string_of("") == "\"\"");
    CHECK(string_of("plain text of many bytes") == "\"plain text of many bytes\"");
    CHECK(string_of("a\"b\\c") == R"("a\"b\\c")");
    CHECK(string_of(std::string_view("\0\x01\x1f\b\f\n\r\t", 8)) == R"("\u0000\u0001\u001f\b\f\n\r\t")");
    CHECK(string_of("\x7F/\u2028\u2029\U0001F600") == "\"\x7F/\u2028\u2029\U0001F600\"");
    CHECK(string_of("12345678\n12345678\"") == R"("12345678\n12345678\"")");
}

TEST_CASE("each byte that is not UTF-8 becomes U+FFFD") {
    CHECK(string_of("a\xFFz") == "\"a\uFFFDz\"");
    CHECK(string_of("\xC0\xAF") == "\"\uFFFD\uFFFD\"");
    CHECK(string_of("\xED\xA0\x80") == "\"\uFFFD\uFFFD\uFFFD\"");
    CHECK(string_of("\xF4\x90\x80\x80") == "\"\uFFFD\uFFFD\uFFFD\uFFFD\"");
    CHECK(string_of("ab\xE2\x82") == "\"ab\uFFFD\uFFFD\"");
    CHECK(string_of("\xE2\"\x82") == "\"\uFFFD\\\"\uFFFD\"");
}

TEST_CASE("the fast scan of strings agrees with the slow one on every pair of bytes at every place") {
    std::string text = "abcdefghijklmnopqrstuvw";
    bool agrees = true;
    for (std::size_t at = 0; at < 18; ++at) {
        for (unsigned first = 0; first < 256; ++first) {
            for (unsigned second = 0; second < 256; second += 5) {
                std::string changed = text;
                changed[at] = static_cast<char>(first);
                changed[at + 1] = static_cast<char>(second);
                agrees = agrees && string_of(changed) == slow_string_of(changed);
            }
        }
    }
    CHECK(agrees);
    for (const char* tail :
         {"\u20AC", "\U0001F600", "\xF0\x9F\x98", "\xE0\x80\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF4\x8F\xBF\xBF"}) {
        for (std::size_t length = 0; length < 20; ++length) {
            const std::string long_text = std::string(length, 'x') + tail;
            CHECK(string_of(long_text) == slow_string_of(long_text));
            CHECK(string_of(long_text + "y") == slow_string_of(long_text + "y"));
        }
    }
}

TEST_CASE("integers go out with all their digits, as strings when asked for and the column is 64 bits wide") {
    CHECK(json(cell(std::numeric_limits<std::int64_t>::min()), integer(64)) == "-9223372036854775808");
    CHECK(json(cell(std::numeric_limits<std::uint64_t>::max()), integer(64)) == "18446744073709551615");
    CHECK(json(cell(std::int64_t{7}), integer(64), Numbers::string) == "\"7\"");
    CHECK(json(cell(std::int64_t{7}), integer(32), Numbers::string) == "7");
    CHECK(json(cell(std::uint64_t{7}), integer(54, TypeClass::bit), Numbers::string) == "\"7\"");
    CHECK(json(cell(std::uint64_t{7}), integer(53, TypeClass::bit), Numbers::string) == "7");
    CHECK(json(cell(std::int64_t{1}), of(TypeClass::boolean), Numbers::string) == "1");
    CHECK(json(cell(std::int64_t{2024}), of(TypeClass::year)) == "2024");
    CHECK(json(Cell{}, integer(64), Numbers::string) == "null");
}

TEST_CASE("a decimal goes out with the digits the database gave") {
    CHECK(json(cell("1.50"), decimal(2)) == "1.50");
    CHECK(json(cell("-0.10"), decimal(2)) == "-0.10");
    CHECK(json(cell("12345678901234567890123456789012345.123456789"), decimal(9)) ==
          "12345678901234567890123456789012345.123456789");
    CHECK(json(cell("1.50"), decimal(2), Numbers::string) == "\"1.50\"");
    // ZEROFILL
    CHECK(json(cell("0001.50"), decimal(2)) == "1.50");
    CHECK(json(cell("0000.50"), decimal(2)) == "0.50");
    CHECK(json(cell("000"), decimal(0)) == "0");
    CHECK(json(cell("0001.50"), decimal(2), Numbers::string) == "\"1.50\"");
    CHECK(json(cell("odd"), decimal(2), Numbers::string) == "\"odd\"");
    for (const char* odd : {"", "-", ".5", "1.", "1e3", "NaN", "1,5", " 1", "--1", "1.2.3"}) {
        CAPTURE(odd);
        CHECK(json(cell(odd), decimal(2)) == "\"" + std::string(odd) + "\"");
    }
}

TEST_CASE("on SQLite a decimal cell goes out in plain digits, padded to the scale, never cut") {
    const Type money = decimal(2, Storage::sqlite);
    CHECK(json(cell(std::int64_t{5}), money) == "5.00");
    CHECK(json(cell(std::int64_t{-5}), decimal(0, Storage::sqlite)) == "-5");
    CHECK(json(cell(1.5), money) == "1.50");
    CHECK(json(cell(0.1), money) == "0.10");
    CHECK(json(cell(-0.0), money) == "0.00");
    CHECK(json(cell(1.005), money) == "1.005");
    CHECK(json(cell(1e-7), money) == "0.0000001");
    CHECK(json(cell(1e20), money) == "100000000000000000000.00");
    CHECK(json(cell(999999999999999.0), money) == "999999999999999.00");
    CHECK(json(cell(1.5), money, Numbers::string) == "\"1.50\"");
    CHECK(json(cell(std::int64_t{5}), money, Numbers::string) == "\"5.00\"");
    CHECK(json(cell(std::numeric_limits<double>::denorm_min()), money).size() > 300);
    CHECK(json(cell(std::numeric_limits<double>::max()), money).size() == 312);
    CHECK(json(cell(std::numeric_limits<double>::infinity()), money) == "\"Infinity\"");
    CHECK(json(cell("1.50"), money) == "\"1.50\"");
    CHECK(json(cell("x", Cell::Kind::bytes), money) == "\"b64:eA==\"");
}

TEST_CASE("doubles go out in shortest form; what JSON has no number for is a string") {
    const Type real = of(TypeClass::float64);
    CHECK(json(cell(0.1 + 0.2), real) == "0.30000000000000004");
    CHECK(json(cell(1.0), real) == "1");
    CHECK(json(cell(1e20), real) == "1e+20");
    CHECK(json(cell(1e-9), real) == "1e-09");
    CHECK(json(cell(5e-324), real) == "5e-324");
    CHECK(json(cell(1.5), real, Numbers::string) == "1.5");
    CHECK(json(cell(std::numeric_limits<double>::infinity()), real) == "\"Infinity\"");
    CHECK(json(cell(-std::numeric_limits<double>::infinity()), real) == "\"-Infinity\"");
    CHECK(json(cell(std::nan("")), real) == "\"NaN\"");
    CHECK(json(cell(static_cast<double>(0.1F)), of(TypeClass::float32)) == "0.1");
    CHECK(json(cell(0.1), of(TypeClass::float32)) == "0.1");
    CHECK(json(cell(0.1234567890123), of(TypeClass::float32)) == "0.1234567890123");
    CHECK(json(cell(1e300), of(TypeClass::float32)) == "1e+300");
    CHECK(json(cell(static_cast<double>(16777217)), of(TypeClass::float32)) == "16777217");
}

TEST_CASE("dates go out in ISO 8601: T between date and time, Z behind a TIMESTAMP") {
    CHECK(json(cell("2024-02-29"), of(TypeClass::date)) == "\"2024-02-29\"");
    CHECK(json(cell("-838:59:59"), of(TypeClass::time)) == "\"-838:59:59\"");
    CHECK(json(cell("2024-02-29 23:59:59"), moment(TypeClass::datetime)) == "\"2024-02-29T23:59:59\"");
    CHECK(json(cell("2024-02-29 23:59:59.120000"), moment(TypeClass::datetime, 6)) == "\"2024-02-29T23:59:59.120000\"");
    CHECK(json(cell("2024-02-29 23:59:59.1"), moment(TypeClass::timestamp, 1)) == "\"2024-02-29T23:59:59.1Z\"");
    for (const char* odd : {"0000-00-00 00:00:00", "2024-00-10 00:00:00", "2024-13-01 00:00:00", "2024-01-32 00:00:00"}) {
        CAPTURE(odd);
        CHECK(json(cell(odd), moment(TypeClass::timestamp)) == "\"" + std::string(odd) + "\"");
    }
}

TEST_CASE("on SQLite a date's text is rewritten only when it has exactly the form that we write") {
    const Type stamp = moment(TypeClass::timestamp, 3, Storage::sqlite);
    CHECK(json(cell("2024-02-29 23:59:59"), stamp) == "\"2024-02-29T23:59:59.000Z\"");
    CHECK(json(cell("2024-02-29 23:59:59.5"), stamp) == "\"2024-02-29T23:59:59.500Z\"");
    CHECK(json(cell("2024-02-29 23:59:59.123456"), stamp) == "\"2024-02-29T23:59:59.123456Z\"");
    CHECK(json(cell("2024-02-29 23:59:59.25"), moment(TypeClass::datetime, 0, Storage::sqlite)) == "\"2024-02-29T23:59:59.25\"");
    for (const char* odd : {"2024-02-29", "2024-02-29T23:59:59", "2024-02-29 23:59:59Z", "2024-02-29 23:59",
                            "2024-02-29 23:59:59.", "2024-02-29 23:59:59.1234567", "2024-02-29 24:00:00", "2024-2-29 23:59:59",
                            "now", "", "2024-02-29 23:59:59,5", "2024-02-29 23:59:59 "}) {
        CAPTURE(odd);
        CHECK(json(cell(odd), stamp) == "\"" + std::string(odd) + "\"");
    }
    CHECK(json(cell(std::int64_t{1700000000}), stamp) == "1700000000");
    CHECK(json(cell(2460000.5), stamp) == "2460000.5");
}

TEST_CASE("binary goes out as b64: and padded base64") {
    const Type binary = of(TypeClass::binary);
    CHECK(json(cell("", Cell::Kind::bytes), binary) == "\"b64:\"");
    CHECK(json(cell("f", Cell::Kind::bytes), binary) == "\"b64:Zg==\"");
    CHECK(json(cell("fo", Cell::Kind::bytes), binary) == "\"b64:Zm8=\"");
    CHECK(json(cell("foobar", Cell::Kind::bytes), binary) == "\"b64:Zm9vYmFy\"");
    CHECK(json(cell(std::string_view("\xFB\xFF\0", 3), Cell::Kind::bytes), of(TypeClass::geometry)) == "\"b64:+/8A\"");
    CHECK(json(cell("text in it"), of(TypeClass::binary, Storage::sqlite)) == "\"text in it\"");
    CHECK(json(cell("f", Cell::Kind::bytes), of(TypeClass::text, Storage::sqlite)) == "\"b64:Zg==\"");
}

TEST_CASE("a JSON column goes out as JSON when it is that, else as a string") {
    const Type type = of(TypeClass::json);
    for (const char* good : {"{\"a\":[1,2.50,1e400,null]}", " [ ]\n", "\"x\"", "12345678901234567890123", "true", "false", "null",
                             "-0.5E+10", "0", "{}", "{\"a\" : {\"b\":[{},[[]],1]} }", "\"\\/\\n\"", "\"\\ud83d\\ude00\""}) {
        CAPTURE(good);
        CHECK(json(cell(good), type) == good);
    }
    for (const char* bad :
         {"",        "{",           "{'a':1}", "[1,]",           "nul",      "1 2", "NaN",    "[1] x", "\"a\nb\"",
          "\"\\x\"", "\"\\u12g4\"", "\"\\u12", "\"\\",           "\"a",      "-",   "1.",     ".5",    "1e",
          "+1",      "[1 2]",       "{\"a\"}", "{\"a\":1,}",     "{1:2}",    "[}",  "{]",     "[,1]",  "truex",
          "]",       "[1]]",        "{}{}",    "\xEF\xBB\xBF{}", "\"\xFF\"", "01",  "// c\n1"}) {
        CAPTURE(bad);
        CHECK(json(cell(bad), type) == string_of(bad));
    }
    using namespace std::string_view_literals;
    CHECK(json(cell("[1]\0,\"injected\":1"sv), type) == string_of("[1]\0,\"injected\":1"sv));
    CHECK(json(cell("1\0"sv), type) == R"("1\u0000")");
    const std::string deep = std::string(100000, '[') + std::string(100000, ']');
    CHECK(json(cell(deep), type) == deep);
    CHECK(json(cell(std::string(100000, '[')), type).front() == '"');
    CHECK(json(cell("[0.00000000000000000001e-2147483639]"), type) == "[0.00000000000000000001e-2147483639]");
}

TEST_CASE("on SQLite a cell of another storage class goes out as it is") {
    const Type column = of(TypeClass::integer, Storage::sqlite);
    CHECK(json(cell("abc"), column) == "\"abc\"");
    CHECK(json(cell(1.5), column) == "1.5");
    CHECK(json(cell("a\xFF"), of(TypeClass::text, Storage::sqlite)) == "\"a\uFFFD\"");
    CHECK(json(cell(std::int64_t{3}), of(TypeClass::text, Storage::sqlite)) == "3");
    CHECK(json(cell(std::int64_t{3}), of(TypeClass::json, Storage::sqlite)) == "3");
    CHECK(json(cell(std::int64_t{3}), of(TypeClass::unsupported, Storage::sqlite)) == "3");
}

TEST_CASE("rows become an array of objects, keys escaped, rows past the maximum counted but not kept") {
    schemas::Column id{schemas::Ident::from_catalog("id"), integer(64)};
    schemas::Column odd{schemas::Ident::from_catalog("a\"b"), of(TypeClass::text)};
    const std::vector<Cell> row{cell(std::int64_t{1}), cell("x")};
    JsonRows rows({&id, &odd}, Numbers::native, 2);
    rows.row(row);
    CHECK_FALSE(rows.has_more());
    rows.row(row);
    CHECK_FALSE(rows.has_more());
    rows.row(row);
    CHECK(rows.has_more());
    CHECK(rows.rows() == 2);
    CHECK(std::move(rows).take() == R"([{"id":1,"a\"b":"x"},{"id":1,"a\"b":"x"}])");
}

TEST_CASE("the only row comes out as an object") {
    schemas::Column id{schemas::Ident::from_catalog("id"), integer(64)};
    JsonRows rows({&id}, Numbers::native, 2);
    rows.row(std::vector<Cell>{cell(std::int64_t{7})});
    CHECK(std::move(rows).take_row() == R"({"id":7})");
}

TEST_CASE("rows that are run again start from nothing, and a row of another width is refused") {
    schemas::Column id{schemas::Ident::from_catalog("id"), integer(64)};
    const std::vector<Cell> row{cell(std::int64_t{1})};
    JsonRows rows({&id}, Numbers::string, 1);
    rows.row(row);
    rows.row(row);
    rows.restart();
    CHECK(rows.rows() == 0);
    CHECK_FALSE(rows.has_more());
    rows.row(row);
    const std::vector<Cell> two{cell(std::int64_t{1}), cell(std::int64_t{2})};
    JsonRows narrow({&id}, Numbers::string, 1);
    CHECK_THROWS_AS(narrow.row(two), std::logic_error);
    CHECK(std::move(rows).take() == R"([{"id":"1"}])");
    CHECK(JsonRows({&id}, Numbers::native, 5).take() == "[]");
}

TEST_CASE("text of exactly the bytes that are allowed is whole; one more, and no further row is wanted") {
    schemas::Column id{schemas::Ident::from_catalog("id"), integer(64)};
    const std::vector<Cell> row{cell(std::int64_t{1})};
    const std::string two = R"([{"id":1},{"id":1}])";
    JsonRows exact({&id}, Numbers::native, 5, two.size());
    exact.row(row);
    exact.row(row);
    CHECK_FALSE(exact.is_too_large());
    CHECK(exact.wants_more());
    CHECK(std::move(exact).take() == two);

    JsonRows less({&id}, Numbers::native, 5, two.size() - 1);
    less.row(row);
    CHECK(less.wants_more());
    less.row(row);
    CHECK(less.is_too_large());
    CHECK_FALSE(less.wants_more());
    less.restart();
    CHECK(less.wants_more());
    less.row(row);
    CHECK_FALSE(less.is_too_large());

    // Rows past the maximum are not in the text.
    JsonRows one({&id}, Numbers::native, 1, two.size() - 1);
    one.row(row);
    one.row(row);
    CHECK_FALSE(one.is_too_large());
    CHECK(one.has_more());

    CHECK_FALSE(JsonRows({&id}, Numbers::native, 5, 2).is_too_large());
    CHECK(JsonRows({&id}, Numbers::native, 5, 1).is_too_large());
}

TEST_CASE("a value's literal is what a filter takes for it") {
    CHECK(literal_of(std::int64_t{-7}, integer(64)) == "-7");
    CHECK(literal_of(std::uint64_t{18446744073709551615u}, integer(64)) == "18446744073709551615");
    CHECK(literal_of(schemas::Text{"a,b \"c\""}, of(TypeClass::text)) == "a,b \"c\"");
    CHECK(literal_of(schemas::Bytes{"fo"}, of(TypeClass::binary)) == "b64:Zm8=");
    CHECK(literal_of(1e-7, decimal(2, Storage::sqlite)) == "0.0000001");
    CHECK(literal_of(static_cast<double>(0.1F), of(TypeClass::float32)) == "0.1");
    CHECK(literal_of(0.1, of(TypeClass::float64)) == "0.1");
    CHECK(literal_of(schemas::Null{}, integer(64)).empty());
}

TEST_CASE("a problem has type, title, status, code, detail, and the rest only where known") {
    gateway::Problem problem;
    problem.code = Code::header_missing;
    problem.detail = "say \"hi\"\n\xFF";
    problem.internal = "SELECT secret";
    const auto plain = gateway::respond::problem_response(problem);
    CHECK(plain.status == 400);
    REQUIRE(plain.headers.size() == 1);
    CHECK(plain.headers[0].name == "Content-Type");
    CHECK(plain.headers[0].value == "application/problem+json");
    CHECK(plain.body == "{\"type\":\"urn:rowgate:problem:header_missing\",\"title\":\"" +
                            std::string(gateway::entry_of(Code::header_missing).title) +
                            "\",\"status\":400,\"code\":\"header_missing\",\"detail\":\"say \\\"hi\\\"\\n\uFFFD\"}");
    problem.hint = "h";
    problem.parameter = "id";
    problem.position = 0;
    const std::string full = gateway::respond::problem_response(problem).body;
    CHECK(full.ends_with(R"(,"hint":"h","parameter":"id","position":0})"));
}

TEST_CASE("a problem's headers go with it, and a 503 always says when to come back") {
    gateway::Problem problem;
    problem.code = Code::method_not_allowed;
    problem.allow = "GET, HEAD";
    CHECK(gateway::respond::problem_response(problem).headers.at(1).value == "GET, HEAD");
    problem = {};
    problem.code = Code::identity_missing;
    problem.authenticate = "Rowgate-Headers";
    CHECK(gateway::respond::problem_response(problem).headers.at(1).name == "WWW-Authenticate");
    problem = {};
    problem.code = Code::database_unavailable;
    auto response = gateway::respond::problem_response(problem);
    CHECK(response.headers.at(1).name == "Retry-After");
    CHECK(response.headers.at(1).value == "1");
    problem.retry_after = 30;
    CHECK(gateway::respond::problem_response(problem).headers.at(1).value == "30");
}
