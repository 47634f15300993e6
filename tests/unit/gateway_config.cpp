#include "gateway/config/config.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <doctest/doctest.h>

#include "gateway/config/source.h"
#include "tests/unit/scratch_folder.h"

namespace config = gateway::config;
namespace fs = std::filesystem;

namespace {

class Folder : public ScratchFolder {
public:
    [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(path() / name, std::ios::binary) << text;
        return file(name);
    }
};

// The one problem that this text has, without the file's folder.
std::string problem_of(const std::string& toml, const std::map<std::string, std::string>& environment = {}) {
    const Folder folder;
    const auto loaded = config::load(folder.write("config.toml", toml), environment);
    if (loaded) {
        return "";
    }
    CHECK(loaded.error().size() == 1);
    std::string text = loaded.error().front();
    const std::string prefix = folder.path().string() + "/";
    return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
}

}  // namespace

TEST_CASE("an empty file gives the defaults, with paths from the file's folder") {
    const Folder folder;
    const auto loaded = config::load(folder.write("config.toml", ""), {{"HOME", "/nowhere"}});
    REQUIRE(loaded);
    CHECK(loaded->server.port == 8080);
    CHECK(loaded->base_paths == std::vector<std::string>{"/minimal/api/rest/auto/v1", "/v1"});
    CHECK(loaded->tenants_folder == (folder.path() / "tenants").string());
    CHECK(loaded->folder == folder.path().string());
    CHECK(loaded->access_log == "-");
}

TEST_CASE("the environment overrides the file, which overrides the defaults") {
    const Folder folder;
    const std::string file =
        folder.write("config.toml",
                     "base_paths = [\"/api\"]\naccess_log = \"access.log\"\n[server]\nport = 1\nthreads = 7\n"
                     "request_timeout_ms = 1500\n[limits]\nrows_max = 5\n");
    const auto loaded = config::load(file, {{"ROWGATE_SERVER_PORT", "2"}, {"ROWGATE_TRUSTED_PROXIES", " 10.0.0.1 ,unix"}});
    REQUIRE(loaded);
    CHECK(loaded->server.port == 2);
    CHECK(loaded->server.threads == 7);
    CHECK(loaded->request_timeout == std::chrono::milliseconds(1500));
    CHECK(loaded->limits.rows_max == 5);
    CHECK(loaded->base_paths == std::vector<std::string>{"/api"});
    CHECK(loaded->trusted_proxies == std::vector<std::string>{"10.0.0.1", "unix"});
    CHECK(loaded->access_log == (folder.path() / "access.log").string());
    const auto none = config::load(file, {{"ROWGATE_TRUSTED_PROXIES", ""}, {"ROWGATE_ACCESS_LOG", ""}});
    REQUIRE(none);
    CHECK(none->trusted_proxies.empty());
    CHECK(none->access_log.empty());
}

TEST_CASE("an unknown setting is refused with its line and the nearest name") {
    CHECK(problem_of("\n[server]\nprot = 1\n") == "config.toml:3: [server] prot: unknown setting; did you mean port?");
    CHECK(problem_of("base_path = []") == "config.toml:1: base_path: unknown setting; did you mean base_paths?");
    CHECK(problem_of("port = 1") == "config.toml:1: port: unknown setting; did you mean [server] port?");
    CHECK(problem_of("[limits]\nport = 1") == "config.toml:2: [limits] port: unknown setting; did you mean [server] port?");
    CHECK(problem_of("[sever]\nport = 1") == "config.toml:1: sever: unknown setting; did you mean server?");
    CHECK(problem_of("zzzzzzzzz = 1") == "config.toml:1: zzzzzzzzz: unknown setting");
    CHECK(problem_of("[server.tls]\na = 1") == "config.toml:1: [server] tls: unknown setting");
    CHECK(problem_of("", {{"ROWGATE_SERVER_PROT", "1"}}) ==
          "ROWGATE_SERVER_PROT: unknown setting; did you mean ROWGATE_SERVER_PORT?");
    CHECK(problem_of("", {{"ROWGATE_PORT", "1"}}) == "ROWGATE_PORT: unknown setting; did you mean ROWGATE_SERVER_PORT?");
    CHECK(problem_of("", {{"ROWGATE_", "1"}}) == "ROWGATE_: unknown setting");
}

TEST_CASE("a value of the wrong type or out of range is refused") {
    CHECK(problem_of("[server]\nport = \"8080\"") == "config.toml:2: [server] port: must be an integer");
    CHECK(problem_of("[server]\nport = 8080.0") == "config.toml:2: [server] port: must be an integer");
    CHECK(problem_of("[server]\nport = true") == "config.toml:2: [server] port: must be an integer");
    CHECK(problem_of("[server]\nport = 65536") == "config.toml:2: [server] port: 65536 is outside 0 to 65535");
    CHECK(problem_of("[server]\nport = -1") == "config.toml:2: [server] port: -1 is outside 0 to 65535");
    CHECK(problem_of("[server]\nthreads = 0") == "config.toml:2: [server] threads: 0 is outside 1 to 4096");
    CHECK(problem_of("server = 1") == "config.toml:1: server: must be a table, [server]");
    CHECK(problem_of("[[server]]\nport = 1") == "config.toml:1: server: must be a table, [server]");
    CHECK(problem_of("base_paths = \"/v1\"") == "config.toml:1: base_paths: must be an array of strings");
    CHECK(problem_of("base_paths = [\"/v1\", 2]") == "config.toml:1: base_paths: must be an array of strings");
    CHECK(problem_of("access_log = 1") == "config.toml:1: access_log: must be a string");
    CHECK(problem_of("tenants_folder = \"a\\u0000b\"") ==
          "config.toml:1: tenants_folder: must be UTF-8 without control characters");
    CHECK(problem_of("tenants_folder = \"\"") == "config.toml:1: tenants_folder: must not be empty");
    for (const char* value : {"", " 1", "1 ", "0x10", "+1", "1e3", "8080.0", "a"}) {
        CAPTURE(value);
        CHECK(problem_of("", {{"ROWGATE_SERVER_PORT", value}}) == "ROWGATE_SERVER_PORT: must be an integer");
    }
    CHECK(problem_of("", {{"ROWGATE_SERVER_PORT", "99999999999999999999"}}) ==
          "ROWGATE_SERVER_PORT: 99999999999999999999 is outside 0 to 65535");
    CHECK(problem_of("", {{"ROWGATE_DATABASE_HINT", "a\xFF"}}) ==
          "ROWGATE_DATABASE_HINT: must be UTF-8 without control characters");
    CHECK(problem_of("", {{"ROWGATE_BASE_PATHS", "/a,,/b"}}) == "ROWGATE_BASE_PATHS: must not hold an empty item");
    CHECK(problem_of("[server]\ntarget_bytes_max = 20000") ==
          "config.toml: [server] target_bytes_max: 20000 must be less than head_bytes_max, 16384");
}

TEST_CASE("a base path begins with a slash, ends without one, and has no empty, dotted or encoded segment") {
    CHECK(problem_of("base_paths = []") == "config.toml:1: base_paths: must name at least one path");
    CHECK(problem_of("base_paths = [\"v1\"]") == "config.toml:1: base_paths: \"v1\" must begin with /");
    CHECK(problem_of("base_paths = [\"/v1/\"]") == "config.toml:1: base_paths: \"/v1/\" must not end with /");
    CHECK(problem_of("base_paths = [\"/\"]") == "config.toml:1: base_paths: \"/\" must not end with /");
    CHECK(problem_of("base_paths = [\"/a//b\"]") == "config.toml:1: base_paths: \"/a//b\" has an empty segment");
    CHECK(problem_of("base_paths = [\"/a/../b\"]") == "config.toml:1: base_paths: \"/a/../b\" must not have a segment ..");
    CHECK(problem_of("base_paths = [\"/a%20b\"]") ==
          "config.toml:1: base_paths: \"/a%20b\" may hold only letters, digits, - . _ ~ and /");
    CHECK(problem_of("base_paths = [\"/a\", \"/b\", \"/a\"]") == "config.toml:1: base_paths: \"/a\" stands twice");
    CHECK(problem_of("base_paths = [\"/a\", \"/a/b\"]").empty());
}

TEST_CASE("every problem is reported, those of the environment too") {
    const Folder folder;
    const auto loaded =
        config::load(folder.write("config.toml", "x = 1\n[server]\nport = -1\nthreads = \"a\"\n[limits]\nrows_max = 0\n"),
                     {{"ROWGATE_NOPE", "1"}, {"ROWGATE_SERVER_THREADS", "b"}});
    REQUIRE(!loaded);
    CHECK(loaded.error().size() == 6);
}

TEST_CASE("a file that is missing, a folder, or no TOML is refused") {
    const Folder folder;
    const std::string missing = (folder.path() / "none.toml").string();
    CHECK(config::load(missing, {}).error() == config::ConfigError{missing + ": cannot be read: No such file or directory"});
    CHECK(config::load(folder.path().string(), {}).error().front().find("cannot be read: Is a directory") != std::string::npos);
    CHECK(problem_of("[server\nport = 1").starts_with("config.toml:1: "));
    CHECK(problem_of("[server]\nport = 1\nport = 2").starts_with("config.toml:3: "));
    CHECK(problem_of("a = \"\xFF\"").starts_with("config.toml:1: "));
}

TEST_CASE("what is printed loads back to the same") {
    const Folder folder;
    const auto first = config::load(
        folder.write("config.toml",
                     "database_hint = \"say \\\"ms\\\" or \\\\ \u00E9\"\ntrusted_proxies = []\nbase_paths=[\"/a\",\"/b\"]\n"
                     "access_log = \"x.log\"\n[server]\nport = 0\n[database]\npool_wait_max_ms = 0\n"),
        {});
    REQUIRE(first);
    const std::string printed = config::print(*first);
    const auto second = config::load(folder.write("printed.toml", printed), {});
    REQUIRE(second);
    CHECK(config::print(*second) == printed);
    CHECK(second->database_hint == "say \"ms\" or \\ \u00E9");
    CHECK(second->trusted_proxies.empty());
}

TEST_CASE("the key of preview tokens is a file from the config file's folder, or none") {
    const Folder folder;
    const auto none = config::load(folder.write("config.toml", ""), {});
    REQUIRE(none);
    CHECK(none->token_key_file.empty());
    CHECK(none->preview_token_lifetime == std::chrono::minutes(5));
    const auto one = config::load(folder.write("config.toml", "token_key_file = \"secrets/tokens\"\npreview_token_lifetime_ms = 1000\n"), {});
    REQUIRE(one);
    CHECK(one->token_key_file == (folder.path() / "secrets/tokens").string());
    CHECK(one->preview_token_lifetime == std::chrono::seconds(1));
    CHECK(problem_of("preview_token_lifetime_ms = 999") == "config.toml:1: preview_token_lifetime_ms: 999 is outside 1000 to 86400000");
}

TEST_CASE("each setting has a meaning, a default and an environment variable of its own") {
    std::vector<std::string> variables;
    const Folder folder;
    for (const config::Setting& setting : config::settings()) {
        CAPTURE(setting.key);
        CHECK_FALSE(setting.meaning.empty());
        CHECK_FALSE(setting.fallback.empty());
        std::string variable = "ROWGATE_";
        for (const char c : setting.key) {
            variable += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
        }
        CHECK(std::find(variables.begin(), variables.end(), variable) == variables.end());
        variables.push_back(variable);
        const bool is_number = setting.fallback.find_first_not_of("0123456789") == std::string::npos;
        static const std::map<std::string, std::string> kNotAnyText{
            {"server.socket_mode", "0600"}, {"server.affinity", "off"},           {"admin.address", "unix:/x"},
            {"audit_values", "true"},       {"auth.modes", "headers,api_key"},    {"auth.jwt_algorithms", "ES256"}};
        const auto other = kNotAnyText.find(setting.key);
        const std::string value = is_number ? setting.fallback : other != kNotAnyText.end() ? other->second : "/x";
        CHECK(config::load(folder.write("config.toml", ""), {{variable, value}}));
    }
    CHECK(variables.size() == 74);
}

TEST_CASE("the example configuration loads and names every setting with its default") {
    const fs::path example = fs::path(ROWGATE_ROOT) / "deploy/example/config.toml";
    const auto loaded = config::load(example.string(), {});
    REQUIRE(loaded);
    const auto text = config::read_file(example.string(), 1u << 20);
    REQUIRE(text);
    for (const config::Setting& setting : config::settings()) {
        CAPTURE(setting.key);
        const std::string name = setting.key.substr(setting.key.find('.') + 1);
        CHECK(text->find("\n" + name + " = " + setting.fallback) != std::string::npos);
    }
}

TEST_CASE("the nearest name is found by edit distance or by its ending, and not at any price") {
    const std::vector<std::string> names{"server.port", "rows_max", "list_items_max"};
    CHECK(config::nearest("row_max", names) == "rows_max");
    CHECK(config::nearest("port", names) == "server.port");
    CHECK(config::nearest("zebra", names).empty());
    CHECK(config::nearest("", names).empty());
    CHECK(config::nearest(std::string(100000, 'a'), names).empty());
}
