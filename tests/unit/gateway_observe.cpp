#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/observe/json_text.h"
#include "gateway/observe/log.h"
#include "tests/unit/scratch_folder.h"

namespace fs = std::filesystem;
using namespace gateway::observe;

namespace {

class Folder : public ScratchFolder {
public:
    [[nodiscard]] std::string file() const { return ScratchFolder::file("access.log"); }
    [[nodiscard]] std::vector<std::string> lines() const {
        std::ifstream in(file(), std::ios::binary);
        std::vector<std::string> lines;
        for (std::string line; std::getline(in, line);) {
            lines.push_back(line);
        }
        return lines;
    }
};

}  // namespace

TEST_CASE("a request is one JSON line, escaped, with its time in UTC") {
    const Folder folder;
    RequestServed event;
    event.request_id = "r1";
    event.peer = "127.0.0.1";
    event.method = "GET";
    event.target = "/v1/{}\"\r\n{\"forged\":1}\x01\xFF\u00E9";
    event.status = 200;
    event.bytes = 12;
    event.duration = std::chrono::microseconds(345);
    Log(folder.file()).write(event);
    const auto lines = folder.lines();
    REQUIRE(lines.size() == 1);
    const std::string& line = lines.front();
    REQUIRE(line.size() > 34);
    CHECK(line.starts_with("{\"time\":\"20"));
    CHECK(line[19] == 'T');
    CHECK(line.substr(28, 1) == ".");
    CHECK(
        line.substr(32) ==
        "Z\",\"event\":\"request_served\",\"request_id\":\"r1\",\"peer\":\"127.0.0.1\",\"method\":\"GET\","
        "\"target\":\"/v1/{}\\\"\\r\\n{\\\"forged\\\":1}\\u0001\uFFFD\u00E9\",\"status\":200,\"bytes\":12,\"duration_us\":345}");
}

TEST_CASE("a failed request's line has code, org, project, user and the inner text") {
    const Folder folder;
    RequestServed event;
    event.status = 503;
    event.code = "database_busy";
    event.org = "o";
    event.project = "p";
    event.user = "u";
    event.internal = "locked";
    Log(folder.file()).write(event);
    CHECK(folder.lines().at(0).ends_with(
        R"("status":503,"code":"database_busy","org":"o","project":"p","user":"u","bytes":0,"duration_us":0,"internal":"locked"})"));
}

TEST_CASE("start, stop and failure are events of their own, and a log is appended to") {
    const Folder folder;
    Log(folder.file()).write(Started{"127.0.0.1", 8080});
    {
        Log second(folder.file());
        second.write(Stopping{"SIGTERM"});
        second.write(Failed{"%s {} \n"});
        second.write(AdminStarted{"unix:/run/a", 0});
    }
    const auto lines = folder.lines();
    REQUIRE(lines.size() == 4);
    CHECK(lines[0].ends_with(R"(,"event":"started","address":"127.0.0.1","port":8080})"));
    CHECK(lines[1].ends_with(R"(,"event":"stopping","reason":"SIGTERM"})"));
    CHECK(lines[2].ends_with(R"(,"event":"failed","what":"%s {} \n"})"));
    CHECK(lines[3].ends_with(R"(,"event":"admin_started","address":"unix:/run/a","port":0})"));
}

TEST_CASE("lines written by many threads stay whole") {
    const Folder folder;
    auto log = std::make_unique<Log>(folder.file());
    const std::string target(6000, 'x');
    RequestServed event;
    event.target = target;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&log, &event] {
            for (int j = 0; j < 50; ++j) {
                log->write(event);
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    log.reset();
    const auto lines = folder.lines();
    CHECK(lines.size() == 200);
    for (const std::string& line : lines) {
        REQUIRE(line.size() == lines.front().size() - lines.front().find("\"event\"") + line.find("\"event\""));
        REQUIRE(line.ends_with('}'));
    }
}

TEST_CASE("an empty path logs nowhere, and a log that cannot be opened throws with the reason") {
    Log nowhere("");
    nowhere.write(Failed{"x"});
    const Folder folder;
    try {
        const Log log(folder.path().string());
        FAIL("opened a folder");
    } catch (const std::runtime_error& error) {
        CHECK(std::string(error.what()).find("cannot open the log") != std::string::npos);
        CHECK(std::string(error.what()).find("Is a directory") != std::string::npos);
    }
}

TEST_CASE("a text of any length is escaped alike, wherever in it something has to be") {
    for (std::size_t length = 0; length < 20; ++length) {
        const std::string plain(length, 'x');
        std::string out = "before";
        append_json_string(out, plain);
        CHECK(out == "before\"" + plain + "\"");
        for (std::size_t at = 0; at < length; ++at) {
            for (const auto& [special, escaped] : {std::pair{"\"", "\\\""}, std::pair{"\\", "\\\\"}, std::pair{"\x1F", "\\u001f"},
                                                   std::pair{"\xC3\xA9", "\xC3\xA9"}, std::pair{"\xFF", "\xEF\xBF\xBD"}, std::pair{"\x7F", "\x7F"}}) {
                out.clear();
                append_json_string(out, std::string(plain).replace(at, 1, special));
                CHECK(out == '"' + std::string(plain).replace(at, 1, escaped) + '"');
            }
        }
    }
}
