#include "gateway/http/front.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "gateway/http/socket.h"

namespace gateway::http {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kReceiveBytes = 16384;  // of each worker
constexpr std::size_t kSendSoonBytes = 65536;  // answers to pipelined requests are sent when they are as many
constexpr int kRequestsInTurn = 16;            // of one connection, then the others get theirs
constexpr std::size_t kLingerBytesMax = 16U << 20;
constexpr milliseconds kLingerTime{1000};
constexpr std::size_t kSlowestBytesPerSecond = 65536;  // an answer may take its size at this rate on top of write_timeout

// The framing of one piece in the chunked coding (RFC 9112 section 7.1).
void append_chunk(std::string& out, std::string_view piece) {
    if (!piece.empty()) {
        fmt::format_to(std::back_inserter(out), "{:x}\r\n", piece.size());
        out += piece;
        out += "\r\n";
    }
}

// send() of one or two pieces.
ssize_t send_some(int descriptor, std::string_view first, std::string_view second) {
    if (second.empty()) {
        return ::send(descriptor, first.data(), first.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    std::array<iovec, 2> parts{iovec{const_cast<char*>(first.data()), first.size()},  // the call's type: it only reads
                               iovec{const_cast<char*>(second.data()), second.size()}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    return ::sendmsg(descriptor, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

thread_local bool Server::Front::sheds_all_ = false;

void Server::Front::watch(int descriptor, std::uint32_t events, std::uint64_t about) const {
    epoll_event event{};
    event.events = events;
    event.data.u64 = about;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) {
        throw std::runtime_error("cannot watch a descriptor: " + std::generic_category().message(errno));
    }
}

void Server::Front::on_event(const epoll_event& event) {
    if (event.data.u64 == kMarker) {
        queue_.received();
        return;
    }
    if (event.data.u64 == kEnd) {
        return;
    }
    Connection& connection = *table_.find(static_cast<std::uint32_t>(event.data.u64));
    const bool has_ended = (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (connection.take(static_cast<std::uint32_t>(event.data.u64 >> kIndexBits), has_ended)) {
        hold(connection);
    }
}

// Serves a connection that the caller holds, until it is parked or gone.
void Server::Front::hold(Connection& connection) {
    for (;;) {
        Next next = Next::end;
        try {
            next = advance(connection);
        } catch (...) {
            // Out of memory, for one: this connection ends, the thread and the others go on.
            next = Next::end;
        }
        switch (next) {
            case Next::again:
                continue;
            case Next::park:
                account(connection);
                if (park(connection)) {
                    return;
                }
                continue;
            case Next::end:
                end(connection);
                return;
        }
    }
}

void Server::Front::watch_for(Connection& connection, std::uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.u64 = about(connection);
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.descriptor, &event);
    connection.awaits_room = events == kWatchRoom;
}

bool Server::Front::park(Connection& connection) {
    connection.deadline.store(deadline_of(connection).time_since_epoch().count(), std::memory_order_relaxed);
    if (connection.phase == Connection::Phase::receiving && !connection.unread.empty()) {
        // There is room now, so its event comes at once: behind those of others.
        watch_for(connection, kWatchRoom);
    } else if ((connection.phase == Connection::Phase::sending) != connection.awaits_room) {
        watch_for(connection, connection.awaits_room ? kWatchBytes : kWatchRoom);
    }
    return connection.park();
}

// Gives a held connection to whoever takes the next event.
void Server::Front::pass_on(Connection& connection) const {
    do {
        watch_for(connection, kWatchRoom);
    } while (!connection.park());
}

Server::Front::Clock::time_point Server::Front::deadline_of(Connection& connection) const {
    const Clock::time_point now = Clock::now();
    switch (connection.phase) {
        case Connection::Phase::sending:
            return std::min(connection.send_end, now + options_.write_timeout);
        case Connection::Phase::lingering:
            return connection.send_end;
        case Connection::Phase::receiving:
            break;
    }
    // The time of a head or a body counts from its first byte, not from its last.
    const Receiver::Phase phase = connection.receiver.phase();
    const Receiver::Phase timed = std::exchange(connection.timed, phase);
    if (phase == timed && phase != Receiver::Phase::idle) {
        return Clock::time_point(Clock::duration(connection.deadline.load(std::memory_order_relaxed)));
    }
    switch (phase) {
        case Receiver::Phase::idle:
            return now + options_.idle_timeout;
        case Receiver::Phase::head:
            return now + options_.head_timeout;
        case Receiver::Phase::body:
            return now + options_.body_timeout;
    }
    return now;
}

Next Server::Front::advance(Connection& connection) {
    switch (connection.phase) {
        case Connection::Phase::receiving:
            return receive(connection);
        case Connection::Phase::sending:
            return send_rest(connection);
        case Connection::Phase::lingering:
            return linger(connection);
    }
    return Next::end;
}

Next Server::Front::receive(Connection& connection) {
    if (!connection.unread.empty()) {
        const std::string bytes = std::exchange(connection.unread, {});
        return serve_all(connection, bytes);
    }
    thread_local std::vector<char> buffer(kReceiveBytes);
    const ssize_t count = receive_some(connection.descriptor, buffer.data(), buffer.size(), 0);
    if (count == kNothingYet) {
        return Next::park;
    }
    if (count <= 0) {
        return Next::end;  // what of a request has come is dropped: it was never whole
    }
    const auto size = static_cast<std::size_t>(count);
    const Next next = serve_all(connection, std::string_view(buffer.data(), size));
    // Less than there was room for is all there was, and what comes later makes an event of its own (epoll(7)); a unix socket may
    // give it in parts.
    const bool may_have_more = size == buffer.size() || connection.is_unix || connection.has_ended();
    return next == Next::park && may_have_more && connection.phase == Connection::Phase::receiving ? Next::again : next;
}

// Answers every complete request in `bytes` and sends the answers together, in order.
Next Server::Front::serve_all(Connection& connection, std::string_view bytes) {
    thread_local std::string out;
    out.clear();
    for (int served = 0; !bytes.empty();) {
        auto incoming = connection.receiver.advance(bytes, options_);
        if (!incoming) {
            if (connection.receiver.wants_continue()) {
                out += "HTTP/1.1 100 Continue\r\n\r\n";
            }
            break;
        }
        const bool has_unread_body =
            incoming->kind == Incoming::Kind::refused || incoming->request.body_state == BodyState::too_large;
        serve(connection, *incoming, out);
        connection.lingers = connection.closes && (has_unread_body || !bytes.empty());
        if (connection.closes) {
            break;
        }
        if (connection.source || !connection.long_body.empty() || ++served == kRequestsInTurn || out.size() >= kSendSoonBytes) {
            connection.unread = bytes;
            break;
        }
    }
    if (connection.receiver.phase() == Receiver::Phase::body && connection.receiver.held() > kReceiveBytes && is_memory_full(0)) {
        return refuse(connection, 503, "the server holds as many bodies as it can");
    }
    if (out.empty()) {
        return Next::park;
    }
    const Next next = send(connection, out);
    if (out.capacity() > 4 * kSendSoonBytes) {
        out = {};
    }
    return next;
}

void Server::Front::serve(Connection& connection, Incoming& incoming, std::string& out) {
    incoming.request.peer = connection.peer;
    incoming.request.is_shed = sheds_all_ || is_overloaded();
    connection.timed = Receiver::Phase::idle;
    if (incoming.request.is_shed) {
        shed_.fetch_add(1, std::memory_order_relaxed);
    }
    Answered answered = answerer_.answer(incoming, stop_.flag(), out);
    connection.closes = answered.closes;
    connection.long_body = std::move(answered.body);
    connection.source = std::move(answered.source);
    connection.source_is_chunked = answered.source_is_chunked;
}

Next Server::Front::refuse(Connection& connection, int status, std::string_view detail) {
    Incoming incoming = connection.receiver.give_up(status, std::string(detail));
    std::string out;
    serve(connection, incoming, out);
    connection.closes = true;
    connection.lingers = true;
    connection.receiver.reset();
    return send(connection, out);
}

// Sends what can be sent at once, `bytes` and then the long body; the rest goes when the client has room.
Next Server::Front::send(Connection& connection, std::string_view bytes) {
    std::string_view body = connection.long_body;
    while (!bytes.empty() || !body.empty()) {
        const ssize_t count = send_some(connection.descriptor, bytes, body);
        if (count > 0) {
            const std::size_t of_bytes = std::min(static_cast<std::size_t>(count), bytes.size());
            bytes.remove_prefix(of_bytes);
            body.remove_prefix(static_cast<std::size_t>(count) - of_bytes);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            if (is_memory_full(bytes.size() + body.size())) {
                // Clients that do not read would fill the memory; this one sees that its answer is cut short.
                shed_.fetch_add(1, std::memory_order_relaxed);
                return Next::end;
            }
            keep_unsent(connection, bytes);
            connection.sent += connection.unsent.size() - body.size() - bytes.size();
            connection.send_end = Clock::now() + options_.write_timeout +
                                  std::chrono::seconds(static_cast<std::int64_t>((bytes.size() + body.size()) / kSlowestBytesPerSecond));
            return Next::park;
        } else if (errno != EINTR) {
            return Next::end;
        }
    }
    connection.long_body = {};
    return after_send(connection);
}

// `bytes` and the whole long body become the unsent.
void Server::Front::keep_unsent(Connection& connection, std::string_view bytes) {
    connection.phase = Connection::Phase::sending;
    connection.sent = 0;
    connection.unsent = std::exchange(connection.long_body, {});
    connection.unsent.insert(0, bytes);
}

Next Server::Front::send_rest(Connection& connection) {
    while (connection.sent < connection.unsent.size()) {
        const ssize_t count = ::send(connection.descriptor, connection.unsent.data() + connection.sent,
                                     connection.unsent.size() - connection.sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count > 0) {
            connection.sent += static_cast<std::size_t>(count);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return Next::park;
        } else if (errno != EINTR) {
            return Next::end;
        }
    }
    connection.unsent = {};
    connection.sent = 0;
    return after_send(connection);
}

// The client's side has taken all that was made so far.
Next Server::Front::after_send(Connection& connection) {
    if (connection.source) {
        std::string piece;
        return refill(connection, piece) ? send(connection, piece) : Next::end;
    }
    if (!connection.closes) {
        connection.phase = Connection::Phase::receiving;
        return connection.has_ended() && connection.unread.empty() ? Next::again : Next::park;
    }
    if (!connection.lingers) {
        return Next::end;
    }
    // Says that no more will be sent, then throws away what comes for a short time, so that a client that is still sending can
    // read the last answer before the close resets the connection.
    ::shutdown(connection.descriptor, SHUT_WR);
    connection.phase = Connection::Phase::lingering;
    connection.send_end = Clock::now() + kLingerTime;
    return Next::again;
}

// The next piece of an answer that is made while it is sent. False when it failed: the client sees the answer cut short.
bool Server::Front::refill(Connection& connection, std::string& out) {
    std::string piece;
    bool has_more = false;
    try {
        has_more = connection.source(piece);
    } catch (...) {
        return false;
    }
    if (!connection.source_is_chunked) {
        out = std::move(piece);
    } else {
        append_chunk(out, piece);
        out += has_more ? "" : "0\r\n\r\n";
    }
    if (!has_more) {
        connection.source = nullptr;
    }
    return true;
}

Next Server::Front::linger(Connection& connection) {
    while (connection.dropped < kLingerBytesMax) {
        // On TCP, MSG_TRUNC throws the bytes away without copying them; elsewhere they go into a buffer that nobody reads.
        thread_local std::vector<char> dropped(kReceiveBytes);
        const ssize_t count = receive_some(connection.descriptor, dropped.data(), dropped.size(), connection.is_unix ? 0 : MSG_TRUNC);
        if (count == kNothingYet) {
            return Next::park;
        }
        if (count <= 0) {
            return Next::end;
        }
        connection.dropped += static_cast<std::size_t>(count);
    }
    return Next::end;
}

void Server::Front::account(Connection& connection) {
    const std::size_t held = connection.receiver.held() + connection.unread.size() + connection.unsent.size();
    if (held != connection.accounted) {
        buffered_.fetch_add(held - connection.accounted, std::memory_order_relaxed);
        connection.accounted = held;
    }
}

void Server::Front::end(Connection& connection) {
    if (connection.accounted != 0) {
        buffered_.fetch_sub(connection.accounted, std::memory_order_relaxed);
    }
    acceptor_.released(connection);
    table_.close(connection);
}

}  // namespace gateway::http
