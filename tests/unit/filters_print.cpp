// Trees to text and back: canonical forms by hand, then random trees.
#include <doctest/doctest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "filters/parse.h"
#include "filters/print.h"
#include "tests/unit/filters_equal.h"

using namespace filters;

namespace {

class RandomQuery {
public:
    explicit RandomQuery(unsigned seed) : random_(seed) {}

    Query make() {
        Query query;
        const std::size_t conditions = below(5);
        for (std::size_t i = 0; i < conditions; ++i) {
            query.where.push_back(make_condition());
        }
        if (below(2) == 0) {
            query.select_position = 0;
            for (const std::string& name : distinct_names()) {
                query.select.push_back(SelectTerm{name, 0});
            }
        }
        if (below(2) == 0) {
            for (const std::string& name : distinct_names()) {
                query.order_position = 0;
                query.order.push_back(OrderTerm{name, 0, below(2) == 0 ? Direction::ascending : Direction::descending});
            }
        }
        if (below(2) == 0) {
            query.limit = Count{below(2) == 0 ? 0 : random_() & 0x7FFFFFFFFFFFFFFFULL, 0};
        }
        if (below(2) == 0) {
            query.offset = Count{0x7FFFFFFFFFFFFFFFULL, 0};
        }
        if (below(3) == 0) {
            query.undelivered.push_back(Undelivered{"or", 0, true});
        }
        if (below(3) == 0 && !query.order.empty()) {
            query.undelivered.push_back(Undelivered{"order nullslast", 0, false});
            if (query.order.size() > 1) {
                query.undelivered.push_back(Undelivered{"order nullsfirst", 0, false});
            }
        }
        if (below(3) == 0) {
            query.undelivered.push_back(Undelivered{"_preview", 0, false});
        }
        return query;
    }

private:
    std::size_t below(std::size_t bound) { return random_() % bound; }

    std::string make_text(std::size_t length_min) {
        static const std::vector<std::string> kPieces = {
            "a",    "Z",     "0",           "1.5", ".",   ",",  "\"", "\\", "(",  ")", "&",    "=",
            "%",    "+",     " ",           "_",   "*",   "->", ":",  "é",  "漢", "😀", "\x01", "\x7F",
            "null", "order", "not.is.null", "in.", "eq.", "'",  ";",  "#",  "?",  "/", "~",    "-"};
        std::string text;
        const std::size_t length = length_min + below(5);
        for (std::size_t i = 0; i < length; ++i) {
            text += kPieces[below(kPieces.size())];
        }
        return text;
    }

    std::vector<std::string> distinct_names() {
        std::vector<std::string> names;
        const std::size_t count = below(4);
        for (std::size_t i = 0; i < count; ++i) {
            names.push_back(make_text(0) + std::to_string(i));
        }
        if (below(4) == 0) {
            names.emplace_back(below(2) == 0 ? "*" : "limit");
        }
        return names;
    }

    Condition make_condition() {
        static const std::vector<Operator> kAll = {Operator::eq,  Operator::ne,  Operator::lt, Operator::gt,  Operator::le,
                                                   Operator::ge,  Operator::bw,  Operator::in, Operator::nin, Operator::li,
                                                   Operator::rli, Operator::lli, Operator::is};
        Condition condition;
        condition.column = make_text(1);
        condition.op = kAll[below(kAll.size())];
        std::size_t count = 1;
        std::size_t length_min = 0;
        switch (condition.op) {
            case Operator::eq:
            case Operator::ne:
            case Operator::lt:
            case Operator::gt:
            case Operator::le:
            case Operator::ge:
                break;
            case Operator::bw:
                count = 2;
                break;
            case Operator::in:
            case Operator::nin:
                count = 1 + below(4);
                break;
            case Operator::li:
            case Operator::rli:
            case Operator::lli:
                length_min = 1;
                break;
            case Operator::is:
                count = 0;
                condition.is_negated = below(2) == 0;
                break;
        }
        for (std::size_t i = 0; i < count; ++i) {
            condition.values.push_back(Literal{make_text(length_min), 0});
        }
        return condition;
    }

    std::mt19937_64 random_;
};

unsigned make_seed() {
    const char* sent = std::getenv("ROWGATE_TEST_SEED");
    return sent != nullptr ? static_cast<unsigned>(std::strtoul(sent, nullptr, 10)) : std::random_device{}();
}

}  // namespace

TEST_CASE("a query prints in one canonical form") {
    struct Case {
        std::string_view query;
        std::string_view printed;
    };
    const Case cases[] = {
        {"", ""},
        {"&&", ""},
        {"id=eq.10", "id=eq.10"},
        {"%69d=e%71.1%30", "id=eq.10"},
        {"\"id\"=eq.10", "id=eq.10"},
        {"\"order\"=eq.10", "%22order%22=eq.10"},
        {"a=eq.x+y", "a=eq.x%20y"},
        {"a=eq.\"q\"", "a=eq.%22q%22"},
        {"id=bw.10.20", "id=bw.10,20"},
        {"id=bw.\"1.5\".\"2.5\"", "id=bw.1.5,2.5"},
        {"a=in.\"a\",\"b,c\",\"\",\"(\"", "a=in.a,%22b%2Cc%22,%22%22,%22%28%22"},
        {"a=not.is.null&b=is.null", "a=not.is.null&b=is.null"},
        {"limit=5&a=eq.1&order=b.asc,c.desc&select=*&offset=0", "a=eq.1&select=*&order=b,c.desc&limit=5&offset=0"},
        {"select=\"a.b\",limit", "select=%22a.b%22,limit"},
        {"select=\"*\"", "select=%22%2A%22"},
        {"_preview&order=a.desc.nullslast&ids=1", "_preview=&order=a.desc.nullslast&ids="},
    };
    for (const Case& item : cases) {
        CAPTURE(item.query);
        const auto query = parse(item.query, 0, Limits{});
        REQUIRE(query);
        CHECK(print(*query) == item.printed);
    }
}

TEST_CASE("one condition prints as it stands in a Location header") {
    CHECK(print(Condition{"id", 0, Operator::eq, false, {Literal{"7", 0}}}) == "id=eq.7");
    CHECK(print(Condition{"_a b", 0, Operator::eq, false, {Literal{"x&y=é", 0}}}) == "%22_a%20b%22=eq.x%26y%3D%C3%A9");
    CHECK(print(Condition{"n", 0, Operator::is, true, {}}) == "n=not.is.null");
}

TEST_CASE("random trees come back from their text unchanged") {
    const unsigned seed = make_seed();
    MESSAGE("ROWGATE_TEST_SEED=" << seed);
    RandomQuery random(seed);
    for (int round = 0; round < 20000; ++round) {
        const Query query = random.make();
        const std::string printed = print(query);
        const auto again = parse(printed, 0, Limits{});
        if (!again || !same(query, *again) || print(*again) != printed) {
            FAIL("seed " << seed << " round " << round << ": " << printed << " " << (again ? "" : again.error().detail));
        }
    }
}

TEST_CASE("encoded names and values are accepted whatever they hold") {
    const std::string odd = "a\"b\\c=d&e+f%g h.é";
    const auto query = parse(percent_encode("\"a\\\"b\\\\c=d&e+f%g h.é\"") + "=eq." + percent_encode(odd), 0, Limits{});
    REQUIRE(query);
    CHECK(query->where[0].column == odd);
    CHECK(query->where[0].values[0].text == odd);
}
