#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <toml++/toml.h>

#include "gateway/tenants/load.h"

namespace tenants = gateway::tenants;
using gateway::config::Config;
using Problems = std::vector<std::string>;

namespace {

struct Loaded {
    tenants::Caps caps;
    Problems problems;
};

// The keys of a space, from line 1 on.
Loaded load(std::string_view text, const Config& config = {}) {
    Loaded loaded;
    gateway::config::Complaints complaints{"a.toml", loaded.problems};
    const toml::table table = toml::parse(text);
    gateway::config::Section section(table, "[[project.space]]", complaints);
    loaded.caps = tenants::load_caps(section, config);
    (void)tenants::load_statement_timeout(section, config);
    section.refuse_the_rest();
    return loaded;
}

// An org with one space and one database; the space's lines begin at line 8, the database's follow `type`, `name` and `path`.
tenants::LoadedOrg load_org(const std::string& space, const std::string& database, const Config& config = {}) {
    return tenants::load_org("a.toml",
                             "name = \"a\"\nid = \"a\"\n[[project]]\nname = \"p\"\nid = \"p\"\n[[project.space]]\nid = \"s\"\n" + space +
                                 "[[project.space.database]]\ntype = \"sl\"\nname = \"d\"\npath = \"x\"\n" + database,
                             config);
}

// What the connections of that database depend on: connections, wait, queue, connect, statement, …
std::string settings_of(const std::string& space, const std::string& database, const Config& config = {}) {
    const tenants::LoadedOrg loaded = load_org(space, database, config);
    REQUIRE(loaded.messages == Problems{});
    return loaded.org->projects.front().spaces.front().databases.front().settings;
}

}  // namespace

TEST_CASE("a space without caps of its own has the gateway's") {
    Config config;
    config.limits.rows_max = 77;
    config.server.body_bytes_max = 88;
    const Loaded none = load("", config);
    CHECK(none.problems == Problems{});
    CHECK(none.caps.limits.rows_max == 77);
    CHECK(none.caps.body_bytes_max == 88);
    CHECK(none.caps.answer_bytes_max == tenants::kNoBytesMax);
    config.tenant_answer_bytes_max = 99;
    CHECK(load("", config).caps.answer_bytes_max == 99);
    CHECK(load("answer_bytes_max = 0", config).caps.answer_bytes_max == tenants::kNoBytesMax);
    CHECK(load("answer_bytes_max = 1000", config).caps.answer_bytes_max == 1000);
}

TEST_CASE("a space's caps may be as high as the gateway's and not higher") {
    Config config;
    config.limits.rows_max = 77;
    config.server.body_bytes_max = 88;
    config.request_timeout = std::chrono::milliseconds(99);
    const Loaded most = load("rows_max = 77\nbody_bytes_max = 88\nstatement_timeout_ms = 99", config);
    CHECK(most.problems == Problems{});
    CHECK(most.caps.limits.rows_max == 77);
    CHECK(most.caps.body_bytes_max == 88);
    CHECK(load("rows_max = 1\nbody_bytes_max = 1\nanswer_bytes_max = 1\nstatement_timeout_ms = 1", config).problems == Problems{});
    const std::string label = " [[project.space]] ";
    CHECK(load("rows_max = 78\nbody_bytes_max = 89\nstatement_timeout_ms = 100", config).problems ==
          Problems{"a.toml:1:" + label + "rows_max: 78 is outside 1 to 77", "a.toml:2:" + label + "body_bytes_max: 89 is outside 1 to 88",
                   "a.toml:3:" + label + "statement_timeout_ms: 100 is outside 1 to 99"});
    CHECK(load("rows_max = 0\nbody_bytes_max = 0\nanswer_bytes_max = -1\nstatement_timeout_ms = 0", config).problems.size() == 4);
    CHECK(load("rows_max = \"7\"\nbody_bytes_max = 1.5\nanswer_bytes_max = true\nstatement_timeout_ms = []", config).problems.size() == 4);
    CHECK(load("rowsmax = 7").problems == Problems{"a.toml:1:" + label + "rowsmax: unknown key; did you mean rows_max?"});
}

TEST_CASE("a space and a database may cap what a write affects, down to nothing; there is no cap by default") {
    CHECK_FALSE(load("").caps.writes.affected_max);
    CHECK_FALSE(load("").caps.writes.cascaded_max);
    const Loaded capped = load("affected_max = 0\ncascaded_max = 1000000000000");
    CHECK(capped.problems == Problems{});
    CHECK(capped.caps.writes.affected_max == 0);
    CHECK(capped.caps.writes.cascaded_max == 1'000'000'000'000);
    const tenants::LoadedOrg loaded = load_org("affected_max = 5\n", "affected_max = 7\ncascaded_max = 0\n");
    REQUIRE(loaded.messages == Problems{});
    const tenants::Space& space = loaded.org->projects.front().spaces.front();
    CHECK(space.caps.writes.affected_max == 5);
    CHECK(space.databases.front().write_caps.affected_max == 7);
    CHECK(space.databases.front().write_caps.cascaded_max == 0);
    CHECK(load_org("affected_max = -1\ncascaded_max = 1.5\n", "affected_max = \"5\"\ncascaded_max = 1000000000001\nmax_affected = 5\n").messages ==
          Problems{"a.toml:8: [[project.space]] affected_max: -1 is outside 0 to 1000000000000", "a.toml:9: [[project.space]] cascaded_max: must be an integer",
                   "a.toml:14: [[project.space.database]] affected_max: must be an integer",
                   "a.toml:15: [[project.space.database]] cascaded_max: 1000000000001 is outside 0 to 1000000000000",
                   "a.toml:16: [[project.space.database]] max_affected: unknown key"});
}

TEST_CASE("a database has its own wait, queue and statement time, else those of the settings") {
    Config config;
    config.pool_wait_max = std::chrono::milliseconds(1);
    config.pool_queue_max = 2;
    config.statement_timeout = std::chrono::milliseconds(3);
    config.connect_timeout = std::chrono::milliseconds(4);
    CHECK(settings_of("", "", config).starts_with("16 1 2 4 3 "));
    CHECK(settings_of("", "pool_wait_max_ms = 0\npool_queue_max = 20\nstatement_timeout_ms = 30\n", config).starts_with("16 0 20 4 30 "));
    CHECK(load_org("", "pool_wait_max_ms = -1\npool_queue_max = -1\nstatement_timeout_ms = 30001\n").messages ==
          Problems{"a.toml:12: [[project.space.database]] pool_wait_max_ms: -1 is outside 0 to 3600000",
                   "a.toml:13: [[project.space.database]] pool_queue_max: -1 is outside 0 to 1000000",
                   "a.toml:14: [[project.space.database]] statement_timeout_ms: 30001 is outside 1 to 30000"});
}

TEST_CASE("a space's statement time shortens its databases' and may not be more than any of theirs") {
    Config config;
    config.statement_timeout = std::chrono::milliseconds(300);
    CHECK(settings_of("statement_timeout_ms = 200\n", "", config).starts_with("16 2000 0 2000 200 "));
    CHECK(settings_of("statement_timeout_ms = 300\n", "", config).starts_with("16 2000 0 2000 300 "));
    CHECK(settings_of("statement_timeout_ms = 400\n", "statement_timeout_ms = 500\n", config).starts_with("16 2000 0 2000 400 "));
    CHECK(load_org("statement_timeout_ms = 301\n", "", config).messages ==
          Problems{"a.toml:9: [[project.space.database]] statement_timeout_ms: is 300, and its space's, 301, may not be more"});
    CHECK(load_org("statement_timeout_ms = 200\n", "statement_timeout_ms = 199\n", config).messages ==
          Problems{"a.toml:13: [[project.space.database]] statement_timeout_ms: is 199, and its space's, 200, may not be more"});
}
