#include "sql/mysql/socket.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace sql::mysql {
namespace {

union Address {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
    sockaddr_un local;
};

std::uint16_t port_of(const Address& address) {
    return ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
}

enum class Likeness { none, possible, at_path };

// Every socket that the driver makes is connected to the port, or to some path without having one itself; the last tells it
// from a client's that was accepted. The path that the database bound may be written in another way than the one we know.
Likeness likeness(int descriptor, const std::string& path, std::uint16_t port) {
    Address peer{};
    socklen_t peer_size = sizeof(peer);
    if (getpeername(descriptor, &peer.any, &peer_size) != 0) {
        return Likeness::none;
    }
    if (path.empty()) {
        const bool is_ip = peer.any.sa_family == AF_INET || peer.any.sa_family == AF_INET6;
        return is_ip && port_of(peer) == port ? Likeness::possible : Likeness::none;
    }
    constexpr socklen_t kNoPath = offsetof(sockaddr_un, sun_path);
    Address own{};
    socklen_t own_size = sizeof(own);
    if (peer.any.sa_family != AF_UNIX || peer_size <= kNoPath || getsockname(descriptor, &own.any, &own_size) != 0 ||
        own_size > kNoPath) {
        return Likeness::none;
    }
    const std::string_view bound(peer.local.sun_path, strnlen(peer.local.sun_path, peer_size - kNoPath));
    return bound == path ? Likeness::at_path : Likeness::possible;
}

struct CloseFolder {
    void operator()(DIR* folder) const { closedir(folder); }
};

}  // namespace

Socket::~Socket() {
    if (descriptor_ >= 0) {
        close(descriptor_);
    }
}

bool Socket::is_ended() const {
    pollfd wanted{descriptor_, POLLIN | POLLRDHUP, 0};
    return poll(&wanted, 1, 0) != 0;
}

SocketFinder::SocketFinder(std::string path, std::uint16_t port)
    : path_(std::move(path)), port_(port), before_(candidates()) {}

Socket SocketFinder::find() const {
    std::vector<Seen> now = candidates();
    std::erase_if(now, [&](const Seen& seen) { return std::find(before_.begin(), before_.end(), seen) != before_.end(); });
    if (std::any_of(now.begin(), now.end(), [](const Seen& seen) { return seen.is_at_path; })) {
        // Ours leads to the same place as any other that does.
        std::erase_if(now, [](const Seen& seen) { return !seen.is_at_path; });
    }
    if (now.size() != 1) {
        return Socket();
    }
    return Socket(fcntl(now.front().descriptor, F_DUPFD_CLOEXEC, 0));
}

std::vector<SocketFinder::Seen> SocketFinder::candidates() const {
    std::vector<Seen> found;
    const std::unique_ptr<DIR, CloseFolder> folder(opendir("/proc/self/fd"));
    while (const dirent* entry = folder ? readdir(folder.get()) : nullptr) {
        const std::string_view name(entry->d_name);
        int descriptor = -1;
        const auto read = std::from_chars(name.data(), name.data() + name.size(), descriptor);
        const Likeness alike = read.ec == std::errc() ? likeness(descriptor, path_, port_) : Likeness::none;
        std::array<char, 64> target;  // "socket:[inode]"
        const ssize_t size =
            alike == Likeness::none ? 0 : readlinkat(dirfd(folder.get()), entry->d_name, target.data(), target.size());
        if (size > 0) {
            std::string identity(target.data(), static_cast<std::size_t>(size));
            found.push_back({descriptor, std::move(identity), alike == Likeness::at_path});
        }
    }
    return found;
}

}  // namespace sql::mysql
