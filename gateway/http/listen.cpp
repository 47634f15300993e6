#include "gateway/http/listen.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

namespace gateway::http {
namespace {

constexpr int kBacklog = 4096;

[[noreturn]] void fail(std::string_view host, std::uint16_t port, std::string_view why) {
    const bool has_colon = host.find(':') != std::string_view::npos;
    throw std::runtime_error(
        fmt::format(fmt::runtime(has_colon ? "cannot bind [{}]:{}: {}" : "cannot bind {}:{}: {}"), host, port, why));
}

// A sockaddr of the wanted family, out of the storage that the socket calls fill.
template <typename Address>
Address address_in(const sockaddr_storage& storage) {
    Address address{};
    std::memcpy(&address, &storage, sizeof address);
    return address;
}

sockaddr* as_sockaddr(sockaddr_storage& storage) {
    // The socket calls are made for this cast.
    return reinterpret_cast<sockaddr*>(&storage);  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
}

std::uint16_t bound_port(int descriptor) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    if (::getsockname(descriptor, as_sockaddr(storage), &size) != 0) {
        return 0;
    }
    return ntohs(storage.ss_family == AF_INET6 ? address_in<sockaddr_in6>(storage).sin6_port
                                               : address_in<sockaddr_in>(storage).sin_port);
}

// The descriptor, or -1 with errno. SO_REUSEADDR alone: with SO_REUSEPORT two gateways would share a port without a word.
int try_listen(const addrinfo& candidate) {
    const int descriptor = ::socket(candidate.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, candidate.ai_protocol);
    if (descriptor < 0) {
        return -1;
    }
    const int on = 1;
    if (::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        ::bind(descriptor, candidate.ai_addr, candidate.ai_addrlen) == 0 && ::listen(descriptor, kBacklog) == 0) {
        return descriptor;
    }
    const int error = errno;
    ::close(descriptor);
    errno = error;
    return -1;
}

std::string text_of(int family, const void* bytes) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    return ::inet_ntop(family, bytes, text.data(), text.size()) == nullptr ? std::string{} : std::string(text.data());
}

}  // namespace

Listener open_listener(const std::string& address, std::uint16_t port) {
    const bool has_brackets = address.size() > 2 && address.front() == '[' && address.back() == ']';
    const std::string host = has_brackets ? address.substr(1, address.size() - 2) : address;
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int failure = host.empty() ? EAI_NONAME : ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
    if (failure != 0) {
        fail(host, port, ::gai_strerror(failure));
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> candidates(found, &::freeaddrinfo);
    int error = 0;
    for (const addrinfo* candidate = candidates.get(); candidate != nullptr; candidate = candidate->ai_next) {
        const int descriptor = try_listen(*candidate);
        if (descriptor >= 0) {
            return {descriptor, bound_port(descriptor)};
        }
        error = errno;
    }
    fail(host, port, std::generic_category().message(error));
}

std::string peer_address(int descriptor) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    if (::getpeername(descriptor, as_sockaddr(storage), &size) != 0) {
        return {};
    }
    switch (storage.ss_family) {
        case AF_INET: {
            const in_addr address = address_in<sockaddr_in>(storage).sin_addr;
            return text_of(AF_INET, &address);
        }
        case AF_INET6: {
            const in6_addr address = address_in<sockaddr_in6>(storage).sin6_addr;
            return IN6_IS_ADDR_V4MAPPED(&address) ? text_of(AF_INET, &address.s6_addr[12]) : text_of(AF_INET6, &address);
        }
        case AF_UNIX:
            return "unix";
        default:
            return {};
    }
}

void disable_delay(int descriptor) {
    const int on = 1;
    // On a socket that is not TCP it fails, and nothing is lost.
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace gateway::http
