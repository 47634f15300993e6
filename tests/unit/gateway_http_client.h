// A server on a thread of its own and a raw client for it, in one process. Used by the unit tests of the front.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <doctest/doctest.h>

#include "gateway/http/server.h"

namespace front {

inline gateway::http::Response refuse(const gateway::http::Refusal& refusal) {
    return {refusal.status, {}, refusal.detail};
}

class Running {
public:
    Running(const gateway::http::ServerOptions& options, gateway::http::Handler respond)
        : server_(options, std::move(respond), refuse), port_(server_.bind()), thread_([this] { server_.run(); }) {}
    ~Running() { stop_and_wait(); }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] gateway::http::ServerStats stats() const { return server_.stats(); }
    void stop() { server_.stop(); }
    std::chrono::milliseconds stop_and_wait() {
        const auto began = std::chrono::steady_clock::now();
        server_.stop();
        if (thread_.joinable()) {
            thread_.join();
        }
        return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
    }

private:
    gateway::http::Server server_;
    std::uint16_t port_;
    std::thread thread_;
};

class Client {
public:
    explicit Client(std::uint16_t port) : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    // A unix socket's.
    explicit Client(const std::string& path) : descriptor_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        connect(reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    ~Client() { ::close(descriptor_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    Client& send(std::string_view bytes) {
        ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        return *this;
    }
    void end_sending() { ::shutdown(descriptor_, SHUT_WR); }
    // Everything until the server closes.
    std::string read_all() {
        while (receive()) {
        }
        return std::exchange(buffer_, {});
    }
    // Until the bytes so far end with `end`, or the server closes.
    std::string read_until(std::string_view end) {
        while (!buffer_.ends_with(end) && receive()) {
        }
        return std::exchange(buffer_, {});
    }
    // What comes next.
    std::string read_some() {
        receive();
        return std::exchange(buffer_, {});
    }

private:
    void connect(const sockaddr* address, socklen_t size) {
        const timeval limit{5, 0};
        ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        REQUIRE(::connect(descriptor_, address, size) == 0);
    }
    bool receive() {
        char bytes[65536];
        const ssize_t count = ::recv(descriptor_, bytes, sizeof bytes, 0);
        if (count > 0) {
            buffer_.append(bytes, static_cast<std::size_t>(count));
        }
        return count > 0;
    }

    int descriptor_;
    std::string buffer_;
};

inline bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace front
