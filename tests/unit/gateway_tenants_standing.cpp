#include "gateway/tenants/standing.h"

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <toml++/toml.h>

#include "gateway/grants/standing.h"
#include "gateway/tenants/load.h"
#include "gateway/tenants/registry.h"

namespace tenants = gateway::tenants;
namespace grants = gateway::grants;
using gateway::auth::Subject;
using sql::plan::Standing;
using tenants::Grant;
using tenants::standing_on;
using tenants::Verb;

namespace {

constexpr Verb kVerbs[]{Verb::get, Verb::post, Verb::put, Verb::patch, Verb::erase};
const std::vector<Verb> kEvery(std::begin(kVerbs), std::end(kVerbs));

Subject with_roles(std::vector<std::string> roles) {
    Subject subject;
    subject.user_id = "ann";
    subject.roles = std::move(roles);
    return subject;
}

Grant grant(std::string role, std::vector<std::string> tables, std::vector<Verb> verbs, const Standing& standing) {
    Grant made;
    made.role = std::move(role);
    made.tables = std::move(tables);
    made.verbs = std::move(verbs);
    made.standing = std::make_shared<const Standing>(standing);
    return made;
}

Grant plain(std::string role, std::vector<Verb> verbs) {
    Grant made;
    made.role = std::move(role);
    made.tables = {"*"};
    made.verbs = std::move(verbs);
    return made;
}

tenants::RegisteredDatabase database_of(std::vector<Grant> of_roles) {
    tenants::RegisteredDatabase database;
    database.grants = std::move(of_roles);
    return database;
}

// "5 2 one confirm ok"; a cap that is not there is `-`.
std::string words(const Standing& standing) {
    const auto cap = [](const std::optional<std::uint64_t>& most) { return most ? std::to_string(*most) : "-"; };
    return fmt::format("{} {}{}{}{}", cap(standing.affected_max), cap(standing.cascaded_max), standing.deletes_one ? " one" : "",
                       standing.needs_confirmation ? " confirm" : "", standing.missing_is_ok ? " ok" : "");
}

bool is_as_strict(const Standing& one, const Standing& other) {
    const auto is_below = [](const auto& cap, const auto& most) { return !most || (cap && *cap <= *most); };
    return is_below(one.affected_max, other.affected_max) && is_below(one.cascaded_max, other.cascaded_max) &&
           one.deletes_one >= other.deletes_one && one.needs_confirmation >= other.needs_confirmation;
}

}  // namespace

TEST_CASE("of all that the caller's grants say the strictest stands") {
    const auto database = database_of({grant("a", {"*"}, kEvery, {50, 9, false, true, false}), grant("a", {"users"}, kEvery, {70, 3, true, false, false}),
                                       grant("b", {"users"}, kEvery, {0, {}, false, false, true}), plain("a", kEvery)});
    const auto on = [&](const char* table, std::vector<std::string> roles) {
        return words(standing_on(database, {}, with_roles(std::move(roles)), table, Verb::erase));
    };
    CHECK(on("users", {"a"}) == "50 3 one confirm");
    CHECK(on("users", {"a", "b"}) == "0 3 one confirm ok");
    CHECK(on("users", {"b"}) == "0 - ok");
    CHECK(on("orders", {"a", "b"}) == "50 9 confirm");
    CHECK(on("users", {"c"}) == "- -");
    CHECK(on("users", {}) == "- -");
    CHECK(on("USERS", {"b"}) == "- -");
}

TEST_CASE("a grant without a cap lifts no cap, before it or behind it") {
    const Grant capped = grant("a", {"users"}, {Verb::erase}, {5, {}, false, false, false});
    for (const auto& of_roles : {std::vector{capped, plain("a", kEvery)}, std::vector{plain("a", kEvery), capped}}) {
        CHECK(words(standing_on(database_of(of_roles), {}, with_roles({"a"}), "users", Verb::erase)) == "5 -");
    }
}

TEST_CASE("a grant counts for its verbs alone, and of it only what goes with the verb") {
    const Standing all{7, 2, true, true, true};
    const auto every = database_of({grant("a", {"*"}, kEvery, all)});
    const auto one = database_of({grant("a", {"*"}, {Verb::erase}, all), plain("a", kEvery)});
    const std::string expected[]{"- -", "7 -", "7 2", "7 2", "7 2 one confirm ok"};
    for (std::size_t i = 0; i < std::size(kVerbs); ++i) {
        CAPTURE(grants::name_of(kVerbs[i]));
        CHECK(words(standing_on(every, {}, with_roles({"a"}), "t", kVerbs[i])) == expected[i]);
        CHECK(words(standing_on(one, {}, with_roles({"a"}), "t", kVerbs[i])) == (kVerbs[i] == Verb::erase ? expected[i] : "- -"));
    }
}

TEST_CASE("a key's own grants tighten what its roles' grants say, and lift nothing") {
    const auto database = database_of({grant("a", {"*"}, {Verb::erase}, {50, 5, false, false, false})});
    Subject subject = with_roles({"a"});
    const auto with_key = [&](std::vector<Grant> of_key) {
        subject.key_grants = std::make_shared<const std::vector<Grant>>(std::move(of_key));
        return words(standing_on(database, {}, subject, "users", Verb::erase));
    };
    CHECK(with_key({grant("", {"users"}, {Verb::erase}, {10, 9, true, false, false})}) == "10 5 one");
    CHECK(with_key({grant("", {"users"}, {Verb::erase}, {90, {}, false, true, false}), plain("", kEvery)}) == "50 5 confirm");
    CHECK(with_key({grant("", {"orders"}, {Verb::erase}, {1, 1, true, true, true})}) == "50 5");
    CHECK(with_key({grant("", {"users"}, {Verb::patch}, {1, 1, true, true, true})}) == "50 5");
    CHECK(with_key({}) == "50 5");
}

TEST_CASE("a cap stands on a caller whose claim the grant misses, for else he would leave the claim out") {
    Grant of_team = grant("a", {"*"}, {Verb::erase}, {5, {}, false, false, false});
    auto restriction = std::make_shared<tenants::Restriction>();
    restriction->places.push_back({false, 0, 0, tenants::Variable::claim, "team"});
    restriction->row_filter.push_back({"team", 0, filters::Operator::eq, false, {{"", 0}}});
    of_team.restriction = restriction;
    const auto database = database_of({of_team, plain("a", kEvery)});
    REQUIRE_FALSE(tenants::applies_to(of_team, with_roles({"a"})));
    CHECK(words(standing_on(database, {}, with_roles({"a"}), "users", Verb::erase)) == "5 -");
}

TEST_CASE("the caps of space and database stand for every caller, and the strictest of all three wins") {
    auto database = database_of({grant("a", {"*"}, kEvery, {30, 30, false, false, false})});
    tenants::Caps caps;
    const auto now = [&](const char* role, Verb verb = Verb::erase) { return words(standing_on(database, caps, with_roles({role}), "t", verb)); };
    caps.writes = {20, {}};
    CHECK(now("a") == "20 30");
    CHECK(now("x") == "20 -");
    database.write_caps = {25, 10};
    CHECK(now("a") == "20 10");
    CHECK(now("x", Verb::post) == "20 -");
    CHECK(now("x", Verb::get) == "- -");
    caps.writes = {40, 0};
    CHECK(now("a") == "25 0");
    caps.writes = {0, 50};
    CHECK(now("a", Verb::patch) == "0 10");
}

TEST_CASE("no grant that is added makes anything less strict") {
    const std::vector<Grant> pool{grant("a", {"*"}, kEvery, {9, 9, false, true, false}), plain("a", kEvery),
                                  grant("a", {"t"}, {Verb::erase, Verb::post}, {3, {}, true, false, false}),
                                  grant("b", {"t*"}, {Verb::erase, Verb::put}, {{}, 0, false, false, true}), plain("b", {Verb::erase})};
    const Subject subject = with_roles({"a", "b"});
    const auto subset = [&](unsigned bits) {
        std::vector<Grant> some;
        for (std::size_t i = 0; i < pool.size(); ++i) {
            if ((bits >> i & 1u) != 0) some.push_back(pool[i]);
        }
        return database_of(std::move(some));
    };
    for (unsigned bits = 0; bits < 1u << pool.size(); ++bits) {
        for (unsigned added = 1; added < 1u << pool.size(); added <<= 1u) {
            for (const Verb verb : kVerbs) {
                CAPTURE(bits);
                CAPTURE(added);
                CHECK(is_as_strict(standing_on(subset(bits | added), {}, subject, "t", verb), standing_on(subset(bits), {}, subject, "t", verb)));
            }
        }
    }
}

TEST_CASE("a file says at load whether anything stands in a database, and its caps are read where its other caps are") {
    const std::string head = "name = \"a\"\nid = \"a\"\n[[project]]\nname = \"p\"\nid = \"p\"\n[[project.space]]\nid = \"s\"\naffected_max = 100\n";
    const std::string database = "[[project.space.database]]\ntype = \"sl\"\nname = \"d\"\npath = \"x\"\ncascaded_max = 4\n";
    const std::string whole = "[[project.space.database.grant]]\nrole = \"a\"\ntables = [\"*\"]\nverbs = [\"DELETE\"]\n";
    const gateway::config::Config config;
    const auto load = [&](const std::string& of_database, const std::string& of_grants) {
        auto loaded = tenants::load_org("a.toml", head + of_database + of_grants, config);
        REQUIRE_MESSAGE(loaded.messages.empty(), loaded.messages.front());
        return loaded.org;
    };
    const auto nothing = load(database, whole + "confirm = false\n" + whole);
    const tenants::Space& space = nothing->projects.front().spaces.front();
    CHECK(space.databases.front().nothing_stands);
    CHECK(words(standing_on(space.databases.front(), space.caps, with_roles({"a"}), "t", Verb::erase)) == "100 4");
    const auto some = load(database, whole + whole + "affected_max = 3\nconditional_delete = \"one\"\nconfirm = true\nmissing = \"ok\"\n");
    const tenants::Space& other = some->projects.front().spaces.front();
    CHECK_FALSE(other.databases.front().nothing_stands);
    CHECK(other.databases.front().grants.back().restriction == nullptr);
    CHECK(words(standing_on(other.databases.front(), other.caps, with_roles({"a"}), "t", Verb::erase)) == "3 4 one confirm ok");
    // Another cap is no other database: its connections stay.
    CHECK(other.databases.front().settings == space.databases.front().settings);
    CHECK(load("[[project.space.database]]\ntype = \"sl\"\nname = \"d\"\npath = \"x\"\naffected_max = 1\n", "")
              ->projects.front().spaces.front().databases.front().settings == space.databases.front().settings);
}
