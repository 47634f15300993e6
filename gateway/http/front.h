// What a Server is inside: the connections, the epoll that they are parked in, the crew that serves them. A connection has one
// holder at a time, a worker of the crew or the accepting thread, and only the holder touches it (connection.h).
// Private to server.cpp, front.cpp (the life of a connection) and watch.cpp (the accepting thread).
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/acceptor.h"
#include "gateway/http/affinity.h"
#include "gateway/http/answer.h"
#include "gateway/http/connection.h"
#include "gateway/http/crew.h"
#include "gateway/http/listen.h"
#include "gateway/http/queue_age.h"
#include "gateway/http/receiver.h"
#include "gateway/http/server.h"
#include "gateway/http/stop_signal.h"

namespace gateway::http {

// What becomes of a connection after a step: look again, give it away until something happens, or end it.
enum class Next { again, park, end };

class Server::Front {
public:
    using Clock = std::chrono::steady_clock;

    Front(ServerOptions options, Handler handler, RefusalHandler refuse);
    ~Front();
    Front(const Front&) = delete;
    Front& operator=(const Front&) = delete;

    std::uint16_t bind();
    void run();
    void raise_stop() { stop_.raise(); }
    [[nodiscard]] ServerStats stats() const;

private:
    // front.cpp: what a connection's holder does.
    void watch(int descriptor, std::uint32_t events, std::uint64_t about) const;
    void on_event(const epoll_event& event);
    void hold(Connection& connection);
    [[nodiscard]] Next advance(Connection& connection);
    [[nodiscard]] Next receive(Connection& connection);
    [[nodiscard]] Next serve_all(Connection& connection, std::string_view bytes);
    void serve(Connection& connection, Incoming& incoming, std::string& out);
    [[nodiscard]] Next send(Connection& connection, std::string_view bytes);
    void keep_unsent(Connection& connection, std::string_view bytes);
    [[nodiscard]] Next send_rest(Connection& connection);
    [[nodiscard]] Next after_send(Connection& connection);
    [[nodiscard]] bool refill(Connection& connection, std::string& out);
    [[nodiscard]] Next linger(Connection& connection);
    [[nodiscard]] bool park(Connection& connection);
    void pass_on(Connection& connection) const;
    void watch_for(Connection& connection, std::uint32_t events) const;
    [[nodiscard]] Clock::time_point deadline_of(Connection& connection) const;
    void end(Connection& connection);
    [[nodiscard]] Next refuse(Connection& connection, int status, std::string_view detail);
    void account(Connection& connection);

    // watch.cpp: what the accepting thread does.
    void begin(Connection& connection);
    [[nodiscard]] std::string turn_away(std::string_view why);
    void expire(Connection& connection);
    void look_after(Clock::time_point now);
    void look_after_deadlines(Clock::time_point now);
    void serve_while_exhausted();
    void drain();
    void close_listeners();

    [[nodiscard]] bool is_overloaded() const { return queue_.age() > options_.queue_age_max; }
    // Who adds to it while it is so is refused or cut off; who needs none of it is served.
    [[nodiscard]] bool is_memory_full(std::size_t more) const {
        return buffered_.load(std::memory_order_relaxed) + more > options_.buffered_bytes_max;
    }

    // What an epoll event says it is about: a connection's index and generation, or one of these.
    static constexpr std::uint64_t kMarker = ~std::uint64_t{0};
    static constexpr std::uint64_t kEnd = kMarker - 1;
    static constexpr unsigned kIndexBits = 32;
    static constexpr std::uint32_t kWatchBytes = EPOLLIN | EPOLLRDHUP | EPOLLET;
    static constexpr std::uint32_t kWatchRoom = kWatchBytes | EPOLLOUT;
    [[nodiscard]] static std::uint64_t about(const Connection& connection) {
        return connection.index | std::uint64_t{connection.generation()} << kIndexBits;
    }

    static thread_local bool sheds_all_;  // on the accepting thread, which must not wait for a handler

    const ServerOptions options_;
    Answerer answerer_;
    const int epoll_;
    StopSignal stop_;
    QueueAge queue_;
    ConnectionTable table_;
    Acceptor acceptor_;
    std::vector<Listener> listeners_;
    std::atomic<std::size_t> buffered_{0};
    std::atomic<std::uint64_t> shed_{0};
    std::atomic<std::uint64_t> timeouts_{0};
    Clock::time_point next_sweep_{};
    Clock::time_point idle_end_{};  // while draining
    Affinity affinity_;
    Crew crew_;
};

}  // namespace gateway::http
