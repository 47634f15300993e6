// What the front does with many clients: workers, overload, caps, other sockets, answers made while they are sent.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "gateway/http/blocking.h"
#include "tests/unit/gateway_http_client.h"

using namespace gateway::http;
using front::Client;
using front::has;
using front::refuse;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {

std::atomic<int> pieces_made{0};

Response respond(Request&& request) {
    if (request.is_shed) {
        return {503, {{"Retry-After", "1"}}, "shed"};
    }
    if (request.target == "/blocking") {
        const Blocking blocking;
        std::this_thread::sleep_for(milliseconds(200));
    }
    if (request.target == "/slow") {
        std::this_thread::sleep_for(milliseconds(200));
    }
    Response response{200, {}, request.target + " " + request.peer};
    if (request.target == "/pieces") {
        response.source = [count = 0](std::string& piece) mutable {
            piece = fmt::format("piece {} ", ++count);
            return count < 3;
        };
    } else if (request.target == "/endless") {
        response.source = [](std::string& piece) {
            ++pieces_made;
            piece.assign(100000, 'x');
            return true;
        };
    } else if (request.target == "/broken") {
        response.source = [count = 0](std::string& piece) mutable {
            if (++count == 2) {
                throw std::runtime_error("no more");
            }
            piece = "first";
            return true;
        };
    }
    return response;
}

ServerOptions small() {
    ServerOptions options;
    options.port = 0;
    options.workers = 1;
    options.threads = 16;
    return options;
}

class Running : public front::Running {
public:
    explicit Running(const ServerOptions& options) : front::Running(options, respond) {}
};

std::string get(std::string_view target, bool closes = true) {
    return fmt::format("GET {} HTTP/1.1\r\nHost: a\r\n{}\r\n", target, closes ? "Connection: close\r\n" : "");
}

// How long `count` clients at once take, and how many of them got `part`.
std::pair<milliseconds, int> at_once(std::uint16_t port, int count, std::string_view target, std::string_view part) {
    std::atomic<int> good{0};
    const auto began = Clock::now();
    std::vector<std::thread> threads;
    for (int index = 0; index < count; ++index) {
        threads.emplace_back([&] { good += has(Client(port).send(get(target)).read_all(), part) ? 1 : 0; });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    return {std::chrono::duration_cast<milliseconds>(Clock::now() - began), good.load()};
}

}  // namespace

TEST_CASE("requests that wait for a database do not keep the one worker from others") {
    const Running running(small());
    const auto [took, good] = at_once(running.port(), 8, "/blocking", "200 OK");
    CHECK(good == 8);
    CHECK(took < milliseconds(1200));  // one after the other: 1,600
}

TEST_CASE("a request that takes long without saying so loses its seat, not its answer") {
    const Running running(small());
    const auto [took, good] = at_once(running.port(), 8, "/slow", "200 OK");
    CHECK(good == 8);
    CHECK(took < milliseconds(1200));
}

TEST_CASE("requests that waited too long are shed without work, also when every thread waits, and serving goes on after") {
    ServerOptions options = small();
    options.threads = 2;
    options.queue_age_max = milliseconds(60);
    const Running running(options);
    const auto [took, shed] = at_once(running.port(), 24, "/slow", "503 Service Unavailable");
    CHECK(shed >= 12);
    CHECK(shed <= 22);
    CHECK(took < milliseconds(2000));  // all of them by two threads: 2,400
    CHECK(running.stats().shed == static_cast<std::uint64_t>(shed));
    std::this_thread::sleep_for(milliseconds(300));
    CHECK(has(Client(running.port()).send(get("/a")).read_all(), "200 OK"));
}

TEST_CASE("connections past the cap, in all or for one address, are turned away with 503") {
    ServerOptions options = small();
    options.connections_max = 3;
    const Running total(options);
    options.connections_max = 100;
    options.connections_per_address_max = 3;
    const Running by_address(options);
    options.is_exempt = [](const std::string& address) { return address == "127.0.0.1"; };
    const Running exempt(options);
    for (const Running* running : {&total, &by_address, &exempt}) {
        std::vector<std::unique_ptr<Client>> clients;
        for (int index = 0; index < 3; ++index) {
            clients.push_back(std::make_unique<Client>(running->port()));
            CHECK(has(clients.back()->send(get("/a", false)).read_some(), "200 OK"));
        }
        Client fourth(running->port());
        if (running == &exempt) {
            CHECK(has(fourth.send(get("/a")).read_all(), "200 OK"));
            continue;
        }
        const std::string answer = fourth.read_all();
        CHECK(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"));
        CHECK(has(answer, "Connection: close\r\n"));
        CHECK(running->stats().refused_total + running->stats().refused_address == 1);
        // The three are served on, and a place that becomes free is given again.
        CHECK(has(clients[0]->send(get("/a", false)).read_some(), "200 OK"));
        clients.pop_back();
        std::this_thread::sleep_for(milliseconds(100));
        CHECK(has(Client(running->port()).send(get("/a")).read_all(), "200 OK"));
    }
}

TEST_CASE("bodies past buffered_bytes_max are refused with 503 and make room again") {
    ServerOptions options = small();
    options.body_bytes_max = 4 << 20;
    options.buffered_bytes_max = 2 << 20;
    options.body_timeout = milliseconds(600);
    const Running running(options);
    std::vector<std::unique_ptr<Client>> clients;
    for (int index = 0; index < 4; ++index) {
        clients.push_back(std::make_unique<Client>(running.port()));
        clients.back()->send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n").send(std::string(1 << 20, 'x'));
        std::this_thread::sleep_for(milliseconds(50));
    }
    CHECK(running.stats().buffered_bytes < (4 << 20));
    CHECK(has(clients.back()->read_all(), "503 Service Unavailable"));
    CHECK(has(clients.front()->read_all(), "408 Request Timeout"));
    clients.clear();
    std::this_thread::sleep_for(milliseconds(700));
    CHECK(running.stats().buffered_bytes == 0);
    CHECK(has(Client(running.port()).send(get("/a")).read_all(), "200 OK"));
}

TEST_CASE("a thousand requests in one segment are answered in order") {
    const Running running(small());
    std::string all;
    std::string expected;
    for (int index = 0; index < 1000; ++index) {
        all += get(fmt::format("/{}", index), index == 999);
    }
    const std::string answers = Client(running.port()).send(all).read_all();
    std::size_t at = 0;
    for (int index = 0; index < 1000; ++index) {
        at = answers.find(fmt::format("/{} 127.0.0.1", index), at);
        REQUIRE(at != std::string::npos);
    }
}

TEST_CASE("an answer made while it is sent is chunked, or ended by the close in HTTP/1.0") {
    const Running running(small());
    const std::string answer = Client(running.port()).send(get("/pieces", false) + get("/after")).read_all();
    CHECK(has(answer, "Transfer-Encoding: chunked\r\n"));
    CHECK(has(answer, "\r\n\r\n8\r\npiece 1 \r\n8\r\npiece 2 \r\n8\r\npiece 3 \r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"));
    CHECK_FALSE(has(answer.substr(0, answer.find("/after")), "Content-Length: 0"));
    const std::string old = Client(running.port()).send("GET /pieces HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").read_all();
    CHECK(has(old, "Connection: close\r\n"));
    CHECK(old.ends_with("\r\n\r\npiece 1 piece 2 piece 3 "));
    const std::string head = Client(running.port()).send("HEAD /pieces HTTP/1.1\r\nHost: a\r\n\r\n" + get("/after")).read_all();
    CHECK(has(head, "chunked\r\n"));
    CHECK_FALSE(has(head, "piece"));
    CHECK(has(head, "/after"));
}

TEST_CASE("an answer that fails on its way is cut short, never ended as if it were whole") {
    const Running running(small());
    const std::string answer = Client(running.port()).send(get("/broken")).read_all();
    CHECK(has(answer, "5\r\nfirst\r\n"));
    CHECK_FALSE(has(answer, "0\r\n\r\n"));
}

TEST_CASE("an answer without end is made no faster than its client reads, and holds no worker") {
    ServerOptions options = small();
    options.write_timeout = milliseconds(700);
    const Running running(options);
    pieces_made = 0;
    Client lazy(running.port());
    lazy.send(get("/endless"));
    std::this_thread::sleep_for(milliseconds(300));
    const int before = pieces_made;
    CHECK(before > 0);
    CHECK(before < 200);  // 20 MB
    CHECK(has(Client(running.port()).send(get("/a")).read_all(), "200 OK"));
    for (int index = 0; index < 50; ++index) {
        CHECK(lazy.read_some().size() > 0);
    }
    std::this_thread::sleep_for(milliseconds(1500));
    CHECK(running.stats().timeouts == 1);
    CHECK(running.stats().connections == 0);
}

TEST_CASE("a unix socket is made with its mode, served, and removed; a stale one is replaced, another file is not") {
    const std::string folder = std::filesystem::temp_directory_path() / fmt::format("rowgate-front-{}", ::getpid());
    std::filesystem::create_directories(folder);
    const std::string path = folder + "/front.sock";
    ServerOptions options = small();
    options.address = "unix:" + path;
    options.socket_mode = "0600";
    for (int round = 0; round < 2; ++round) {
        const Running running(options);
        struct stat status {};
        REQUIRE(::stat(path.c_str(), &status) == 0);
        CHECK((status.st_mode & 0777) == 0600);
        CHECK(Client(path).send(get("/a")).read_all().ends_with("/a unix"));
        Server second(options, respond, refuse);
        CHECK_THROWS_WITH_AS(static_cast<void>(second.bind()), ("cannot bind " + options.address + ": Address already in use").c_str(),
                             std::runtime_error);
    }
    CHECK_FALSE(std::filesystem::exists(path));
    {
        // As a killed server leaves it.
        const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        REQUIRE(::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        ::close(descriptor);
        const Running running(options);
        CHECK(Client(path).send(get("/a")).read_all().ends_with("/a unix"));
    }
    std::ofstream(path) << "precious";
    Server third(options, respond, refuse);
    CHECK_THROWS_AS(static_cast<void>(third.bind()), std::runtime_error);
    CHECK(std::filesystem::file_size(path) == 8);
    std::filesystem::remove_all(folder);
}

TEST_CASE("systemd without a passed socket is an error that says so") {
    ::unsetenv("LISTEN_FDS");
    ServerOptions options = small();
    options.address = "systemd";
    Server server(options, respond, refuse);
    CHECK_THROWS_WITH_AS(static_cast<void>(server.bind()),
                         "cannot listen: server.address is \"systemd\", and no socket was passed (LISTEN_PID, LISTEN_FDS)",
                         std::runtime_error);
}
