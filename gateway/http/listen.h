// The listening sockets and the names of their peers: addresses in, descriptors out. It accepts nothing.
// Called by server.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gateway::http {

struct Listener {
    int descriptor = -1;    // non-blocking, closed on exec; the caller's to close
    std::uint16_t port = 0; // 0 when it is no TCP socket
    std::string path;       // of a unix socket that we made, to be removed when it is closed; else empty
};

// Binds and listens; each throws std::runtime_error("cannot bind 127.0.0.1:8080: Address already in use").
// `address` is
//   an IPv4 or IPv6 address (with or without brackets) or a name; port 0 is any free port. A port that another socket listens on
//     is an error;
//   "unix:/path": a socket file is made with `mode`, such as "0660". One that is there already and that nobody listens on is
//     replaced; any other file is an error;
//   "systemd": the sockets that the service manager has passed (LISTEN_PID, LISTEN_FDS; sd_listen_fds(3)), all of them. The
//     variables are taken out of the environment.
[[nodiscard]] std::vector<Listener> open_listeners(const std::string& address, std::uint16_t port, const std::string& mode);
void close_listener(Listener& listener);

// The peer's address without port, an IPv4 address carried in IPv6 as IPv4; "unix" for a unix socket; empty when it has gone.
[[nodiscard]] std::string peer_address(int descriptor);

// Small writes are sent at once.
void disable_delay(int descriptor);

}  // namespace gateway::http
