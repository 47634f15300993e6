// The listening socket and the names of its peers: addresses in, descriptors out. It accepts nothing.
// Called by server.cpp.
#pragma once

#include <cstdint>
#include <string>

namespace gateway::http {

struct Listener {
    int descriptor = -1;  // non-blocking, closed on exec; the caller's to close
    std::uint16_t port = 0;
};

// Binds and listens. `address` is an IPv4 or IPv6 address (with or without brackets) or a name; port 0 is any free port. A port
// that another socket listens on is an error. Throws std::runtime_error("cannot bind 127.0.0.1:8080: Address already in use").
[[nodiscard]] Listener open_listener(const std::string& address, std::uint16_t port);

// The peer's address without port, an IPv4 address carried in IPv6 as IPv4; "unix" for a unix socket; empty when it has gone.
[[nodiscard]] std::string peer_address(int descriptor);

// Small writes are sent at once.
void disable_delay(int descriptor);

}  // namespace gateway::http
