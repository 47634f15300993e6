#include "gateway/http/acceptor.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace gateway::http {
namespace {

constexpr int kAtOnce = 64;

}  // namespace

Acceptor::Acceptor(const ServerOptions& options, ConnectionTable& table, Opened opened, TurnAway turn_away)
    : options_(options), table_(table), opened_(std::move(opened)), turn_away_(std::move(turn_away)) {}

bool Acceptor::accept_some(const Listener& listener) {
    for (int taken = 0; taken < kAtOnce; ++taken) {
        const int descriptor = ::accept4(listener.descriptor, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (descriptor >= 0) {
            accepted_.fetch_add(1, std::memory_order_relaxed);
            admit(descriptor, listener.port == 0);
            continue;
        }
        switch (errno) {
            case EBADF:
            case EINVAL:
            case ENOTSOCK:
                throw std::runtime_error("cannot accept connections: " + std::generic_category().message(errno));
            case EMFILE:
            case ENFILE:
            case ENOBUFS:
            case ENOMEM:
                return false;
            case EAGAIN:
                return true;
            default:
                break;  // nobody there after all, or the network's trouble with one connection (accept(2))
        }
    }
    return true;
}

void Acceptor::admit(int descriptor, bool is_unix) {
    const std::string peer = peer_address(descriptor);
    disable_delay(descriptor);
    const bool is_counted = !is_unix && !(options_.is_exempt && options_.is_exempt(peer));
    if (is_counted && !count(peer)) {
        refused_address_.fetch_add(1, std::memory_order_relaxed);
        refuse(descriptor, "this address has too many connections");
        return;
    }
    Connection* const connection = table_.open(descriptor, peer);
    if (connection == nullptr) {
        if (is_counted) {
            uncount(peer);
        }
        refused_total_.fetch_add(1, std::memory_order_relaxed);
        refuse(descriptor, "the server has too many connections");
        return;
    }
    connection->is_counted = is_counted;
    connection->is_unix = is_unix;
    opened_(*connection);
}

void Acceptor::refuse(int descriptor, std::string_view why) {
    const std::string answer = turn_away_(why);
    // As much as fits at once, which is all of it: nobody is waited for who is not let in.
    static_cast<void>(::send(descriptor, answer.data(), answer.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
    ::shutdown(descriptor, SHUT_WR);
    ::close(descriptor);
}

bool Acceptor::count(const std::string& address) {
    const std::lock_guard lock(mutex_);
    std::size_t& connections = per_address_[address];
    if (connections >= options_.connections_per_address_max) {
        return false;
    }
    ++connections;
    return true;
}

void Acceptor::uncount(const std::string& address) {
    const std::lock_guard lock(mutex_);
    const auto place = per_address_.find(address);
    if (place != per_address_.end() && --place->second == 0) {
        per_address_.erase(place);
    }
}

void Acceptor::released(const Connection& connection) {
    if (connection.is_counted) {
        uncount(connection.peer);
    }
}

}  // namespace gateway::http
