// The query language, accepted side: every form, the tree it makes, and where each part stood.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "filters/parse.h"

using namespace filters;

namespace {

Query parsed(std::string_view query, Position offset = 0) {
    auto result = parse(query, offset, Limits{});
    INFO(query);
    if (!result) {
        FAIL(result.error().detail << " at " << result.error().position);
    }
    return *result;
}

// `column@position operator [value]@position …; …`
std::string dump(const std::vector<Condition>& where) {
    std::string out;
    for (const Condition& condition : where) {
        out += out.empty() ? "" : "; ";
        out += condition.column + "@" + std::to_string(condition.position) + (condition.is_negated ? " not " : " ") +
               std::string(name_of(condition.op));
        for (const Literal& value : condition.values) {
            out += " [" + value.text + "]@" + std::to_string(value.position);
        }
    }
    return out;
}

std::string dump(const std::vector<OrderTerm>& order) {
    std::string out;
    for (const OrderTerm& term : order) {
        out += "[" + term.column + "]@" + std::to_string(term.position) + (term.direction == Direction::descending ? "v " : "^ ");
    }
    return out;
}

std::string dump(const std::vector<SelectTerm>& select) {
    std::string out;
    for (const SelectTerm& term : select) {
        out += "[" + term.column + "]@" + std::to_string(term.position) + " ";
    }
    return out;
}

}  // namespace

TEST_CASE("conditions become trees that know where each part stood") {
    struct Case {
        std::string_view query;
        std::string_view tree;
    };
    const Case cases[] = {
        {"", ""},
        {"&", ""},
        {"&&&", ""},
        {"id=eq.10", "id@0 eq [10]@6"},
        {"&&id=eq.10&", "id@2 eq [10]@8"},
        {"id=gt.5&id=le.10", "id@0 gt [5]@6; id@8 le [10]@14"},
        {"a=ne.1&b=lt.2&c=ge.3", "a@0 ne [1]@5; b@7 lt [2]@12; c@14 ge [3]@19"},
        // A single value is taken as it is.
        {"a=eq.a.b", "a@0 eq [a.b]@5"},
        {"a=eq.", "a@0 eq []@5"},
        {"a=eq.=b=c", "a@0 eq [=b=c]@5"},
        {"a=eq.\"a\"", "a@0 eq [\"a\"]@5"},
        {"a=eq.(1,2)", "a@0 eq [(1,2)]@5"},
        {"a=eq.x,y\\z", "a@0 eq [x,y\\z]@5"},
        {"a=ne.null", "a@0 ne [null]@5"},
        {"a=eq.<>|^{}", "a@0 eq [<>|^{}]@5"},
        {"a=eq.;drop", "a@0 eq [;drop]@5"},
        // Decoded once, before anything is looked at.
        {"a=eq.x+y%2Bz%25", "a@0 eq [x y+z%]@5"},
        {"a=eq.%2541", "a@0 eq [%41]@5"},
        {"a%3Db=eq.1", "a=b@0 eq [1]@9"},
        {"a=eq.1%26b=eq.2", "a@0 eq [1&b=eq.2]@5"},
        {"a=%65q%2E%31%30", "a@0 eq [10]@9"},
        {"%69d=eq.1", "id@0 eq [1]@8"},
        {"a+b=eq.1", "a b@0 eq [1]@7"},
        {"name=eq.é", "name@0 eq [é]@8"},
        {"n=eq.%C3%A9", "n@0 eq [é]@5"},
        {"n=eq.\xC3%A9", "n@0 eq [é]@5"},
        // Lists.
        {"id=in.6,7,8", "id@0 in [6]@6 [7]@8 [8]@10"},
        {"id=nin.6", "id@0 nin [6]@7"},
        {"a=in.6,6", "a@0 in [6]@5 [6]@7"},
        {"name=in.\"a,b\",c", "name@0 in [a,b]@8 [c]@14"},
        {"name=in.\"\"", "name@0 in []@8"},
        {"name=in.\"\",\"\"", "name@0 in []@8 []@11"},
        {"n=in.\"a\\\"b\\\\c\",d", "n@0 in [a\"b\\c]@5 [d]@15"},
        {"n=in.%22a%2Cb%22%2Cc", "n@0 in [a,b]@5 [c]@19"},
        {"n=in.\"(x\",y(", "n@0 in [(x]@5 [y(]@10"},
        {"n=in.a\\b,1.5,a.b", "n@0 in [a\\b]@5 [1.5]@9 [a.b]@13"},
        {"n=in.1,+2", "n@0 in [1]@5 [ 2]@7"},
        // Bounds.
        {"id=bw.10.20", "id@0 bw [10]@6 [20]@9"},
        {"id=bw.10,20", "id@0 bw [10]@6 [20]@9"},
        {"a=bw.1.5,2.5", "a@0 bw [1.5]@5 [2.5]@9"},
        {"a=bw.\"1.5\".\"2.5\"", "a@0 bw [1.5]@5 [2.5]@11"},
        {"a=bw.\"1.5\",\"2.5\"", "a@0 bw [1.5]@5 [2.5]@11"},
        {"a=bw.\"1.5\".2", "a@0 bw [1.5]@5 [2]@11"},
        {"a=bw.\"a,b\".\"c,d\"", "a@0 bw [a,b]@5 [c,d]@11"},
        {"a=bw.\"a,b\",c.d", "a@0 bw [a,b]@5 [c.d]@11"},
        {"a=bw.\"\\\",\".\"\\\\\"", "a@0 bw [\",]@5 [\\]@11"},
        {"a=bw.-5,-1", "a@0 bw [-5]@5 [-1]@8"},
        {"a=bw.20.10", "a@0 bw [20]@5 [10]@8"},
        {"a=bw.\"\",z", "a@0 bw []@5 [z]@8"},
        {"a=bw.2020-01-01,2020-12-31", "a@0 bw [2020-01-01]@5 [2020-12-31]@16"},
        // Patterns and NULL.
        {"name=li.alice", "name@0 li [alice]@8"},
        {"n=rli.%25_", "n@0 rli [%_]@6"},
        {"email=lli.@test.com", "email@0 lli [@test.com]@10"},
        {"n=li.+", "n@0 li [ ]@5"},
        {"note=is.null", "note@0 is"},
        {"note=not.is.null", "note@0 not is"},
        {"note=%6Eot.is.null", "note@0 not is"},
        // Names.
        {"\"order\"=eq.5", "order@0 eq [5]@11"},
        {"%22order%22=eq.5", "order@0 eq [5]@15"},
        {"\"_x\"=eq.5", "_x@0 eq [5]@8"},
        {"\"a.b\"=is.null", "a.b@0 is"},
        {"\"a\\\"b\\\\\"=eq.5", "a\"b\\@0 eq [5]@12"},
        {"\"a%3Db%26\"=eq.5", "a=b&@0 eq [5]@14"},
        {"\"id\"=eq.5", "id@0 eq [5]@8"},
        {"Order=eq.5&ORDER=eq.6", "Order@0 eq [5]@9; ORDER@11 eq [6]@20"},
        {"a\\b=eq.5", "a\\b@0 eq [5]@7"},
        {"x_=eq.5", "x_@0 eq [5]@6"},
        {"a,b=eq.5", "a,b@0 eq [5]@7"},
        {"id'--=eq.5", "id'--@0 eq [5]@9"},
    };
    for (const Case& item : cases) {
        CAPTURE(item.query);
        CHECK(dump(parsed(item.query).where) == item.tree);
    }
}

TEST_CASE("positions count from the first byte of the request target") {
    const Query query = parsed("id=in.6,%37&limit=3&select=a,b&order=c", 100);
    CHECK(dump(query.where) == "id@100 in [6]@106 [7]@108");
    CHECK(query.limit->position == 118);
    CHECK(query.select_position == Position{120});
    CHECK(dump(query.select) == "[a]@127 [b]@129 ");
    CHECK(query.order_position == Position{131});
    CHECK(dump(query.order) == "[c]@137^ ");
}

TEST_CASE("select names columns or all of them") {
    CHECK(dump(parsed("select=id,name").select) == "[id]@7 [name]@10 ");
    CHECK(dump(parsed("select=\"a,b\",\"*\",\"a.b\"").select) == "[a,b]@7 [*]@13 [a.b]@17 ");
    CHECK(dump(parsed("select=order,_x,limit").select) == "[order]@7 [_x]@13 [limit]@16 ");
    CHECK(dump(parsed("select=a%2Cb").select) == "[a]@7 [b]@11 ");
    CHECK(dump(parsed("select=A,a").select) == "[A]@7 [a]@9 ");
    CHECK(dump(parsed("select=a-b,c*").select) == "[a-b]@7 [c*]@11 ");
    const Query all = parsed("id=eq.1&select=*");
    CHECK(all.select.empty());
    CHECK(all.select_position == Position{8});
    CHECK_FALSE(parsed("id=eq.1").select_position);
}

TEST_CASE("order takes a direction behind a dot") {
    CHECK(dump(parsed("order=id").order) == "[id]@6^ ");
    CHECK(dump(parsed("order=id.desc,name.asc,x").order) == "[id]@6v [name]@14^ [x]@23^ ");
    CHECK(dump(parsed("order=\"a.b\".desc,\"c\"").order) == "[a.b]@6v [c]@17^ ");
    CHECK(dump(parsed("order=asc,desc.desc").order) == "[asc]@6^ [desc]@10v ");
    CHECK_FALSE(parsed("id=eq.1").order_position);
}

TEST_CASE("limit and offset take digits up to 2^63-1") {
    CHECK(parsed("limit=0").limit->value == 0);
    CHECK(parsed("limit=10&offset=20").offset->value == 20);
    CHECK(parsed("offset=9223372036854775807").offset->value == 9223372036854775807ULL);
    CHECK_FALSE(parsed("offset=1").limit);
}

TEST_CASE("controls of later issues are noted once each, conditions among them marked") {
    struct Case {
        std::string_view name;
        bool is_condition;
    };
    const Case cases[] = {
        {"ids", true},       {"or", true},           {"and", true},          {"not", true},      {"any", true},
        {"all", true},       {"having", true},       {"on_conflict", false}, {"columns", false}, {"confirm", false},
        {"_preview", false}, {"_no-content", false}, {"_deleted", false},
    };
    for (const Case& item : cases) {
        for (const std::string_view value : {"", "=", "=true", "=(a.eq.1,b.eq.\"", "=eq.5"}) {
            CAPTURE(item.name);
            CAPTURE(value);
            const Query query = parsed("a=eq.1&" + std::string(item.name) + std::string(value), 5);
            CHECK(query.where.size() == 1);
            REQUIRE(query.undelivered.size() == 1);
            CHECK(query.undelivered[0].name == item.name);
            CHECK(query.undelivered[0].position == 12);
            CHECK(query.undelivered[0].is_condition == item.is_condition);
        }
    }
    const Query both = parsed("or=1&_preview=true");
    REQUIRE(both.undelivered.size() == 2);
    CHECK(both.undelivered[1].position == 5);
}

TEST_CASE("where NULLs go in an order is noted as undelivered") {
    const Query query = parsed("order=a.desc.nullslast,b.nullslast,c.asc.nullsfirst,d");
    CHECK(dump(query.order) == "[a]@6v [b]@23^ [c]@35^ [d]@52^ ");
    REQUIRE(query.undelivered.size() == 2);
    CHECK(query.undelivered[0].name == "order nullslast");
    CHECK(query.undelivered[0].position == 13);
    CHECK(query.undelivered[1].name == "order nullsfirst");
    CHECK_FALSE(query.undelivered[0].is_condition);
}

TEST_CASE("a query at its limits is accepted") {
    std::string list = "id=in.0";
    for (int i = 1; i < 1000; ++i) {
        list += "," + std::to_string(i);
    }
    CHECK(parsed(list).where[0].values.size() == 1000);

    std::string conditions = "id=eq.0";
    for (int i = 1; i < 64; ++i) {
        conditions += "&id=ne." + std::to_string(i);
    }
    CHECK(parsed(conditions + "&limit=5&select=id").where.size() == 64);

    std::string select = "select=c0";
    std::string order = "order=c0";
    for (int i = 1; i < 1000; ++i) {
        select += ",c" + std::to_string(i);
        order += ",c" + std::to_string(i) + ".desc";
    }
    CHECK(parsed(select).select.size() == 1000);
    CHECK(parsed(order).order.size() == 1000);
}

TEST_CASE("the operators and their names are thirteen") {
    CHECK(operator_list() == "eq, ne, lt, gt, le, ge, bw, in, nin, li, rli, lli, is");
    CHECK(name_of(Operator::eq) == "eq");
    CHECK(name_of(Operator::is) == "is");
}
