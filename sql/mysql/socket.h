// Finds the socket of a connection that the driver has just made, for the driver does not tell: to see without a round trip that
// the database hung up, and to cut a connection that does not answer. It is found only when there is no doubt; nobody may rely on
// having one. Private to sql/mysql; used by sql/mysql/connection and session.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sql::mysql {

// Our own descriptor of the driver's socket: it stays valid when the driver closes its own.
class Socket {
public:
    Socket() = default;
    explicit Socket(int descriptor) : descriptor_(descriptor) {}
    Socket(Socket&& other) noexcept : descriptor_(other.descriptor_) { other.descriptor_ = -1; }
    Socket& operator=(Socket&&) = delete;
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket();

    [[nodiscard]] bool is_known() const { return descriptor_ >= 0; }
    [[nodiscard]] int descriptor() const { return descriptor_; }
    // The database hung up, or sent something that nobody asked for. Between statements only.
    [[nodiscard]] bool is_ended() const;

private:
    int descriptor_ = -1;
};

class SocketFinder {
public:
    // Before connecting: to the port, or to the path of a unix socket when that is not empty.
    SocketFinder(std::string path, std::uint16_t port);
    // After it, on the same thread: the only socket that could be meant and was not there before; else one that is not known.
    [[nodiscard]] Socket find() const;

private:
    // The identity tells apart two sockets that had the same descriptor one after the other.
    struct Seen {
        int descriptor;
        std::string identity;
        bool is_at_path;  // its peer has bound the very path
        friend bool operator==(const Seen&, const Seen&) = default;
    };
    [[nodiscard]] std::vector<Seen> candidates() const;

    const std::string path_;
    const std::uint16_t port_;
    const std::vector<Seen> before_;
};

}  // namespace sql::mysql
