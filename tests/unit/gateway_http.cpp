#include "gateway/http/message.h"

#include <algorithm>
#include <limits>
#include <string>

#include <doctest/doctest.h>

#include "gateway/http/head.h"

using gateway::http::BodyFraming;
using gateway::http::Head;
using gateway::http::ServerOptions;

namespace {

// The status that refuses `bytes`; 0 when they are accepted.
int refusal_of(const std::string& bytes, const ServerOptions& options = {}) {
    const auto head = gateway::http::parse_head(bytes, options);
    return head ? 0 : head.error().status;
}

Head accepted(const std::string& bytes) {
    const auto head = gateway::http::parse_head(bytes, {});
    INFO(bytes);
    REQUIRE(head.has_value());
    return *head;
}

// A request with these header lines beside Host.
std::string get(const std::string& lines, const std::string& version = "1.1") {
    return "GET / HTTP/" + version + "\r\nHost: a\r\n" + lines + "\r\n";
}

}  // namespace

TEST_CASE("values finds every header of a name whatever its case, in order") {
    gateway::http::Request request;
    request.headers = {{"Prefer", "a"}, {"Accept", "b"}, {"PREFER", "c"}};
    CHECK(request.values("prefer") == std::vector<std::string_view>{"a", "c"});
    CHECK(request.values("host").empty());
}

TEST_CASE("a plain head is read as it was sent") {
    const Head head =
        accepted("DELETE /v1/a%2Fb?id=eq.\xC3\xA4|\"<>^{} HTTP/1.1\r\nHost: a:80\r\nX-Y:\t one  two \r\nEmpty:\r\n\r\n");
    CHECK(head.method == "DELETE");
    CHECK(head.target == "/v1/a%2Fb?id=eq.\xC3\xA4|\"<>^{}");
    REQUIRE(head.headers.size() == 3);
    CHECK(head.headers[1].name == "X-Y");
    CHECK(head.headers[1].value == "one  two");
    CHECK(head.headers[2].value.empty());
    CHECK(head.framing == BodyFraming::none);
    CHECK(head.keeps_alive);
    CHECK_FALSE(head.is_http_1_0);
}

TEST_CASE("header values are not percent-decoded") {
    CHECK(accepted(get("X-A: a%0d%0aB: c\r\n")).headers.at(1).value == "a%0d%0aB: c");
}

TEST_CASE("a request line that is not method, target and version with single blanks is refused") {
    for (const char* line :
         {"", "GET", "GET /", "GET  / HTTP/1.1", "GET / HTTP/1.1 ", "GET / a HTTP/1.1", " GET / HTTP/1.1", "GET / http/1.1",
          "GET / HTTP/1", "GET / HTTP/1.1x", "GET / HTTP/+1.1", "G(T / HTTP/1.1", "GET\t/ HTTP/1.1", "GET / HTTP/11"}) {
        INFO(line);
        CHECK(refusal_of(std::string(line) + "\r\nHost: a\r\n\r\n") == 400);
    }
    CHECK(refusal_of(std::string(33, 'A') + " / HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
}

TEST_CASE("a target that is no origin-form is refused") {
    for (const char* target : {"http://a/", "*", "a:80", "a", "?a", "/a#b", "/\x7F"}) {
        INFO(target);
        CHECK(refusal_of("GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
    }
    CHECK(refusal_of(std::string("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 29)) == 400);
}

TEST_CASE("versions other than 1.0 and 1.1 are 505") {
    for (const char* version : {"2.0", "0.9", "1.2", "3.0"}) {
        CHECK(refusal_of(get("", version)) == 505);
    }
    CHECK(refusal_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == 400);
}

TEST_CASE("the target's limit is exact and answers 414") {
    ServerOptions options;
    options.target_bytes_max = 10;
    CHECK(refusal_of("GET /234567890 HTTP/1.1\r\nHost: a\r\n\r\n", options) == 0);
    CHECK(refusal_of("GET /2345678901 HTTP/1.1\r\nHost: a\r\n\r\n", options) == 414);
}

TEST_CASE("the limits of a head's bytes and headers are exact and answer 431") {
    ServerOptions options;
    options.headers_max = 2;
    CHECK(refusal_of(get("A: b\r\n"), options) == 0);
    CHECK(refusal_of(get("A: b\r\nC: d\r\n"), options) == 431);
    const std::string bytes = get("A: b\r\n");
    options.head_bytes_max = bytes.size();
    CHECK(refusal_of(bytes, options) == 0);
    options.head_bytes_max = bytes.size() - 1;
    CHECK(refusal_of(bytes, options) == 431);
}

TEST_CASE("lines that other servers read in another way are refused") {
    for (const char* lines :
         {"A: b\n", "A: b\r", "A: b\r\r\n", "A: b\r\n c\r\n", "A: b\r\n\tc\r\n", "A : b\r\n", "A\t: b\r\n", ": b\r\n", "A\r\n",
          " A: b\r\n", "A: b\x01\r\n", "A: b\x7F\r\n", "A(: b\r\n", "\xC3\xA4: b\r\n", "A: b\x0B\r\n"}) {
        INFO(lines);
        CHECK(refusal_of(get(lines)) == 400);
    }
    CHECK(refusal_of("GET / HTTP/1.1\r\nHost: a\r\nA: b" + std::string(1, '\0') + "\r\n\r\n") == 400);
    CHECK(refusal_of("GET / HTTP/1.1\nHost: a\n\n") == 400);
    CHECK(refusal_of("GET / HTTP/1.1\r\nHost: a\r\n") == 400);
    CHECK(refusal_of(get("") + "x") == 400);
    CHECK(accepted(get("A: \xC3\xA4\xFF\r\n")).headers.at(1).value == "\xC3\xA4\xFF");
}

TEST_CASE("one Host is needed, and HTTP/1.0 may leave it out") {
    CHECK(refusal_of("GET / HTTP/1.1\r\n\r\n") == 400);
    CHECK(refusal_of("GET / HTTP/1.0\r\n\r\n") == 0);
    CHECK(refusal_of(get("Host: a\r\n")) == 400);
    CHECK(refusal_of(get("host: a\r\n", "1.0")) == 400);
    for (const char* host : {"a, b", "a b", "a/b", "u@a", "a\\b", "a?b", "a#b"}) {
        INFO(host);
        CHECK(refusal_of("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n") == 400);
    }
    for (const char* host : {"", "[::1]:8080", "a.example:80", "127.0.0.1"}) {
        CHECK(refusal_of("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n") == 0);
    }
}

TEST_CASE("a Content-Length that is not digits once is refused") {
    for (const char* value : {"+3", "-1", "3,3", "3, 3", "0x3", "3 3", "", "3.0", "1e3", "\xC2\xB2"}) {
        INFO(value);
        CHECK(refusal_of(get("Content-Length: " + std::string(value) + "\r\n")) == 400);
    }
    CHECK(refusal_of(get("Content-Length: 3\r\nContent-Length: 3\r\n")) == 400);
    CHECK(refusal_of(get("Content-Length: 3\r\ncontent-length: 4\r\n")) == 400);
    const Head head = accepted(get("content-length: 0042\r\n"));
    CHECK(head.framing == BodyFraming::length);
    CHECK(head.content_length == 42);
}

TEST_CASE("a Content-Length past 64 bits is the largest length, not a small one") {
    CHECK(accepted(get("Content-Length: 18446744073709551615\r\n")).content_length == std::numeric_limits<std::size_t>::max());
    CHECK(accepted(get("Content-Length: 18446744073709551616\r\n")).content_length == std::numeric_limits<std::size_t>::max());
    CHECK(accepted(get("Content-Length: 18446744073709551619\r\n")).content_length == std::numeric_limits<std::size_t>::max());
    CHECK(accepted(get("Content-Length: 99999999999999999999999999999\r\n")).content_length ==
          std::numeric_limits<std::size_t>::max());
    CHECK(accepted(get("Content-Length: 18446744073709551614\r\n")).content_length ==
          std::numeric_limits<std::size_t>::max() - 1);
}

TEST_CASE("chunked alone is the transfer encoding, once, without a length, in HTTP/1.1") {
    CHECK(accepted(get("Transfer-Encoding: Chunked\r\n")).framing == BodyFraming::chunked);
    for (const char* value :
         {"gzip", "gzip, chunked", "chunked, chunked", "identity", "xchunked", "chunked;a=b", "", "\"chunked\"", "chunked,"}) {
        INFO(value);
        CHECK(refusal_of(get("Transfer-Encoding: " + std::string(value) + "\r\n")) == 501);
    }
    CHECK(refusal_of(get("Transfer-Encoding: \x0B"
                         "chunked\r\n")) == 400);
    CHECK(refusal_of(get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")) == 400);
    CHECK(refusal_of(get("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n")) == 400);
    CHECK(refusal_of(get("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n")) == 400);
    CHECK(refusal_of(get("Transfer-Encoding: chunked\r\n", "1.0")) == 400);
}

TEST_CASE("the connection option is found in lists and in any case") {
    CHECK_FALSE(accepted(get("Connection: Close\r\n")).keeps_alive);
    CHECK_FALSE(accepted(get("Connection: keep-alive, close\r\n")).keeps_alive);
    CHECK_FALSE(accepted(get("Connection: keep-alive\r\nConnection: ,\tclose ,\r\n")).keeps_alive);
    CHECK(accepted(get("Connection: closed\r\n")).keeps_alive);
    CHECK(accepted(get("Connection: Upgrade, TE\r\n")).keeps_alive);
    CHECK_FALSE(accepted(get("", "1.0")).keeps_alive);
    CHECK(accepted(get("Connection: Keep-Alive\r\n", "1.0")).keeps_alive);
    CHECK_FALSE(accepted(get("Connection: Keep-Alive, close\r\n", "1.0")).keeps_alive);
}

TEST_CASE("100-continue is the one expectation, and needs a body and HTTP/1.1") {
    CHECK(accepted(get("Expect: 100-Continue\r\nContent-Length: 1\r\n")).expects_continue);
    CHECK_FALSE(accepted(get("Expect: 100-continue\r\n")).expects_continue);
    CHECK_FALSE(accepted(get("Expect: 100-continue\r\nContent-Length: 1\r\n", "1.0")).expects_continue);
    CHECK(refusal_of(get("Expect: 200-ok\r\nContent-Length: 1\r\n")) == 400);
}

TEST_CASE("the end of a head is found wherever the bytes are cut") {
    const std::string bytes = get("A: b\r\nContent-Length: 3\r\n") + "abc";
    for (std::size_t first = 0; first <= bytes.size(); ++first) {
        const auto early = gateway::http::find_head_end(std::string_view(bytes).substr(0, first), 0, {});
        REQUIRE(early.has_value());
        if (first < bytes.size() - 3) {
            CHECK(*early == 0);
            const auto late = gateway::http::find_head_end(bytes, first, {});
            REQUIRE(late.has_value());
            CHECK(*late == bytes.size() - 3);
        } else {
            CHECK(*early == bytes.size() - 3);
        }
    }
}

TEST_CASE("what no further byte can mend is refused before the head is complete") {
    const auto refused = [](const std::string& bytes, std::size_t scanned = 0) {
        const auto end = gateway::http::find_head_end(bytes, scanned, {});
        return end ? 0 : end.error().status;
    };
    CHECK(refused("GET / HTTP/1.1\n") == 400);
    CHECK(refused("GET / HTTP/1.1\r\nHost: a\n") == 400);
    CHECK(refused("GET / HTTP/1.1\r", 0) == 0);
    CHECK(refused("GET / HTTP/1.1\rX", 15) == 400);
    CHECK(refused("\x16\x03\x01") == 400);
    CHECK(refused(std::string(33, 'A')) == 400);
    CHECK(refused(std::string(32, 'A')) == 0);
    CHECK(refused("GET /" + std::string(8191, 'a')) == 0);
    CHECK(refused("GET /" + std::string(8192, 'a')) == 414);
    CHECK(refused("GET / HTTP/1.1\r\nA: " + std::string(17000, 'a')) == 431);
    CHECK(refused("") == 0);
}

TEST_CASE("a refusal tells the byte and holds none of the client's bytes") {
    const auto head = gateway::http::parse_head("GET / HTTP/1.1\r\nHost: a\r\nBad Name: secret\r\n\r\n", {});
    REQUIRE_FALSE(head.has_value());
    CHECK(head.error().position == 25);
    CHECK(head.error().detail.find("secret") == std::string::npos);
    CHECK(head.error().detail.find("Bad") == std::string::npos);
}
