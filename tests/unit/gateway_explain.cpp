#include "gateway/explain.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>

#include "gateway/outline.h"
#include "tests/unit/scratch_folder.h"

namespace fs = std::filesystem;
using gateway::Outline;

namespace {

// A tenant whose database is not there: only the grants can speak.
class World : public ScratchFolder {
public:
    // `more` stands behind the database's first lines.
    explicit World(const std::string& more = {}) {
        std::ofstream(path() / "acme.toml") << R"(name = "acme"
id = "o"
[[project]]
name = "shop"
id = "p"
[[project.space]]
id = "s"
[[project.space.database]]
type = "sl"
name = "db"
path = "missing.sqlite"
)" << more << R"([[project.space.database.grant]]
role = "author"
tables = ["users"]
verbs = ["GET", "DELETE"]
row_filter = "owner=eq.$user_id&team=eq.$claim.team"
)";
        snapshot_.config.folder = path().string();
        snapshot_.config.tenants_folder = path().string();
        auto registry = gateway::tenants::Registry::load(snapshot_.config);
        REQUIRE(registry);
        snapshot_.registry = std::move(*registry);
        subject_ = {"o", "p", "s", "ann", {"author"}, {{"team", "red"}}, {}, nullptr};
    }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    [[nodiscard]] gateway::Explanation ask(const std::string& method, const std::string& target) const {
        gateway::http::Request request;
        request.method = method;
        request.target = target;
        request.received = std::chrono::steady_clock::now();
        return gateway::explain(request, snapshot_, subject_);
    }
    gateway::auth::Subject& subject() { return subject_; }

private:
    gateway::Snapshot snapshot_;
    gateway::auth::Subject subject_;
};

bool says(const gateway::Explanation& explanation, const std::string& words) {
    INFO(explanation.steps.text());
    return explanation.steps.text().find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("an outline is the same in text and JSON, in the order in which it was made") {
    Outline inner;
    inner.add("a", "x\"y");
    inner.add("b", Outline::Texts{"1", "2"});
    Outline outline;
    outline.add("first", "text");
    outline.add_flag("flag", true);
    outline.add_number("number", 7);
    outline.add("list", std::vector{inner, inner});
    outline.add("one", inner);
    outline.add("none", Outline::Texts{});
    outline.add_some("left out", "");
    CHECK(outline.json() == R"({"first":"text","flag":true,"number":7,"list":[{"a":"x\"y","b":["1","2"]},{"a":"x\"y","b":["1","2"]}],)"
                            R"("one":{"a":"x\"y","b":["1","2"]},"none":[]})");
    CHECK(outline.text() ==
          "first: text\nflag: yes\nnumber: 7\nlist:\n  - a: x\"y\n    b: 1, 2\n  - a: x\"y\n    b: 1, 2\none:\n  a: x\"y\n  b: 1, 2\nnone: none\n");
}

TEST_CASE("nothing in an outline moves the cursor of a terminal") {
    Outline outline;
    outline.add("claims", Outline::Texts{"a=\x1b[2Jb", "c=\n"});
    CHECK(outline.text() == "claims: \"a=\\u001b[2Jb\", \"c=\\n\"\n");
}

TEST_CASE("without its database a request is explained up to the grants") {
    World world;
    const auto allowed = world.ask("DELETE", "/v1/acme/shop/sl/db/users?id=eq.1");
    CHECK(allowed.is_allowed);
    CHECK(says(allowed, "up to the grants"));
    CHECK(says(allowed, "row_filter: owner=eq.ann&team=eq.red\n"));
    CHECK_FALSE(says(allowed, "sql:"));
    const auto refused = world.ask("POST", "/v1/acme/shop/sl/db/users");
    CHECK_FALSE(refused.is_allowed);
    CHECK(says(refused, "it names the table, but not POST"));
}

TEST_CASE("what stands is told with each grant, and what it comes to with all of them, the database and the space") {
    World world(R"(cascaded_max = 9
[[project.space.database.grant]]
role = "author"
tables = ["orders"]
verbs = ["GET", "POST", "DELETE"]
affected_max = 20
confirm = true
[[project.space.database.grant]]
role = "author"
tables = ["*"]
verbs = ["DELETE"]
affected_max = 30
cascaded_max = 12
conditional_delete = "one"
missing = "ok"
)");
    const auto deleted = world.ask("DELETE", "/v1/acme/shop/sl/db/orders?id=eq.1");
    CHECK(says(deleted, "    verbs: GET, POST, DELETE\n    affected_max: 20\n    confirm: yes\n"));
    CHECK(says(deleted, "    verbs: DELETE\n    affected_max: 30\n    cascaded_max: 12\n    conditional_delete: one\n    missing: ok\n"));
    CHECK(says(deleted, "\nstanding:\n  affected_max: 20\n  cascaded_max: 9\n  conditional_delete: one\n  confirm: yes\n  missing: ok\n"));
    CHECK(deleted.steps.json().find(R"("standing":{"affected_max":20,"cascaded_max":9,"conditional_delete":"one","confirm":true,"missing":"ok"})") !=
          std::string::npos);
    CHECK(says(world.ask("POST", "/v1/acme/shop/sl/db/orders"), "\nstanding:\n  affected_max: 20\n"));
    CHECK_FALSE(says(world.ask("POST", "/v1/acme/shop/sl/db/orders"), "  cascaded_max: 9"));
    CHECK_FALSE(says(world.ask("GET", "/v1/acme/shop/sl/db/orders"), "standing:"));
    CHECK_FALSE(says(world.ask("PATCH", "/v1/acme/shop/sl/db/orders?id=eq.1"), "standing:"));
    const auto of_key = std::make_shared<std::vector<gateway::grants::Grant>>(1);
    of_key->front().tables = {"orders"};
    of_key->front().verbs = {gateway::grants::Verb::erase};
    of_key->front().standing = std::make_shared<const gateway::grants::Standing>(gateway::grants::Standing{2, {}, false, false, false});
    world.subject().key_grants = of_key;
    CHECK(says(world.ask("DELETE", "/v1/acme/shop/sl/db/orders?id=eq.1"), "\nstanding:\n  affected_max: 2\n  cascaded_max: 9\n"));
}

TEST_CASE("a grant that does not speak for a caller says why") {
    World world;
    const auto other = world.ask("GET", "/v1/acme/shop/sl/db/orders");
    CHECK_FALSE(other.is_allowed);
    CHECK(says(other, "it does not name the table 'orders'"));
    world.subject().claims.clear();
    const auto lacking = world.ask("GET", "/v1/acme/shop/sl/db/users");
    CHECK_FALSE(lacking.is_allowed);
    CHECK(says(lacking, "the caller has no value for $claim.team"));
    world.subject().roles = {"reader"};
    const auto stranger = world.ask("GET", "/v1/acme/shop/sl/db/users");
    CHECK_FALSE(stranger.is_allowed);
    CHECK(says(stranger, "the caller does not have the role 'author'"));
}

TEST_CASE("what is refused before any database is refused in an explanation too") {
    World world;
    CHECK(says(world.ask("GET", "/elsewhere"), "code: path_unknown"));
    CHECK(says(world.ask("GET", "/v1/acme/shop/sl/other/users"), "code: database_unknown"));
    world.subject().org_id = "x";
    const auto foreign = world.ask("GET", "/v1/acme/shop/sl/db/users");
    CHECK_FALSE(foreign.is_allowed);
    CHECK(says(foreign, "code: tenant_mismatch"));
}
