// The query language, refused side: the fault, the byte it is found at, and what the hint tells the client to write.
#include <doctest/doctest.h>

#include <ostream>
#include <string>
#include <string_view>

#include "filters/parse.h"

using namespace filters;
using namespace std::string_view_literals;

namespace {

ParseError refused(std::string_view query, Position offset = 0, const Limits& limits = {}) {
    auto result = parse(query, offset, limits);
    INFO(query);
    if (result) {
        FAIL("accepted");
    }
    return result.error();
}

struct Case {
    std::string_view query;
    Position position;
    std::string_view hint = {};  // must be part of the hint
};

void check(Fault fault, std::string_view parameter, const Case& item) {
    CAPTURE(item.query);
    const ParseError error = refused(item.query);
    CAPTURE(error.detail);
    CHECK(static_cast<int>(error.fault) == static_cast<int>(fault));
    CHECK(error.position == item.position);
    CHECK(error.parameter == parameter);
    CHECK_FALSE(error.detail.empty());
    CAPTURE(error.hint);
    CHECK(error.hint.find(item.hint) != std::string::npos);
}

std::string repeat(std::string_view text, int count) {
    std::string out;
    for (int i = 0; i < count; ++i) {
        out += text;
    }
    return out;
}

}  // namespace

TEST_CASE("an unknown operator, or none, points at the value and hints in the client's own words") {
    const Case cases[] = {
        {"id=10", 3, "id=eq.10"},
        {"id=", 3, "id=eq. "},
        {"id", 2, "id=eq. "},
        {"id=eq", 3, "id=eq.VALUE"},
        {"id=is", 3, "id=is.null"},
        {"id=1.5", 3, "id=eq.1.5"},
        {"id=.5", 3, "id=eq..5"},
        {"id=a@b.com", 3, "id=eq.a@b.com"},
        {"id=john+doe%20x", 3, "id=eq.john+doe%20x"},
        {"id==5", 3, "id=eq.5"},
        {"id=null", 3, "id=is.null"},
        {"id=NOTNULL", 3, "id=not.is.null"},
        {"id=EQ.5", 3, "id=eq.5"},
        {"id=IS.NULL", 3, "id=is.null"},
        {"id=neq.5", 3, "id=ne.5"},
        {"id=gte.1.5", 3, "id=ge.1.5"},
        {"id=lte.%2B5", 3, "id=le.%2B5"},
        {"id=like.abc", 3, "id=li.abc"},
        {"id=ilike.*abc*", 3, "id=li.TEXT"},
        {"id=like.%25abc", 3, "id=li.TEXT"},
        {"id=cs.abc", 3, "id=li.abc"},
        {"id=sw.abc", 3, "id=rli.abc"},
        {"id=ew.abc", 3, "id=lli.abc"},
        {"id=bt.1,2", 3, "id=bw.1,2"},
        {"id=notin.1,2", 3, "id=nin.1,2"},
        {"id=not.eq.5", 3, "id=ne.5"},
        {"id=not.in.5,6", 3, "id=nin.5,6"},
        {"id=not.gt.5", 3, "id=le.5"},
        {"id=not.null", 3, "id=not.is.null"},
        {"id=not.is", 3, "id=not.is.null"},
        {"id=not.", 3, "id=not.is.null"},
        {"id=not.not.is.null", 3, "id=not.is.null"},
        {"id=NOT.is.null", 3, "id=not.is.null"},
        {"id=Not.Is.Null", 3, "id=not.is.null"},
        {"id= eq.5", 3},
        {"id=eq .5", 3},
        {"id=%20eq.5", 3},
        {"id=fts.x", 3, "id=eq.fts.x"},
        {"id=\"eq\".5", 3},
        {"id=e%C3%A9.5", 3, "id=eq.e%C3%A9.5"},
        {"id=\xC3%A9", 3, "id=eq.VALUE"},
    };
    for (const Case& item : cases) {
        check(Fault::operator_unknown, "id", item);
    }
    CHECK(refused("id=foo.5").detail ==
          "the parameter id has an unknown operator, \"foo\"; the operators are eq, ne, lt, gt, le, ge, bw, in, nin, li, rli, "
          "lli, is");
    CHECK(refused("id=10").detail ==
          "the parameter id has no operator; the operators are eq, ne, lt, gt, le, ge, bw, in, nin, li, rli, lli, is");
    check(Fault::operator_unknown, "\"order\"", {"\"order\"=5", 8, "\"order\"=eq.5"});
    check(Fault::operator_unknown, "b", {"a=eq.1&b=2", 9, "b=eq.2"});
}

TEST_CASE("a value that its operator cannot take is refused at the offending byte") {
    const Case cases[] = {
        // Lists.
        {"a=in.", 5},
        {"a=nin.", 6},
        {"a=in.,", 5, "\"\""},
        {"a=in.,1", 5},
        {"a=in.1,", 7},
        {"a=in.1,,2", 7},
        {"a=in.%2C", 5},
        {"a=in.(1,2)", 5, "without parentheses"},
        {"a=in.1,(2", 7},
        {"a=in.%28x", 5},
        {"a=in.\"a", 5},
        {"a=in.x,\"a", 7},
        {"a=in.\"", 5},
        {"a=in.\"a\\\"", 5},
        {"a=in.\"a\\", 7},
        {"a=in.\"a\\n\"", 7, "\\\\"},
        {"a=in.\"a\"b", 8},
        {"a=in.\"a\"\"b\"", 8},
        {"a=in.\"a\" ,b", 8},
        {"a=in.\"a\".b", 8},
        {"a=in.a\"b", 6},
        {"a=in.a\"", 6},
        {"a=in. \"a\"", 6},
        {"a=in.1,2%22", 8},
        // Bounds.
        {"a=bw.", 5, "a=bw.1.5,2.5 or a=bw.\"1.5\".\"2.5\""},
        {"a=bw.10", 5},
        {"a=bw.\"1.5\"", 5},
        {"a=bw.1,2,3", 5},
        {"a=bw.1.5.2.5", 5, "a=bw.1.5,2.5, or quote them, a=bw.\"1.5\".\"2.5\""},
        {"a=bw.3.25.4.75", 5, "a=bw.3.25,4.75"},
        {"a=bw.-3.25.-1.75", 5, "a=bw.-3.25,-1.75"},
        {"a=bw.1.5.2", 5, "a=bw.1,5.2 or a=bw.1.5,2"},
        {"a=bw.10.0.0.1.10.0.0.9", 5, "a=bw.10.0.0.1,10.0.0.9"},
        {"a=bw.1.2.3.4.5", 5, "a=bw.1.5,2.5"},
        {"a=bw.1%2E5%2E2%2E5", 5, "a=bw.1.5,2.5, "},
        {"a=bw.x y.1.2.3", 5, "a=bw.1.5,2.5 or"},
        {"a=bw..5", 5},
        {"a=bw.5.", 7},
        {"a=bw.,5", 5},
        {"a=bw.5,", 7},
        {"a=bw.1..2", 7},
        {"a=bw.,", 5},
        {"a=bw..", 5},
        {"a=bw.(1,2)", 5},
        {"a=bw.1,(2", 7},
        {"a=bw.\"1,2", 5},
        {"a=bw.1,\"2", 7},
        {"a=bw.\"1\"2,3", 8},
        {"a=bw.\"1\".2,3", 8},
        {"a=bw.1\"x,y\"", 6},
        {"a=bw.\"a\\x\".b", 7},
        // Patterns.
        {"a=li.", 5},
        {"a=rli.", 6},
        {"a=lli.", 6},
        // NULL.
        {"a=is.", 5, "a=is.null or a=not.is.null"},
        {"a=is.NULL", 5},
        {"a=is.true", 5},
        {"a=is.null.", 5},
        {"a=is.not.null", 5, "a=not.is.null"},
        {"a=is.%20null", 5},
        {"a=not.is.", 9},
        {"a=not.is.true", 9},
        {"a=not.is.not.null", 9},
    };
    for (const Case& item : cases) {
        check(Fault::value_invalid, "a", item);
    }
}

TEST_CASE("a name that is none is refused at the offending byte") {
    check(Fault::name_invalid, "", {"=", 0});
    check(Fault::name_invalid, "", {"=x", 0});
    check(Fault::name_invalid, "", {"a=eq.1&=eq.5", 7});
    check(Fault::name_invalid, "a\"b", {"a\"b=eq.5", 1});
    check(Fault::name_invalid, "a\"b", {"a%22b=eq.5", 1});
    check(Fault::name_invalid, " \"b\"", {"+\"b\"=eq.5", 1});
    check(Fault::name_invalid, "order\"", {"order\"=eq.5", 5});
    check(Fault::name_invalid, "_a.\"", {"_a.\"=eq.5", 3});
    check(Fault::name_invalid, "\"", {"\"=eq.5", 0});
    check(Fault::name_invalid, "\"a", {"\"a=eq.5", 0, "%3D"});
    check(Fault::name_invalid, "\"a", {"\"a=b\"=eq.5", 0, "%3D"});
    check(Fault::name_invalid, "\"\"", {"\"\"=eq.5", 0});
    check(Fault::name_invalid, "\"a\"b", {"\"a\"b=eq.5", 3});
    check(Fault::name_invalid, "\"a\"\"", {"\"a\"\"=eq.5", 3});
    check(Fault::name_invalid, "\"a\\", {"\"a\\=eq.5", 2});
    check(Fault::name_invalid, "\"a\\\"", {"\"a\\\"=eq.5", 0});
    check(Fault::name_invalid, "\"a\\x\"", {"\"a\\x\"=eq.5", 2});
    check(Fault::name_invalid, "\"a\".desc", {"\"a\".desc=eq.5", 3});
}

TEST_CASE("what does not decode is refused at its percent sign, and the parameter is named where its name decodes") {
    check(Fault::encoding_invalid, "", {"%=eq.1", 0});
    check(Fault::encoding_invalid, "", {"a=eq.1&b%zz=eq.1", 8});
    check(Fault::encoding_invalid, "", {"a%00=eq.1", 1});
    check(Fault::encoding_invalid, "", {"\xFF=eq.1", 0});
    check(Fault::encoding_invalid, "a", {"a=eq.%zz", 5});
    check(Fault::encoding_invalid, "a", {"a=eq.1%", 6});
    check(Fault::encoding_invalid, "a", {"a=eq.1%0", 6});
    check(Fault::encoding_invalid, "a", {"a=eq.x%00", 6});
    check(Fault::encoding_invalid, "a", {"a=eq.x\0"sv, 6});
    check(Fault::encoding_invalid, "a", {"a=eq.%C0%AE", 5});
    check(Fault::encoding_invalid, "a", {"a=eq.%ED%A0%80", 5});
    check(Fault::encoding_invalid, "a", {"a=eq.%u0041", 5});
    check(Fault::encoding_invalid, "a", {"a=eq.\xC3", 5});
    check(Fault::encoding_invalid, "a", {"a=%FF", 2});
    check(Fault::encoding_invalid, "ids", {"ids=%zz", 4});
    check(Fault::encoding_invalid, "limit", {"limit=%zz", 6});
    // The split comes before the decoding: half a character on each side of the = is two halves.
    check(Fault::encoding_invalid, "", {"\xC3=\xA9", 0});
}

TEST_CASE("a name that only a control could have is refused with the nearest control or the quotes") {
    check(Fault::control_unknown, "_prevew", {"_prevew=true", 0, "write _preview"});
    check(Fault::control_unknown, "_no_content", {"_no_content=true", 0, "write _no-content"});
    check(Fault::control_unknown, "_limit", {"_limit=5", 0, "write limit"});
    check(Fault::control_unknown, "_", {"_=1", 0, "\"_\"=1"});
    check(Fault::control_unknown, "_id", {"_id=eq.5", 0, "\"_id\"=eq.5"});
    check(Fault::control_unknown, "a.b", {"x=eq.1&a.b=eq.5", 7, "\"a.b\"=eq.5"});
    check(Fault::control_unknown, "a.b c\\", {"a.b%20c\\=eq.5", 0, "\"a.b%20c%5C%5C\"=eq.5"});
    check(Fault::control_unknown, "age.gt", {"age.gt=5", 0, "write age=gt.5"});
    check(Fault::control_unknown, "orders.limit", {"orders.limit=5", 0});
    check(Fault::control_unknown, "not.and", {"not.and=(a.eq.1)", 0});
    check(Fault::control_unknown, ".", {".=eq.1", 0});
    check(Fault::control_unknown, ".eq", {".eq=1", 0});
}

TEST_CASE("a control that does not parse is refused at the offending byte") {
    struct ControlCase {
        std::string_view parameter;
        Case item;
    };
    const ControlCase cases[] = {
        {"select", {"select", 6}},
        {"select", {"select=", 7}},
        {"select", {"select=,a", 7}},
        {"select", {"select=a,,b", 9}},
        {"select", {"select=a,", 9}},
        {"select", {"select=*,a", 7}},
        {"select", {"select=a,*", 9}},
        {"select", {"select=a,b,a", 11}},
        {"select", {"select=a,\"a\"", 9}},
        {"select", {"select=\"a", 7}},
        {"select", {"select=\"\"", 7}},
        {"select", {"select=a\"b\"", 8}},
        {"select", {"select=\"a\"b", 10}},
        {"select", {"select=\"a\\n\"", 9}},
        {"select", {"select=a.b", 8, "quotes"}},
        {"select", {"select=full:name", 11, "quotes"}},
        {"select", {"select=*,orders(id)", 7}},
        {"select", {"select=orders(id,total)", 13}},
        {"select", {"select=count()", 12}},
        {"select", {"select=a)", 8}},
        {"select", {"select=data->a", 7, "quotes"}},
        {"select", {"select=a&select=b", 9}},
        {"select", {"select=*&select=*", 9}},
        {"select", {"select=eq.5", 9, "\"select\"=eq.5"}},
        {"order", {"order=", 6}},
        {"order", {"order", 5}},
        {"order", {"order=,", 6}},
        {"order", {"order=a,", 8}},
        {"order", {"order=a.", 8}},
        {"order", {"order=.desc", 6}},
        {"order", {"order=a.DESC", 8}},
        {"order", {"order=a.foo", 8, "\"a.b\".desc"}},
        {"order", {"order=a.desc.asc", 13}},
        {"order", {"order=a.nullslast.desc", 8}},
        {"order", {"order=a.desc.nullslast.nullslast", 13}},
        {"order", {"order=\"a\"desc", 9}},
        {"order", {"order=\"a", 6}},
        {"order", {"order=a.de\"sc", 8}},
        {"order", {"order=*", 6}},
        {"order", {"order=a,b.desc,a.desc", 15}},
        {"order", {"order=(select 1)", 6}},
        {"order", {"order=a->b.desc", 6}},
        {"order", {"order=eq.5", 9, "\"order\"=eq.5"}},
        {"order", {"order=a&order=b", 8}},
        {"limit", {"limit=", 6}},
        {"limit", {"limit=-1", 6}},
        {"limit", {"limit=+1", 6}},
        {"limit", {"limit=%2B1", 6}},
        {"limit", {"limit=1x", 7}},
        {"limit", {"limit=1.0", 7}},
        {"limit", {"limit=1e3", 7}},
        {"limit", {"limit=01", 6}},
        {"limit", {"limit=00", 6}},
        {"limit", {"limit=9223372036854775808", 6}},
        {"limit", {"limit=99999999999999999999999999", 6}},
        {"limit", {"limit=all", 6}},
        {"limit", {"limit=gt.5", 6, "\"limit\"=gt.5"}},
        {"limit", {"limit=1&limit=1", 8}},
        {"offset", {"offset=", 7}},
        {"offset", {"offset=-0", 7}},
        {"offset", {"offset=1&a=eq.1&offset=2", 16}},
        {"ids", {"ids=1&ids=2", 6}},
        {"or", {"or=(a.eq.1)&or=(b.eq.1)", 12}},
        {"_preview", {"_preview&_preview", 9}},
    };
    for (const ControlCase& item : cases) {
        check(Fault::control_invalid, item.parameter, item.item);
    }
}

TEST_CASE("one past a limit is refused, naming the limit, where the surplus begins") {
    const std::string list = "id=in." + repeat("7,", 1000);
    const ParseError items = refused(list + "7", 50);
    CHECK(items.fault == Fault::limit_exceeded);
    CHECK(items.position == 50 + list.size());
    CHECK(items.detail == "the list has more items than the limit of 1000 list items");
    // An empty item past the limit is past the limit too.
    CHECK(refused(list).fault == Fault::limit_exceeded);

    const std::string conditions = repeat("id=eq.7&", 64);
    const ParseError condition = refused(conditions + "id=%zz", 50);
    CHECK(condition.fault == Fault::limit_exceeded);
    CHECK(condition.position == 50 + conditions.size());
    CHECK(condition.parameter == "id");
    CHECK(condition.detail == "the query has more conditions than the limit of 64 conditions");

    std::string select = "select=";
    std::string order = "order=";
    for (int i = 0; i < 1000; ++i) {
        select += "c" + std::to_string(i) + ",";
        order += "c" + std::to_string(i) + ".desc,";
    }
    CHECK(refused(select + "x").fault == Fault::limit_exceeded);
    CHECK(refused(select + "x").position == select.size());
    CHECK(refused(order + "x").detail == "order names more columns than the limit of 1000");
    CHECK(refused(order + "x").position == order.size());

    CHECK(refused("a=eq.1&b=eq.2", 0, Limits{1, 10}).fault == Fault::limit_exceeded);
    CHECK(refused("a=in.1,2,3", 0, Limits{1, 2}).position == 9);
    CHECK(refused("a=eq.1", 0, Limits{0, 2}).position == 0);
}

TEST_CASE("the first error from the left wins") {
    CHECK(refused("a=1&=x").fault == Fault::operator_unknown);
    CHECK(refused("=x&a=1").fault == Fault::name_invalid);
    CHECK(refused("_x=%zz").fault == Fault::control_unknown);
    CHECK(refused("a=in.1,,%zz").fault == Fault::encoding_invalid);  // a value is decoded whole before it is read
    CHECK(refused("limit=x&limit=y").position == 6);
}

TEST_CASE("messages about long input stay short") {
    const std::string name(5000, 'n');
    const ParseError error = refused(name + "=" + std::string(5000, 'v'));
    CHECK(error.detail.size() < 300);
    CHECK(error.hint == "write COLUMN=eq.VALUE");
    CHECK(error.parameter == name);
    const ParseError dotted = refused("_" + repeat("é", 4000) + "=1");
    CHECK(dotted.detail.size() < 300);
    CHECK(dotted.hint.size() < 300);
}
