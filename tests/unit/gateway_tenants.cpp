#include "gateway/tenants/registry.h"
#include "tests/unit/scratch_folder.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>
#include <fmt/format.h>

namespace tenants = gateway::tenants;
namespace config = gateway::config;
namespace fs = std::filesystem;
using gateway::auth::Subject;
using tenants::Access;
using tenants::Registry;
using tenants::Verb;

namespace {

class Folder : public ScratchFolder {
public:
    void write(const std::string& name, const std::string& text) const { std::ofstream(path() / name, std::ios::binary) << text; }
    [[nodiscard]] tl::expected<Registry, tenants::RegistryError> load() const {
        config::Config config;
        config.folder = path().string();
        config.tenants_folder = path().string();
        return Registry::load(config);
    }
    // The messages without the folder, one a line.
    [[nodiscard]] std::string problems() const {
        const auto registry = load();
        std::string all;
        if (!registry) {
            for (std::string message : registry.error().messages) {
                for (std::size_t at; (at = message.find(path().string() + "/")) != std::string::npos;) {
                    message.erase(at, path().string().size() + 1);
                }
                all += (all.empty() ? "" : "\n") + message;
            }
        }
        return all;
    }
};

const std::string kOrg = "name = \"acme\"\nid = \"o\"\n";                   // lines 1, 2
const std::string kProject = "[[project]]\nname = \"demo\"\nid = \"p\"\n";  // lines 3 to 5
const std::string kSpace = "[[project.space]]\nid = \"s\"\n";               // lines 6, 7
const std::string kDatabase = "[[project.space.database]]\n";               // line 8
const std::string kGrant = "[[project.space.database.grant]]\n";

std::string problems_of(const std::string& toml) {
    const Folder folder;
    folder.write("acme.toml", toml);
    return folder.problems();
}

// The problems of a database with these lines, which begin at line 9.
std::string database_problems(const std::string& lines) {
    return problems_of(kOrg + kProject + kSpace + kDatabase + lines);
}

// The problems of a grant with these lines, which begin at line 13.
std::string grant_problems(const std::string& lines) {
    return database_problems("type = \"sl\"\nname = \"db\"\npath = \"x\"\n" + kGrant + lines);
}

Subject subject(std::string org, std::string project, std::string space, std::vector<std::string> roles = {}) {
    Subject made;
    made.org_id = std::move(org);
    made.project_id = std::move(project);
    made.space_id = std::move(space);
    made.user_id = "user";
    made.roles = std::move(roles);
    return made;
}

tenants::RegisteredDatabase granted(std::vector<tenants::Grant> grants) {
    tenants::RegisteredDatabase database;
    database.grants = std::move(grants);
    return database;
}

}  // namespace

TEST_CASE("a space is found when both names and all three ids agree, and not otherwise") {
    const Folder folder;
    const std::string tail = kSpace + kDatabase + "type = \"sl\"\nname = \"db\"\npath = \"x\"\nrequired = true\n";
    folder.write("acme.toml", kOrg + kProject + tail + "[[project]]\nname = \"other\"\nid = \"p2\"\n" + kSpace);
    folder.write("b.toml", "name = \"b\"\nid = \"o2\"\n" + kProject + tail);
    auto loaded = folder.load();
    REQUIRE(loaded);
    const Registry registry = std::move(*loaded);
    CHECK(registry.orgs().size() == 2);
    REQUIRE(registry.databases().size() == 2);
    CHECK(registry.databases().front()->is_required);

    const tenants::Space* space = registry.find("acme", "demo", subject("o", "p", "s"));
    REQUIRE(space != nullptr);
    CHECK(space == &registry.orgs().front()->projects.front().spaces.front());
    const tenants::RegisteredDatabase* database = space->find("sl", "db");
    REQUIRE(database != nullptr);
    CHECK(database->database != nullptr);
    CHECK(space->find("ms", "db") == nullptr);
    CHECK(space->find("sl", "DB") == nullptr);
    CHECK(registry.find("b", "demo", subject("o2", "p", "s")) != space);

    CHECK(registry.find("b", "demo", subject("o", "p", "s")) == nullptr);
    CHECK(registry.find("acme", "demo", subject("o2", "p", "s")) == nullptr);
    CHECK(registry.find("acme", "other", subject("o", "p", "s")) == nullptr);
    CHECK(registry.find("acme", "demo", subject("o", "p2", "s")) == nullptr);
    CHECK(registry.find("acme", "demo", subject("o", "p", "S")) == nullptr);
    CHECK(registry.find("acme", "demo", subject("o", "p", "")) == nullptr);
    CHECK(registry.find("", "", subject("", "", "")) == nullptr);
    // The five texts must not run into one another.
    CHECK(registry.find("acm", "edemo", subject("o", "p", "s")) == nullptr);
    CHECK(registry.find("acme", "demo", subject("o1:p", "", "s")) == nullptr);
}

TEST_CASE("a moved or copied registry still finds, and an empty one finds nothing") {
    const Folder folder;
    folder.write("acme.toml", kOrg + kProject + kSpace);
    auto first = std::make_unique<Registry>(folder.load().value());
    const Registry copy = *first;
    const Registry moved = std::move(*first);
    first.reset();
    CHECK(moved.find("acme", "demo", subject("o", "p", "s")) != nullptr);
    CHECK(copy.find("acme", "demo", subject("o", "p", "s"))->id == "s");
    const Registry empty;
    CHECK(empty.find("acme", "demo", subject("o", "p", "s")) == nullptr);
    CHECK(empty.orgs().empty());
}

TEST_CASE("unknown keys and wrong types are refused with file and line, all of them") {
    CHECK(problems_of("nmae = \"a\"\nname = 1\n") ==
          "acme.toml:2: name: must be a string\nacme.toml:1: id: is missing\nacme.toml:1: nmae: unknown key; did you mean name?");
    CHECK(problems_of(kOrg + "project = 1") == "acme.toml:3: project: must be an array of tables, [[…project]]");
    CHECK(problems_of(kOrg + "[project]\nname = \"x\"") == "acme.toml:3: project: must be an array of tables, [[…project]]");
    CHECK(problems_of(kOrg + kProject + "nam = 1\n") == "acme.toml:6: [[project]] nam: unknown key; did you mean name?");
    CHECK(problems_of(kOrg + kProject + kSpace + "name = \"x\"\n") == "acme.toml:8: [[project.space]] name: unknown key");
    CHECK(problems_of(kOrg + "x").starts_with("acme.toml:3: "));
    CHECK(problems_of(kOrg + "# \xFF").starts_with("acme.toml:3: "));
}

TEST_CASE("names and ids are not empty, not over 256 bytes, hold no slash, control character or outer blank") {
    const auto name = [](const std::string& text) { return problems_of("name = " + text + "\nid = \"o\"\n"); };
    CHECK(name("\"\"") == "acme.toml:1: name: must not be empty");
    CHECK(name("\"a/b\"") == "acme.toml:1: name: must not hold a /");
    CHECK(name("\"..\"") == "acme.toml:1: name: must not be ..");
    CHECK(name("\" a\"") == "acme.toml:1: name: must not begin or end with a blank");
    CHECK(name("\"a\\u0000b\"") == "acme.toml:1: name: must be UTF-8 without control characters");
    CHECK(name("\"a\\nb\"") == "acme.toml:1: name: must be UTF-8 without control characters");
    CHECK(name("\"" + std::string(257, 'a') + "\"") == "acme.toml:1: name: is longer than 256 bytes");
    CHECK(name("\"" + std::string(256, 'a') + "\"").empty());
    CHECK(name("\"\u00E9t\u00E9\"").empty());
    CHECK(problems_of("name = \"a\"\nid = \"\"") == "acme.toml:2: id: must not be empty");
    CHECK(problems_of("name = \"a\"\nid = \"o/1\"").empty());
}

TEST_CASE("two orgs must not share name or id, nor a project, space or database its own with a sibling") {
    const Folder folder;
    folder.write("a.toml", kOrg);
    folder.write("b.toml", kOrg);
    CHECK(folder.problems() == "b.toml:1: name: \"acme\" is taken by a.toml\nb.toml:2: id: \"o\" is taken by a.toml");
    CHECK(problems_of(kOrg + kProject + kProject) ==
          "acme.toml:7: [[project]] name: \"demo\" stands twice in this organization\n"
          "acme.toml:8: [[project]] id: \"p\" stands twice in this organization");
    CHECK(problems_of(kOrg + kProject + kSpace + kSpace) ==
          "acme.toml:9: [[project.space]] id: \"s\" stands twice in this project");
    const std::string database = kDatabase + "type = \"sl\"\nname = \"db\"\npath = \"x\"\n";
    CHECK(problems_of(kOrg + kProject + kSpace + database + database) ==
          "acme.toml:12: [[project.space.database]] name: \"db\" of type sl stands twice in this space");
}

TEST_CASE("a database is of a known type, and takes the keys of its type only") {
    const std::string sl = "type = \"sl\"\nname = \"db\"\n";
    const std::string ms = "type = \"ms\"\nname = \"db\"\nuser = \"u\"\n";
    const std::string label = " [[project.space.database]] ";
    CHECK(database_problems("type = \"pg\"\nname = \"db\"\nurl = 1\n") ==
          "acme.toml:9:" + label + "type: pg is not delivered yet; there are ms and sl");
    CHECK(database_problems("type = \"xx\"\nname = \"db\"\n") == "acme.toml:9:" + label + "type: \"xx\" is neither ms nor sl");
    CHECK(database_problems(sl) == "acme.toml:8:" + label + "path: is missing");
    CHECK(database_problems(sl + "path = \"\"") == "acme.toml:11:" + label + "path: must not be empty");
    CHECK(database_problems(sl + "path = \":memory:\"") == "acme.toml:11:" + label + "path: must be the path of a file");
    CHECK(database_problems(sl + "path = \"file:x\"") == "acme.toml:11:" + label + "path: must be the path of a file");
    CHECK(database_problems(sl + "path = \"x\"\nhost = \"h\"") == "acme.toml:12:" + label + "host: is for type ms only");
    CHECK(database_problems(sl + "path = \"x\"\nrequired = 1") == "acme.toml:12:" + label + "required: must be true or false");
    CHECK(database_problems(sl + "path = \"x\"\nconnections_max = 0") ==
          "acme.toml:12:" + label + "connections_max: 0 is outside 1 to 10000");
    CHECK(database_problems(sl + "path = \"x\"\npath2 = 0") ==
          "acme.toml:12:" + label + "path2: unknown key; did you mean path?");
    CHECK(database_problems(ms) == "acme.toml:8: [[project.space.database]]: socket or host is missing");
    CHECK(database_problems("type = \"ms\"\nname = \"db\"\nhost = \"h\"") == "acme.toml:8:" + label + "user: is missing");
    CHECK(database_problems(ms + "socket = \"s\"\nhost = \"h\"") ==
          "acme.toml:12:" + label + "socket: stands beside host or port; keep one of them");
    CHECK(database_problems(ms + "socket = \"s\"\nport = 1") ==
          "acme.toml:12:" + label + "socket: stands beside host or port; keep one of them");
    CHECK(database_problems(ms + "host = \"\"") == "acme.toml:12:" + label + "host: must not be empty");
    CHECK(database_problems(ms + "host = \"h\"\nport = 0") == "acme.toml:13:" + label + "port: 0 is outside 1 to 65535");
    CHECK(database_problems(ms + "host = \"h\"\npath = \"x\"") == "acme.toml:13:" + label + "path: is for type sl only");
    CHECK(database_problems(ms + "socket = \"s\"\ntls_ca = \"/dev/null\"") ==
          "acme.toml:13:" + label + "tls_ca: is for host, not for socket");
    CHECK(database_problems(ms + "host = \"h\"\ntls_ca = \"none.pem\"") ==
          "acme.toml:13:" + label + "tls_ca: none.pem cannot be read: No such file or directory");
}

TEST_CASE("a password comes from the environment or a file, never from the text, and is in no message") {
    const std::string ms = "type = \"ms\"\nname = \"db\"\nuser = \"u\"\nhost = \"h\"\n";
    const std::string label = "acme.toml:13: [[project.space.database]] ";
    CHECK(
        database_problems(ms + "password = \"hunter2\"") ==
        label +
            "password: a password does not stand here; name an environment variable in password_env or a file in password_file");
    unsetenv("ROWTEST_PASSWORD");
    CHECK(database_problems(ms + "password_env = \"ROWTEST_PASSWORD\"") ==
          label + "password_env: the environment variable \"ROWTEST_PASSWORD\" is not set, or empty");
    CHECK(database_problems(ms + "password_env = \"\"") ==
          label + "password_env: the environment variable \"\" is not set, or empty");
    setenv("ROWTEST_PASSWORD", "hunter2", 1);
    CHECK(database_problems(ms + "password_env = \"ROWTEST_PASSWORD\"").empty());
    unsetenv("ROWTEST_PASSWORD");
    CHECK(database_problems(ms + "password_file = \"none\"") ==
          label + "password_file: none cannot be read: No such file or directory");

    const Folder folder;
    folder.write("acme.toml", kOrg + kProject + kSpace + kDatabase + ms + "password_file = \"secret\"");
    folder.write("secret", "hunter2\n");
    CHECK(folder.problems().empty());
    for (const std::string& text :
         {std::string(""), std::string("\n"), std::string("a\nhunter2\n"), std::string("hunter2\0", 8)}) {
        folder.write("secret", text);
        CHECK(folder.problems() == label + "password_file: secret must hold one line, the password");
    }
}

TEST_CASE("a grant names a role, tables and verbs, and a key that has another name is refused with it") {
    const std::string good = "role = \"r\"\ntables = [\"*\"]\nverbs = [\"GET\"]\n";
    const std::string label = "[[project.space.database.grant]] ";
    CHECK(grant_problems(good).empty());
    CHECK(grant_problems("tables = [\"*\"]\nverbs = [\"GET\"]\n") == "acme.toml:12: " + label + "role: is missing");
    CHECK(grant_problems("role = \"r\"\nverbs = [\"GET\"]\n") == "acme.toml:12: " + label + "tables: is missing");
    CHECK(grant_problems("role = \"r\"\ntables = [\"*\"]\n") == "acme.toml:12: " + label + "verbs: is missing");
    CHECK(grant_problems("role = \"*\"\ntables = [\"*\"]\nverbs = [\"GET\"]\n") ==
          "acme.toml:13: " + label + "role: must be one role's exact name, without , and *");
    CHECK(grant_problems("role = \"a,b\"\ntables = [\"*\"]\nverbs = [\"GET\"]\n") ==
          "acme.toml:13: " + label + "role: must be one role's exact name, without , and *");
    CHECK(grant_problems("role = \"r\"\ntables = []\nverbs = [\"GET\"]\n") ==
          "acme.toml:14: " + label + "tables: must not be empty");
    CHECK(grant_problems("role = \"r\"\ntables = [\"\"]\nverbs = [\"GET\"]\n") ==
          "acme.toml:14: " + label + "tables: an item must not be empty");
    CHECK(grant_problems("role = \"r\"\ntables = \"*\"\nverbs = [\"GET\"]\n") ==
          "acme.toml:14: " + label + "tables: must be an array of strings");
    for (const char* verb : {"get", "HEAD", "*", "DELETE "}) {
        CAPTURE(verb);
        CHECK(grant_problems("role = \"r\"\ntables = [\"*\"]\nverbs = [\"" + std::string(verb) + "\"]\n")
                  .starts_with("acme.toml:15: " + label));
    }
    CHECK(grant_problems(good + "max_affected = 5\n") == "acme.toml:16: " + label + "max_affected: is called affected_max");
    CHECK(grant_problems(good + "caps = 5\n") == "acme.toml:16: " + label + "caps: are affected_max and cascaded_max");
    CHECK(grant_problems(good + "filters = \"x\"\n") == "acme.toml:16: " + label + "filters: unknown key");
}

TEST_CASE("a grant's columns, row filter and forced values are checked when they are read") {
    const std::string good = "role = \"r\"\ntables = [\"*\"]\nverbs = [\"GET\"]\n";
    const std::string label = "acme.toml:16: [[project.space.database.grant]] ";
    const auto wrong = [&](const std::string& line) { return grant_problems(good + line + "\n"); };
    CHECK(wrong("read = [\"id\"]\nwrite = [\"id\"]\nfilter = [\"id\"]").empty());
    CHECK(wrong("read = []") == label + "read: must not be empty");
    CHECK(wrong("read = [\"*\"]") == label + "read: names columns, not patterns; without the key it is all of them");
    CHECK(wrong("write = [\"a\", \"a\"]") == label + "write: \"a\" stands twice");
    CHECK(wrong("row_filter = \"owner=eq.$user_id&team=in.$claim.team,x&a=eq.$$user_id\"").empty());
    CHECK(wrong("row_filter = \"\"") == label + "row_filter: has no condition; leave the key out");
    CHECK(wrong("row_filter = \"owner=eq.1&limit=3\"") == label + "row_filter: takes conditions only, as column=operator.value");
    CHECK(wrong("row_filter = \"or=(a.eq.1)\"") == label + "row_filter: takes conditions only, as column=operator.value");
    CHECK(wrong("row_filter = \"owner\"").starts_with(label + "row_filter: at "));
    for (const char* value : {"$user", "$", "a$b", "$user_id2", "$claim.", "$$$", "x$user_id"}) {
        CAPTURE(value);
        CHECK(wrong("row_filter = \"owner=eq." + std::string(value) + "\"").starts_with(label + "row_filter: \""));
        CHECK(wrong("values = { owner = \"" + std::string(value) + "\" }").starts_with(label + "values: \""));
    }
    CHECK(wrong("values = { owner = \"$user_id\", n = 5, b = true }").empty());
    CHECK(wrong("values = {}") == label + "values: is empty; leave the key out");
    CHECK(wrong("values = { n = 1.5 }") == label + "values: n: must be a string, an integer, true or false");
    CHECK(wrong("values = \"x\"") == label + "values: must be a table, values = { … }");
}

TEST_CASE("what stands in a grant is a whole number, true or false, or the one word that there is") {
    const std::string good = "role = \"r\"\ntables = [\"*\"]\nverbs = [\"GET\", \"DELETE\"]\n";
    const std::string label = "acme.toml:16: [[project.space.database.grant]] ";
    const auto wrong = [&](const std::string& line) { return grant_problems(good + line + "\n"); };
    CHECK(wrong("affected_max = 0\ncascaded_max = 0\nconditional_delete = \"one\"\nconfirm = true\nmissing = \"ok\"").empty());
    CHECK(wrong("confirm = false").empty());
    for (const std::string key : {"affected_max", "cascaded_max"}) {
        CAPTURE(key);
        CHECK(wrong(key + " = 1000000000000").empty());
        CHECK(wrong(key + " = 1000000000001") == label + key + ": 1000000000001 is outside 0 to 1000000000000");
        CHECK(wrong(key + " = -1") == label + key + ": -1 is outside 0 to 1000000000000");
        for (const std::string value : {"1.5", "5.0", "\"5\"", "true", "[5]", "{}", "inf", "nan", "2026-01-01"}) {
            CAPTURE(value);
            CHECK(wrong(key + " = " + value) == label + key + ": must be an integer");
        }
        // No TOML at all: the file is refused by its line.
        for (const std::string value : {"", "05", "99999999999999999999", "5 rows"}) {
            CAPTURE(value);
            CHECK(wrong(key + " = " + value).starts_with("acme.toml:1"));
        }
        CHECK(wrong(key + " = 1\n" + key + " = 2").starts_with("acme.toml:17: "));
    }
    const auto unknown = [&](const char* key, const char* value, const char* word) {
        return wrong(fmt::format("{} = \"{}\"", key, value)) == fmt::format("{}{}: \"{}\" is not known; write \"{}\", or leave the key out", label, key, value, word);
    };
    for (const char* value : {"ONE", "one ", "many", "none", "1", ""}) CHECK_MESSAGE(unknown("conditional_delete", value, "one"), value);
    for (const char* value : {"OK", " ok", "error", "404", "yes", ""}) CHECK_MESSAGE(unknown("missing", value, "ok"), value);
    for (const char* value : {"1", "true", "[\"one\"]"}) {
        CHECK(wrong(fmt::format("conditional_delete = {}", value)) == label + "conditional_delete: must be a string");
        CHECK(wrong(fmt::format("missing = {}", value)) == label + "missing: must be a string");
    }
    for (const char* value : {"1", "0", "\"true\"", "\"\"", "1.0"}) {
        CHECK(wrong(fmt::format("confirm = {}", value)) == label + "confirm: must be true or false");
    }
    CHECK(wrong("affected = 5") == label + "affected: unknown key");
    CHECK(wrong("affectedmax = 5") == label + "affectedmax: unknown key; did you mean affected_max?");
    CHECK(wrong("cascade_max = 5") == label + "cascade_max: unknown key; did you mean cascaded_max?");
}

TEST_CASE("what stands in a grant goes with one of its verbs, or the file is refused") {
    const auto wrong = [](const std::string& verbs, const std::string& line) {
        return grant_problems("role = \"r\"\ntables = [\"*\"]\nverbs = [" + verbs + "]\n" + line + "\n");
    };
    const auto without = [](const std::string& key, const std::string& verbs) {
        return "acme.toml:16: [[project.space.database.grant]] " + key + ": stands without its verb; add " + verbs + " to verbs, or leave the key out";
    };
    CHECK(wrong("\"GET\"", "affected_max = 5") == without("affected_max", "POST, PUT, PATCH or DELETE"));
    CHECK(wrong("\"GET\", \"POST\"", "cascaded_max = 5") == without("cascaded_max", "PUT, PATCH or DELETE"));
    for (const std::string verb : {"\"POST\"", "\"PUT\"", "\"PATCH\"", "\"DELETE\"", "\"GET\", \"DELETE\""}) {
        CAPTURE(verb);
        CHECK(wrong(verb, "affected_max = 5").empty());
        CHECK(wrong(verb, "cascaded_max = 5").empty() == (verb != "\"POST\""));
        for (const std::string line : {"conditional_delete = \"one\"", "confirm = true", "confirm = false", "missing = \"ok\""}) {
            CAPTURE(line);
            const std::string expected = verb.find("DELETE") != std::string::npos ? "" : without(line.substr(0, line.find(' ')), "DELETE");
            CHECK(wrong(verb, line) == expected);
        }
    }
    // Where the verbs themselves are wrong, that is the fault.
    CHECK(wrong("\"DELET\"", "confirm = true").find("stands without") == std::string::npos);
    CHECK(wrong("\"DELET\"", "confirm = true").find("verbs: \"DELET\" is none of") != std::string::npos);
}

TEST_CASE("a grant that names a value which the caller lacks does not apply") {
    tenants::RegisteredDatabase database;
    auto restriction = std::make_shared<tenants::Restriction>();
    restriction->places.push_back({false, 0, 0, tenants::Variable::claim, "team"});
    restriction->row_filter.push_back({"team", 0, filters::Operator::eq, false, {{"", 0}}});
    database.grants.push_back({"r", {"*"}, {Verb::get}, restriction, 1});
    Subject subject{"o", "p", "s", "u", {"r"}, {}, {}, {}};
    CHECK(tenants::access(database, subject, "t", Verb::get) == Access::invisible);
    subject.claims = {{"team", ""}};
    CHECK(tenants::access(database, subject, "t", Verb::get) == Access::invisible);
    subject.claims = {{"team", "red"}};
    CHECK(tenants::access(database, subject, "t", Verb::get) == Access::allowed);
    const auto grants = tenants::restricting_grants(database, subject, "t", Verb::get);
    REQUIRE(grants.size() == 1);
    CHECK(tenants::terms_of(grants, subject, Verb::get).front().row_filter.front().values.front().text == "red");
    database.grants.push_back({"r", {"*"}, {Verb::get}});
    CHECK(tenants::restricting_grants(database, subject, "t", Verb::get).empty());
}

TEST_CASE("a folder that cannot be read is refused; files that are not *.toml are not read") {
    const Folder folder;
    CHECK(folder.load());
    folder.write("readme.md", "not toml");
    folder.write(".hidden.toml", "not toml");
    CHECK(folder.load());
    fs::create_directory(folder.path() / "dir.toml");
    CHECK(folder.problems() == "dir.toml: cannot be read: Is a directory");
    config::Config config;
    config.tenants_folder = (folder.path() / "none").string();
    CHECK(Registry::load(config).error().messages.front().ends_with(
        "the folder of tenants cannot be read: No such file or directory"));
}

TEST_CASE("the example tenant loads") {
    config::Config config;
    config.tenants_folder = (fs::path(ROWGATE_ROOT) / "deploy/example/tenants").string();
    const auto registry = Registry::load(config);
    REQUIRE(registry);
    CHECK(registry->find("acme", "demo", subject("acme-org", "acme-demo", "acme-main")) != nullptr);
}

TEST_CASE("a pattern's star matches any run of characters, its question mark one UTF-8 character, case counts") {
    using tenants::matches;
    CHECK(matches("*", ""));
    CHECK(matches("*", "users"));
    CHECK(matches("users", "users"));
    CHECK(matches("us*", "us"));
    CHECK(matches("*_log", "a_log_log"));
    CHECK(matches("a*b*c", "aXbYbZc"));
    CHECK(matches("?", "\u00E9"));
    CHECK(matches("*?", "\u20AC"));
    CHECK(matches("*?b", "a\U0001F600b"));
    CHECK(matches("??", "a\U0001F600"));
    CHECK_FALSE(matches("", "a"));
    CHECK(matches("", ""));
    CHECK_FALSE(matches("?", ""));
    CHECK_FALSE(matches("??", "\u00E9"));
    CHECK_FALSE(matches("*??", "\u20AC"));
    CHECK_FALSE(matches("Users", "users"));
    CHECK_FALSE(matches("user", "users"));
    CHECK_FALSE(matches("us*x", "users"));
    CHECK_FALSE(matches("[a-z]*", "users"));
    // Exponential backtracking would not end.
    std::string pattern;
    for (int i = 0; i < 100; ++i) {
        pattern += "*a";
    }
    CHECK_FALSE(matches(pattern + "b", std::string(5000, 'a')));
}

TEST_CASE("no grant: invisible; a grant without the verb: denied; any grant with it: allowed") {
    const auto database =
        granted({{"reader", {"users", "pub_*"}, {Verb::get}}, {"editor", {"users"}, {Verb::patch, Verb::erase}}});
    const auto as = [](std::vector<std::string> roles) { return subject("o", "p", "s", std::move(roles)); };
    CHECK(tenants::access(database, as({"reader"}), "users", Verb::get) == Access::allowed);
    CHECK(tenants::access(database, as({"reader"}), "users", Verb::erase) == Access::verb_denied);
    CHECK(tenants::access(database, as({"reader"}), "secrets", Verb::get) == Access::invisible);
    CHECK(tenants::access(database, as({"reader", "editor"}), "users", Verb::erase) == Access::allowed);
    CHECK(tenants::access(database, as({"reader", "editor"}), "pub_x", Verb::erase) == Access::verb_denied);
    CHECK(tenants::access(database, as({"editor"}), "pub_x", Verb::erase) == Access::invisible);
    CHECK(tenants::access(database, as({"Reader", "*", ""}), "users", Verb::get) == Access::invisible);
    CHECK(tenants::access(database, as({}), "users", Verb::get) == Access::invisible);
    CHECK(tenants::access(granted({}), as({"reader"}), "users", Verb::get) == Access::invisible);
    CHECK(tenants::allowed_verbs(database, as({"editor", "reader"}), "users") ==
          std::vector<Verb>{Verb::get, Verb::patch, Verb::erase});
    CHECK(tenants::allowed_verbs(database, as({"editor"}), "pub_x").empty());
}
