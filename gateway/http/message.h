// Our own request and response: what the rest of the gateway sees of HTTP. Names no HTTP library.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gateway::http {

struct Header {
    std::string name;   // as sent
    std::string value;  // as sent, outer blanks trimmed, not decoded
};

// What became of the body while it was read.
enum class BodyState { none, complete, too_large };

// The lengths of headers' names, by which most names that are not there are told without looking at every header.
class NameLengths {
public:
    explicit NameLengths(const std::vector<Header>& headers) {
        for (const Header& header : headers) {
            bits_ |= bit(header.name);
        }
    }
    [[nodiscard]] bool may_have(std::string_view name) const { return (bits_ & bit(name)) != 0; }

private:
    [[nodiscard]] static std::uint64_t bit(std::string_view name) { return std::uint64_t{1} << (name.size() % 64); }
    std::uint64_t bits_ = 0;
};

struct Request {
    std::string method;  // as sent, case-sensitive
    std::string target;  // as sent: origin-form, not decoded
    std::vector<Header> headers;
    std::string body;  // de-chunked; empty when too large
    BodyState body_state = BodyState::none;
    bool is_shed = false;  // more comes in than can be done: to be answered 503 without work
    std::string peer;  // the peer's address without port; "unix" for a unix socket
    std::chrono::steady_clock::time_point received;

    // Values of every header of this name (case-insensitive), in order.
    [[nodiscard]] std::vector<std::string_view> values(std::string_view name) const;

    // The same for a header that is expected once: the first value, and how many there are.
    struct Found {
        std::string_view value;
        std::size_t count = 0;
    };
    [[nodiscard]] Found find(std::string_view name) const;
    [[nodiscard]] bool has(std::string_view name) const { return find(name).count != 0; }
};

// The next piece of a long answer, appended to `piece`; false when that was the last one. Called when the client has taken what
// came before, from any of the server's threads, one at a time. When it throws, the client sees that the answer is cut short.
using BodySource = std::function<bool(std::string& piece)>;

// Header lines as they go out, each with its CRLF. Made of literals of our own source only, for nothing checks them again.
class FixedLines {
public:
    FixedLines() = default;
    consteval explicit FixedLines(const char* lines) : text_(lines) {}
    [[nodiscard]] std::string_view text() const { return text_; }

private:
    std::string_view text_;
};

struct Response {
    int status = 500;
    std::vector<Header> headers;  // no Content-Length, Connection or Date: the server writes them
    std::string body;             // dropped for HEAD, but its length is sent
    BodySource source = nullptr;  // instead of body: an answer that is made while it is sent
    FixedLines lines = {};        // after the headers
};

// RFC 9110 reason phrase of a status.
[[nodiscard]] std::string_view reason(int status);

}  // namespace gateway::http
