#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "gateway/http/front.h"
#include "gateway/http/socket.h"

namespace gateway::http {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSeatTime{5};                   // a worker that takes longer for one event lets another one compute
constexpr milliseconds kBusyTick{5};
constexpr milliseconds kQuietTick{50};
constexpr milliseconds kDrainIdle{400};  // after a stop, connections without a request are kept so long: one may be on its way

std::size_t seats_of(const ServerOptions& options) {
    return options.workers != 0 ? options.workers : 8 * std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

// Descriptors are needed for other things, too: databases, files, logs.
std::size_t affordable_connections(std::size_t connections_max) {
    constexpr rlim_t kReserved = 512;
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return connections_max;
    }
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    const rlim_t most = limit.rlim_max > 2 * kReserved ? limit.rlim_max - kReserved : limit.rlim_max / 2;
    return static_cast<std::size_t>(std::min<rlim_t>(connections_max, most));
}

int open_epoll() {
    const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
    if (descriptor < 0) {
        throw std::runtime_error("no descriptor for the server's events: " + std::generic_category().message(errno));
    }
    return descriptor;
}

}  // namespace

Server::Front::Front(ServerOptions options, Handler handler, RefusalHandler refuse)
    : options_(std::move(options)),
      answerer_(std::move(handler), std::move(refuse)),
      epoll_(open_epoll()),
      table_(affordable_connections(options_.connections_max)),
      acceptor_(
          options_, table_, [this](Connection& connection) { begin(connection); },
          [this](std::string_view why) { return turn_away(why); }),
      affinity_(options_.affinity == "auto", [this] { return crew_.served(); }),
      crew_(epoll_, seats_of(options_), options_.threads, [this](const epoll_event& event) { on_event(event); }) {
    watch(queue_.descriptor(), EPOLLIN | EPOLLET, kMarker);
}

Server::Front::~Front() {
    close_listeners();
    ::close(epoll_);
}

std::uint16_t Server::Front::bind() {
    listeners_ = open_listeners(options_.address, options_.port, options_.socket_mode);
    return listeners_.front().port;
}

void Server::Front::begin(Connection& connection) {
    try {
        watch(connection.descriptor, kWatchBytes, about(connection));
    } catch (const std::runtime_error&) {
        end(connection);
        return;
    }
    // Bytes that were there before the watch make their event at once: nothing is missed.
    if (!park(connection)) {
        pass_on(connection);
    }
}

std::string Server::Front::turn_away(std::string_view why) {
    Incoming incoming;
    incoming.kind = Incoming::Kind::refused;
    incoming.refusal = {503, std::string(why), 0};
    std::string out;
    static_cast<void>(answerer_.answer(incoming, stop_.flag(), out));
    return out;
}

// The connection's deadline has passed, and the caller holds it.
void Server::Front::expire(Connection& connection) {
    Next next = Next::end;
    if (connection.phase == Connection::Phase::receiving && connection.receiver.phase() != Receiver::Phase::idle) {
        const bool is_body = connection.receiver.phase() == Receiver::Phase::body;
        try {
            next = refuse(connection, 408, is_body ? "the request's body did not come in time" : "the request's head did not come in time");
        } catch (...) {
            next = Next::end;
        }
    }
    timeouts_.fetch_add(1, std::memory_order_relaxed);
    switch (next) {
        case Next::again:  // lingering
            pass_on(connection);
            return;
        case Next::park:
            if (!park(connection)) {
                pass_on(connection);
            }
            return;
        case Next::end:
            end(connection);
            return;
    }
}

void Server::Front::look_after_deadlines(Clock::time_point now) {
    const milliseconds shortest = std::min({options_.head_timeout, options_.body_timeout, options_.write_timeout, options_.idle_timeout});
    next_sweep_ = now + std::clamp(shortest / 8, kBusyTick, milliseconds(250));
    const bool closes_idle = stop_.is_raised() && now >= idle_end_;
    const auto is_over = [&](const Connection& connection) {
        return connection.deadline.load(std::memory_order_relaxed) < now.time_since_epoch().count();
    };
    for (std::uint32_t index = 0; index < table_.index_end(); ++index) {
        Connection& connection = *table_.find(index);
        if ((!closes_idle && !is_over(connection)) || !connection.take_parked()) {
            continue;
        }
        // Read again, now that nobody else can move it.
        char byte = 0;
        const bool is_idle = connection.phase == Connection::Phase::receiving && connection.unread.empty() &&
                             connection.receiver.phase() == Receiver::Phase::idle &&
                             receive_some(connection.descriptor, &byte, 1, MSG_PEEK) <= 0;
        if (is_over(connection)) {
            expire(connection);
        } else if (closes_idle && is_idle) {
            end(connection);
        } else if (!connection.park()) {
            pass_on(connection);
        }
    }
}

// Every thread waits for something: requests that come now are answered here, without work, so that clients learn it soon.
void Server::Front::serve_while_exhausted() {
    std::array<epoll_event, 64> events{};
    sheds_all_ = true;
    while (crew_.is_exhausted() && queue_.age() > options_.queue_age_max) {
        const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
        for (int index = 0; index < count; ++index) {
            on_event(events.at(static_cast<std::size_t>(index)));
        }
        if (count <= 0) {
            break;
        }
    }
    sheds_all_ = false;
}

void Server::Front::look_after(Clock::time_point now) {
    crew_.reclaim_seats(kSeatTime);
    if (table_.size() != 0) {
        queue_.send();
        serve_while_exhausted();
    }
    if (now >= next_sweep_) {
        look_after_deadlines(now);
    }
    affinity_.look(now);
}

void Server::Front::run() {
    if (listeners_.empty()) {
        throw std::logic_error("run() before bind()");
    }
    crew_.start();
    std::vector<pollfd> watched{{stop_.descriptor(), POLLIN, 0}};
    for (const Listener& listener : listeners_) {
        watched.push_back({listener.descriptor, POLLIN, 0});
    }
    std::string failure;
    bool has_descriptors = true;
    while (!stop_.is_raised()) {
        const milliseconds tick = crew_.is_busy() ? kBusyTick : kQuietTick;
        // Without descriptors the listeners are left alone for a tick.
        const int count = ::poll(watched.data(), has_descriptors ? watched.size() : 1, static_cast<int>(tick.count()));
        has_descriptors = true;
        try {
            for (std::size_t index = 0; count > 0 && index < listeners_.size(); ++index) {
                if (watched[index + 1].revents != 0) {
                    has_descriptors = acceptor_.accept_some(listeners_[index]) && has_descriptors;
                    watched[index + 1].revents = 0;
                }
            }
        } catch (const std::runtime_error& error) {
            failure = error.what();
            raise_stop();
        }
        look_after(Clock::now());
    }
    drain();
    if (!failure.empty()) {
        throw std::runtime_error(failure);
    }
}

// Those who have connected already are let in, requests under way end, and the next answer on each connection is its last.
void Server::Front::drain() {
    try {
        for (const Listener& listener : listeners_) {
            static_cast<void>(acceptor_.accept_some(listener));
        }
    } catch (const std::runtime_error&) {
        // A listener that is broken has nobody waiting.
    }
    close_listeners();
    const Clock::time_point began = Clock::now();
    idle_end_ = began + std::min(kDrainIdle, options_.drain_timeout);
    const Clock::time_point end = began + options_.drain_timeout;
    while (table_.size() != 0 && Clock::now() < end) {
        std::this_thread::sleep_for(kBusyTick);
        next_sweep_ = {};
        look_after(Clock::now());
    }
    // Readable for ever: every thread hears of it.
    watch(stop_.descriptor(), EPOLLIN, kEnd);
    crew_.stop();
}

void Server::Front::close_listeners() {
    for (Listener& listener : listeners_) {
        close_listener(listener);
    }
}

ServerStats Server::Front::stats() const {
    ServerStats stats;
    stats.connections = table_.size();
    stats.accepted = acceptor_.accepted();
    stats.refused_total = acceptor_.refused_total();
    stats.refused_address = acceptor_.refused_address();
    stats.shed = shed_.load(std::memory_order_relaxed);
    stats.timeouts = timeouts_.load(std::memory_order_relaxed);
    stats.buffered_bytes = buffered_.load(std::memory_order_relaxed);
    stats.threads = crew_.threads();
    stats.queue_age = std::chrono::duration_cast<std::chrono::microseconds>(queue_.age());
    return stats;
}

}  // namespace gateway::http
