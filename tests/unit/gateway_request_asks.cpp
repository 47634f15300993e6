#include "gateway/request/asks.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include "filters/parse.h"

using gateway::request::AskError;
using gateway::request::AskFault;
using gateway::request::AskHeaders;
using gateway::request::parse_asks;
using gateway::request::parse_prefer;
using gateway::request::parse_target;
using gateway::request::path_key;
using sql::plan::Asks;
using sql::plan::Return;
using sql::plan::Verb;

namespace {

constexpr filters::Position kOffset = 30;

struct Sent {
    std::vector<std::string_view> prefer = {};
    std::string_view query = {};
    AskHeaders headers = {};
};

tl::expected<Asks, AskError> asked(Verb verb, const Sent& sent) {
    const auto preferences = parse_prefer(sent.prefer);
    REQUIRE(preferences.has_value());
    filters::Limits limits;
    limits.reads_asks = true;
    const auto query = filters::parse(sent.query, kOffset, limits);
    REQUIRE_MESSAGE(query, query.error().detail);
    return parse_asks(verb, *preferences, sent.headers, *query);
}

Asks taken(Verb verb, const Sent& sent) {
    const auto asks = asked(verb, sent);
    REQUIRE_MESSAGE(asks, asks.error().detail);
    return *asks;
}

void check_refused(Verb verb, const Sent& sent, AskFault fault, std::string_view parameter) {
    CAPTURE(std::string(sent.query));
    CAPTURE(sent.prefer.empty() ? std::string() : std::string(sent.prefer.front()));
    CAPTURE(static_cast<int>(verb));
    const auto asks = asked(verb, sent);
    REQUIRE_FALSE(asks);
    CHECK(asks.error().fault == fault);
    CHECK(asks.error().parameter == parameter);
    CHECK_FALSE(asks.error().detail.empty());
    CHECK(asks.error().position.has_value() == (fault == AskFault::query));
}

constexpr Verb kWrites[] = {Verb::insert, Verb::update, Verb::erase};
constexpr Verb kChanges[] = {Verb::update, Verb::erase};

}  // namespace

TEST_CASE("a request that asks for nothing asks for nothing") {
    for (const Verb verb : {Verb::read, Verb::insert, Verb::update, Verb::erase}) {
        const Asks asks = taken(verb, {{"numbers=string, foo=bar"}, "id=eq.1"});
        CHECK(asks.answer == Return::unsaid);
        CHECK_FALSE(asks.affected_max);
        CHECK_FALSE(asks.is_preview);
        CHECK_FALSE(asks.is_confirmed);
        CHECK_FALSE(asks.removes_all);
        CHECK(asks.token.empty());
        CHECK(asks.preferences.empty());
    }
}

TEST_CASE("max-affected is a whole number on every write, and said back") {
    for (const Verb verb : kWrites) {
        CHECK(taken(verb, {{"max-affected=10"}}).affected_max == 10u);
        CHECK(taken(verb, {{"Max-Affected = \"0\""}}).affected_max == 0u);
        CHECK(taken(verb, {{"max-affected=5, max-affected=5"}}).affected_max == 5u);
        CHECK(taken(verb, {{"max-affected=7"}}).preferences == "max-affected=7");
    }
    constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
    CHECK(taken(Verb::erase, {{"max-affected=18446744073709551614"}}).affected_max == kMax - 1);
    CHECK(taken(Verb::erase, {{"max-affected=18446744073709551615"}}).affected_max == kMax);
    CHECK(taken(Verb::erase, {{"max-affected=18446744073709551616"}}).affected_max == kMax);
    CHECK(taken(Verb::erase, {{"max-affected=99999999999999999999999"}}).affected_max == kMax);
}

TEST_CASE("a max-affected that is no whole number is refused, never dropped") {
    for (const Verb verb : kWrites) {
        for (const char* const value : {"max-affected", "max-affected=\"\"", "max-affected=-1", "max-affected=1.5", "max-affected=1e3", "max-affected=ten",
                                        "max-affected=+1", "max-affected=010", "max-affected=\" 1\"", "max-affected=0x1"}) {
            check_refused(verb, {{value}}, AskFault::preference, "max-affected");
        }
    }
}

TEST_CASE("return says what the answer holds") {
    for (const Verb verb : kWrites) {
        CHECK(taken(verb, {{"return=minimal"}}).answer == Return::minimal);
        CHECK(taken(verb, {{"return=representation"}}).answer == Return::representation);
        CHECK(taken(verb, {{"return=headers-only"}}).answer == Return::headers_only);
        for (const char* const value : {"return", "return=all", "return=Minimal", "return=\"\""}) {
            check_refused(verb, {{value}}, AskFault::preference, "return");
        }
        CHECK(taken(verb, {{}, "_no-content=true"}).answer == Return::minimal);
        CHECK(taken(verb, {{"return=minimal"}, "_no-content=true"}).answer == Return::minimal);
        check_refused(verb, {{"return=representation"}, "_no-content=true"}, AskFault::query, "_no-content");
        check_refused(verb, {{"return=headers-only"}, "_no-content=true"}, AskFault::query, "_no-content");
    }
}

TEST_CASE("preferences that contradict themselves are refused, across headers too") {
    for (const Verb verb : kWrites) {
        check_refused(verb, {{"return=minimal, return=representation"}}, AskFault::preference, "return");
        check_refused(verb, {{"return=minimal", "return=representation"}}, AskFault::preference, "return");
        check_refused(verb, {{"max-affected=1", "a=b, MAX-AFFECTED=9"}}, AskFault::preference, "max-affected");
        check_refused(verb, {{"max-affected=1, max-affected=1, max-affected"}}, AskFault::preference, "max-affected");
        check_refused(verb, {{"tx=commit, tx=rollback"}}, AskFault::preference, "tx");
        CHECK(taken(verb, {{"foo=1, foo=2"}}).preferences.empty());
    }
}

TEST_CASE("a preview is asked for by tx=rollback or _preview=true, and a misspelt one is refused") {
    for (const Verb verb : kChanges) {
        CHECK(taken(verb, {{"tx=rollback"}}).is_preview);
        CHECK(taken(verb, {{}, "_preview=true"}).is_preview);
        CHECK(taken(verb, {{"tx=rollback"}, "_preview=true"}).is_preview);
        CHECK(taken(verb, {{"tx=commit"}, "_preview=true"}).is_preview);
        CHECK_FALSE(taken(verb, {{"tx=commit"}}).is_preview);
        for (const char* const value : {"tx", "tx=rolback", "tx=ROLLBACK", "tx=none"}) {
            check_refused(verb, {{value}}, AskFault::preference, "tx");
        }
    }
    check_refused(Verb::insert, {{"tx=rollback"}}, AskFault::preference, "tx");
    CHECK_FALSE(taken(Verb::insert, {{"tx=commit"}}).is_preview);
    check_refused(Verb::insert, {{}, "_preview=true"}, AskFault::query, "_preview");
}

TEST_CASE("honoured preferences are said back as they were sent, in their order") {
    CHECK(taken(Verb::erase, {{"tx=commit, foo=1", "return=representation, max-affected=3"}}).preferences ==
          "tx=commit, return=representation, max-affected=3");
    CHECK(taken(Verb::erase, {{}, "_no-content=true"}).preferences.empty());
    CHECK(taken(Verb::erase, {{"return=minimal, max-affected=3"}, "_preview=true"}).preferences == "max-affected=3");
    CHECK(taken(Verb::erase, {{"return=minimal, tx=rollback"}}).preferences == "tx=rollback");
}

TEST_CASE("a read ignores the preferences of writes and refuses their controls and headers") {
    const Asks asks = taken(Verb::read, {{"return=representation, max-affected=x, tx=rolback, return=minimal"}, "limit=1&offset=2&select=a"});
    CHECK(asks.answer == Return::unsaid);
    CHECK_FALSE(asks.affected_max);
    CHECK(asks.preferences.empty());
    for (const char* const control : {"_preview", "confirm", "_no-content"}) {
        const std::string query = std::string(control) + "=true";
        check_refused(Verb::read, {{}, query}, AskFault::query, control);
    }
    check_refused(Verb::read, {{}, {}, {{"t"}, {}}}, AskFault::header, "X-Delete-Token");
    check_refused(Verb::read, {{}, {}, {{}, {"remove-all"}}}, AskFault::header, "X-Conditional-Delete");
}

TEST_CASE("confirm goes with writes that change rows") {
    for (const Verb verb : kChanges) {
        CHECK(taken(verb, {{}, "confirm=true"}).is_confirmed);
    }
    check_refused(Verb::insert, {{}, "confirm=true"}, AskFault::query, "confirm");
}

TEST_CASE("one token goes with a write that changes rows, and with no preview") {
    for (const Verb verb : kChanges) {
        CHECK(taken(verb, {{}, {}, {{" v1.abc "}, {}}}).token == "v1.abc");
        for (const AskHeaders& bad : {AskHeaders{{""}, {}}, AskHeaders{{" \t"}, {}}, AskHeaders{{"a", "a"}, {}}, AskHeaders{{"", "a"}, {}}}) {
            check_refused(verb, {{}, {}, bad}, AskFault::header, "X-Delete-Token");
        }
        const std::string long_token(4097, 'a');
        check_refused(verb, {{}, {}, {{long_token}, {}}}, AskFault::header, "X-Delete-Token");
        check_refused(verb, {{}, "_preview=true", {{"a"}, {}}}, AskFault::header, "X-Delete-Token");
        check_refused(verb, {{"tx=rollback"}, {}, {{"a"}, {}}}, AskFault::header, "X-Delete-Token");
    }
    check_refused(Verb::insert, {{}, {}, {{"a"}, {}}}, AskFault::header, "X-Delete-Token");
}

TEST_CASE("X-Conditional-Delete says remove-all on a delete, and nothing else anywhere") {
    CHECK(taken(Verb::erase, {{}, {}, {{}, {" remove-all "}}}).removes_all);
    for (const AskHeaders& bad : {AskHeaders{{}, {""}}, AskHeaders{{}, {"remove-one"}}, AskHeaders{{}, {"Remove-All"}}, AskHeaders{{}, {"true"}},
                                  AskHeaders{{}, {"remove-all", "remove-all"}}, AskHeaders{{}, {"remove-all, remove-all"}}}) {
        check_refused(Verb::erase, {{}, {}, bad}, AskFault::header, "X-Conditional-Delete");
    }
    for (const Verb verb : {Verb::insert, Verb::update}) {
        check_refused(verb, {{}, {}, {{}, {"remove-all"}}}, AskFault::header, "X-Conditional-Delete");
    }
}

TEST_CASE("limit on a write needs an order, order a limit or a representation, select a representation") {
    for (const Verb verb : kChanges) {
        check_refused(verb, {{}, "limit=1"}, AskFault::query, "limit");
        check_refused(verb, {{"return=representation"}, "limit=1"}, AskFault::query, "limit");
        check_refused(verb, {{}, "order=id"}, AskFault::query, "order");
        check_refused(verb, {{}, "select=id"}, AskFault::query, "select");
        check_refused(verb, {{"return=minimal"}, "select=*"}, AskFault::query, "select");
        CHECK(asked(verb, {{}, "limit=1&order=id"}).has_value());
        CHECK(asked(verb, {{"return=representation"}, "order=id&select=id"}).has_value());
        CHECK(asked(verb, {{"return=representation"}, "limit=0&order=id&select=*"}).has_value());
    }
    const auto refused = asked(Verb::erase, {{}, "id=eq.1&limit=1"});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().position == kOffset + 14);
}

TEST_CASE("a path's key is the segment as it was sent") {
    const auto target = parse_target("/v1/o/p/ms/db/t/7%2C,%22eu%22/?a=/x", {"/v1"});
    REQUIRE(target);
    REQUIRE(target->segments.size() == 6);
    const auto key = path_key(*target);
    CHECK(key.raw == "7%2C,%22eu%22");
    CHECK(key.position == 16);
}
