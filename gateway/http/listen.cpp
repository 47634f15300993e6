#include "gateway/http/listen.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

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

constexpr std::string_view kUnix = "unix:";
constexpr int kFirstPassed = 3;  // SD_LISTEN_FDS_START

Listener listen_on_address(const std::string& address, std::uint16_t port) {
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
            return {descriptor, bound_port(descriptor), {}};
        }
        error = errno;
    }
    fail(host, port, std::generic_category().message(error));
}

[[noreturn]] void fail_unix(std::string_view path, std::string_view why) {
    throw std::runtime_error(fmt::format("cannot bind unix:{}: {}", path, why));
}

// A socket file outlives its server when that one was killed.
void remove_stale_socket(const std::string& path, const sockaddr_un& address) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        return;
    }
    if (!S_ISSOCK(status.st_mode)) {
        fail_unix(path, "a file that is no socket is in the way");
    }
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_storage storage{};
    std::memcpy(&storage, &address, sizeof address);
    const bool is_refused = ::connect(probe, as_sockaddr(storage), sizeof address) != 0 && errno == ECONNREFUSED;
    ::close(probe);
    if (!is_refused) {
        fail_unix(path, std::generic_category().message(EADDRINUSE));
    }
    ::unlink(path.c_str());
}

Listener listen_on_path(const std::string& path, const std::string& mode) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.front() != '/') {
        fail_unix(path, "the path must begin with /");
    }
    if (path.size() >= sizeof address.sun_path) {
        fail_unix(path, fmt::format("the path is longer than {} bytes", sizeof address.sun_path - 1));
    }
    path.copy(static_cast<char*>(address.sun_path), path.size());
    remove_stale_socket(path, address);
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    sockaddr_storage storage{};
    std::memcpy(&storage, &address, sizeof address);
    const auto bits = static_cast<mode_t>(std::strtoul(mode.c_str(), nullptr, 8));
    // Nobody can connect before the listen, so the file's first permissions harm nobody.
    if (descriptor < 0 || ::bind(descriptor, as_sockaddr(storage), sizeof address) != 0 || ::chmod(path.c_str(), bits) != 0 ||
        ::listen(descriptor, kBacklog) != 0) {
        const int error = errno;
        if (descriptor >= 0) {
            ::close(descriptor);
        }
        fail_unix(path, std::generic_category().message(error));
    }
    return {descriptor, 0, path};
}

int number_in(const char* text) {
    int number = -1;
    if (text != nullptr) {
        const std::string_view digits(text);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (error != std::errc() || end != digits.data() + digits.size()) {
            return -1;
        }
    }
    return number;
}

std::vector<Listener> take_passed_sockets() {
    const int pid = number_in(std::getenv("LISTEN_PID"));
    const int count = number_in(std::getenv("LISTEN_FDS"));
    ::unsetenv("LISTEN_PID");
    ::unsetenv("LISTEN_FDS");
    ::unsetenv("LISTEN_FDNAMES");
    if (pid != ::getpid() || count < 1) {
        throw std::runtime_error("cannot listen: server.address is \"systemd\", and no socket was passed (LISTEN_PID, LISTEN_FDS)");
    }
    std::vector<Listener> listeners;
    for (int descriptor = kFirstPassed; descriptor < kFirstPassed + count; ++descriptor) {
        int is_listening = 0;
        socklen_t size = sizeof is_listening;
        if (::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size) != 0 || is_listening == 0) {
            throw std::runtime_error(fmt::format("cannot listen: the passed descriptor {} is no listening stream socket", descriptor));
        }
        ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
        ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
        sockaddr_storage storage{};
        socklen_t length = sizeof storage;
        ::getsockname(descriptor, as_sockaddr(storage), &length);
        listeners.push_back({descriptor, storage.ss_family == AF_UNIX ? std::uint16_t{0} : bound_port(descriptor), {}});
    }
    return listeners;
}

}  // namespace

std::vector<Listener> open_listeners(const std::string& address, std::uint16_t port, const std::string& mode) {
    if (address == "systemd") {
        return take_passed_sockets();
    }
    if (address.starts_with(kUnix)) {
        return {listen_on_path(address.substr(kUnix.size()), mode)};
    }
    return {listen_on_address(address, port)};
}

void close_listener(Listener& listener) {
    if (listener.descriptor >= 0) {
        ::close(std::exchange(listener.descriptor, -1));
        if (!listener.path.empty()) {
            ::unlink(listener.path.c_str());
        }
    }
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
