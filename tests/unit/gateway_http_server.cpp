#include "gateway/http/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/unit/gateway_http_client.h"

using namespace gateway::http;
using front::Client;
using front::has;
using front::refuse;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {

Response respond(Request&& request) {
    if (request.target == "/throw") {
        throw std::runtime_error("a reason");
    }
    if (request.target == "/split") {
        return {200, {{"X-A", "b\r\nX-C: d"}}, "x"};
    }
    if (request.target == "/name") {
        return {200, {{"X A", "b"}}, "x"};
    }
    if (request.target == "/status") {
        return {42, {}, "x"};
    }
    if (request.target == "/none") {
        return {204, {{"Content-Length", "7"}}, "dropped"};
    }
    if (request.target == "/slow") {
        std::this_thread::sleep_for(milliseconds(300));
    }
    if (request.target == "/big") {
        return {200, {}, std::string(3 << 20, 'x')};
    }
    if (request.body_state == BodyState::too_large) {
        return {413, {}, "too large"};
    }
    return {200, {{"X-Peer", request.peer}}, request.method + " " + request.target + " " + request.body};
}

ServerOptions quick() {
    ServerOptions options;
    options.port = 0;
    options.threads = 4;
    options.body_bytes_max = 100;
    options.head_timeout = milliseconds(200);
    options.body_timeout = milliseconds(200);
    options.idle_timeout = milliseconds(400);
    options.write_timeout = milliseconds(500);
    return options;
}

class Running : public front::Running {
public:
    explicit Running(const ServerOptions& options = quick()) : front::Running(options, respond) {}
};

std::string get(std::string_view target, std::string_view lines = "") {
    return fmt::format("GET {} HTTP/1.1\r\nHost: a\r\n{}\r\n", target, lines);
}

const std::string kClose = "Connection: close\r\n";

}  // namespace

TEST_CASE("an answer has its status, headers, length and date, and the peer is known") {
    const Running running;
    const std::string answer = Client(running.port()).send(get("/a?b=%20", kClose)).read_all();
    CHECK(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(has(answer, "\r\nContent-Length: 13\r\n"));
    CHECK(has(answer, "\r\nConnection: close\r\n"));
    CHECK(has(answer, "\r\nX-Peer: 127.0.0.1\r\n"));
    CHECK(has(answer, " GMT\r\n"));
    CHECK(answer.ends_with("\r\n\r\nGET /a?b=%20 "));
    CHECK_FALSE(has(answer, "Keep-Alive"));
}

TEST_CASE("HEAD has the length of GET and no body, and the connection stays in step") {
    const Running running;
    const std::string answers = Client(running.port()).send("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n" + get("/b", kClose)).read_all();
    CHECK(has(answers, "Content-Length: 8\r\n"));
    CHECK_FALSE(has(answers, "HEAD /a"));
    CHECK_FALSE(has(answers, "Accept-Ranges"));
    CHECK(answers.ends_with("\r\n\r\nGET /b "));
}

TEST_CASE("204 has neither body nor length") {
    const Running running;
    const std::string answer = Client(running.port()).send(get("/none", kClose)).read_all();
    CHECK(answer.starts_with("HTTP/1.1 204 No Content\r\n"));
    CHECK_FALSE(has(answer, "Content-Length"));
    CHECK(answer.ends_with("\r\n\r\n"));
}

TEST_CASE("pipelined requests are answered in order, however their bytes are cut") {
    const Running running;
    const std::string bytes = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + get("/2") +
                              "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n\r\n" +
                              get("/4", kClose);
    for (const std::size_t piece : {bytes.size(), std::size_t{50}, std::size_t{1}}) {
        Client client(running.port());
        for (std::size_t begin = 0; begin < bytes.size(); begin += piece) {
            client.send(std::string_view(bytes).substr(begin, piece));
        }
        const std::string answers = client.read_all();
        const std::size_t first = answers.find("POST /1 abc");
        const std::size_t second = answers.find("GET /2 ");
        const std::size_t third = answers.find("POST /3 de");
        CHECK(first < second);
        CHECK(second < third);
        CHECK(third < answers.find("GET /4 "));
        CHECK(answers.ends_with("GET /4 "));
    }
}

TEST_CASE("the body of a GET belongs to it and is never read as a request") {
    const Running running;
    const std::string smuggled = get("/evil");
    Client client(running.port());
    client.send(get("/a", fmt::format("Content-Length: {}\r\n", smuggled.size())) + smuggled + get("/b", kClose));
    const std::string answers = client.read_all();
    CHECK(has(answers, "\r\n\r\nGET /a GET /evil HTTP/1.1\r\n"));
    CHECK_FALSE(has(answers, "\r\n\r\nGET /evil "));
    CHECK(answers.ends_with("GET /b "));
}

TEST_CASE("a body over the limit is not read, and the handler is told") {
    const Running running;
    const std::string counted = Client(running.port())
                                    .send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 101\r\n\r\n")
                                    .read_all();
    CHECK(counted.starts_with("HTTP/1.1 413 "));
    CHECK(has(counted, "Connection: close\r\n"));
    const std::string chunked = Client(running.port())
                                    .send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + get("/evil"))
                                    .read_all();
    CHECK(chunked.starts_with("HTTP/1.1 413 "));
    CHECK_FALSE(has(chunked, "evil"));
    const std::string fits =
        Client(running.port())
            .send("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'x'))
            .read_all();
    CHECK(fits.ends_with(std::string(100, 'x')));
}

TEST_CASE("a client that is still sending a refused body can read the answer") {
    const Running running;
    Client client(running.port());
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n");
    client.send(std::string(4000000, 'x'));
    CHECK(client.read_all().starts_with("HTTP/1.1 413 "));
}

TEST_CASE("100-continue is sent when the body is awaited, and only then") {
    const Running running;
    Client client(running.port());
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    CHECK(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("abc");
    CHECK(client.read_until("abc").starts_with("HTTP/1.1 200 OK\r\n"));
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc");
    CHECK(client.read_until("abc").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("a refused head is answered once, and what follows is never run") {
    const Running running;
    const std::string answer =
        Client(running.port())
            .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + get("/evil"))
            .read_all();
    CHECK(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"));
    CHECK(has(answer, "Connection: close\r\n"));
    CHECK_FALSE(has(answer, "evil"));
    CHECK(Client(running.port()).send("GET / HTTP/1.1\n").read_all().starts_with("HTTP/1.1 400 "));
    CHECK(Client(running.port()).send("GET /" + std::string(9000, 'a')).read_all().starts_with("HTTP/1.1 414 "));
    CHECK(
        Client(running.port()).send(get("/", "A: " + std::string(17000, 'a') + "\r\n")).read_all().starts_with("HTTP/1.1 431 "));
}

TEST_CASE("a slow head or body is 408, silence is closed without a word, a body cut short runs nothing") {
    const Running running;
    CHECK(Client(running.port()).send("GET / HT").read_all().starts_with("HTTP/1.1 408 "));
    CHECK(Client(running.port())
              .send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab")
              .read_all()
              .starts_with("HTTP/1.1 408 "));
    CHECK(Client(running.port())
              .send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")
              .read_all()
              .starts_with("HTTP/1.1 408 "));
    CHECK(Client(running.port()).read_all().empty());
    Client client(running.port());
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab").end_sending();
    CHECK(client.read_all().empty());
}

TEST_CASE("a client that only ends its sending gets its answer") {
    const Running running;
    Client client(running.port());
    client.send(get("/a")).end_sending();
    CHECK(client.read_all().ends_with("GET /a "));
}

TEST_CASE("HTTP/1.0 closes unless it asks to be kept alive") {
    const Running running;
    CHECK(Client(running.port()).send("GET / HTTP/1.0\r\n\r\n").read_all().starts_with("HTTP/1.1 200 OK\r\n"));
    Client client(running.port());
    client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK(has(client.read_until("GET /a "), "Connection: keep-alive\r\n"));
    CHECK(client.send("GET /b HTTP/1.0\r\n\r\n").read_all().ends_with("GET /b "));
}

TEST_CASE("a handler that throws, or answers what must not be sent, is a 500 and the connection lives") {
    const Running running;
    for (const char* target : {"/throw", "/split", "/name", "/status"}) {
        Client client(running.port());
        client.send(get(target) + get("/after", kClose));
        const std::string answers = client.read_all();
        INFO(answers);
        CHECK(answers.starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
        CHECK_FALSE(has(answers, "X-C"));
        CHECK(answers.ends_with("GET /after "));
    }
}

TEST_CASE("a refusal handler that throws still leaves an answer") {
    Server server(
        quick(), [](Request&&) -> Response { throw 1; }, [](const Refusal&) -> Response { throw 2; });
    const std::uint16_t port = server.bind();
    std::thread thread([&] { server.run(); });
    CHECK(Client(port).send(get("/", kClose)).read_all().starts_with("HTTP/1.1 500 "));
    CHECK(Client(port).send("x\n").read_all().starts_with("HTTP/1.1 500 "));
    server.stop();
    thread.join();
}

TEST_CASE("an answer larger than the socket's buffer arrives whole; a client that does not read it is dropped") {
    const Running running;
    const std::string answer = Client(running.port()).send(get("/big", kClose)).read_all();
    CHECK(answer.size() > (3U << 20));
    std::vector<std::unique_ptr<Client>> lazy;
    for (int index = 0; index < 4; ++index) {
        lazy.push_back(std::make_unique<Client>(running.port()));
        std::string many;
        for (int request = 0; request < 20; ++request) {
            many += get("/none") + get("/big");
        }
        lazy.back()->send(many);
    }
    CHECK(Client(running.port()).send(get("/a", kClose)).read_all().empty() == false);
}

TEST_CASE("a taken port is an error that says so") {
    const Running running;
    ServerOptions options = quick();
    options.port = running.port();
    Server second(options, respond, refuse);
    CHECK_THROWS_WITH_AS(static_cast<void>(second.bind()),
                         fmt::format("cannot bind 127.0.0.1:{}: Address already in use", running.port()).c_str(),
                         std::runtime_error);
    options.address = "203.0.113.7";
    Server third(options, respond, refuse);
    CHECK_THROWS_AS(static_cast<void>(third.bind()), std::runtime_error);
    options.address = "";
    Server fourth(options, respond, refuse);
    CHECK_THROWS_AS(static_cast<void>(fourth.bind()), std::runtime_error);
}

TEST_CASE("an IPv4 peer of a socket that takes both is named as IPv4") {
    ServerOptions options = quick();
    options.address = "[::]";
    const Running running(options);
    CHECK(has(Client(running.port()).send(get("/", kClose)).read_all(), "X-Peer: 127.0.0.1\r\n"));
}

TEST_CASE("stop closes idle connections at once and lets a request under way finish") {
    Running running;
    Client idle(running.port());
    CHECK(idle.send(get("/a")).read_until("GET /a ").ends_with("GET /a "));
    Client busy(running.port());
    busy.send(get("/slow"));
    std::this_thread::sleep_for(milliseconds(100));
    const milliseconds took = running.stop_and_wait();
    CHECK(took < milliseconds(2000));
    CHECK(idle.read_all().empty());
    const std::string answer = busy.read_all();
    CHECK(answer.ends_with("GET /slow "));
    CHECK(has(answer, "Connection: close\r\n"));
}

TEST_CASE("stop before run, and twice, is heard") {
    Server server(quick(), respond, refuse);
    server.bind();
    server.stop();
    server.stop();
    server.run();
    Server unbound(quick(), respond, refuse);
    CHECK_THROWS_AS(unbound.run(), std::logic_error);
}

TEST_CASE("more idle connections than threads do not keep the next one out") {
    ServerOptions options = quick();
    options.threads = 2;
    options.idle_timeout = milliseconds(60000);
    const Running running(options);
    Client first(running.port());
    Client second(running.port());
    first.send(get("/a")).read_until("GET /a ");
    second.send(get("/a")).read_until("GET /a ");
    const auto began = Clock::now();
    CHECK(Client(running.port()).send(get("/b", kClose)).read_all().ends_with("GET /b "));
    CHECK(Clock::now() - began < milliseconds(2000));
}

TEST_CASE("many clients at once each get their own answers") {
    const Running running;
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int index = 0; index < 4; ++index) {
        threads.emplace_back([&, index] {
            for (int round = 0; round < 50; ++round) {
                const std::string target = fmt::format("/{}/{}", index, round);
                Client client(running.port());
                if (!client.send(get(target, kClose)).read_all().ends_with("GET " + target + " ")) {
                    ++wrong;
                }
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(wrong == 0);
}
