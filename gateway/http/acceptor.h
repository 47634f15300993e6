// New connections: takes them from the listening sockets, within the caps, or turns them away.
// It serves nothing. Called by server.cpp from its one accepting thread; `released` from any.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/http/connection.h"
#include "gateway/http/listen.h"
#include "gateway/http/server.h"

namespace gateway::http {

class Acceptor {
public:
    // Both are called by the accepting thread: `opened` with a connection that is held; `turn_away` for the answer to somebody
    // who is not let in.
    using Opened = std::function<void(Connection&)>;
    using TurnAway = std::function<std::string(std::string_view why)>;

    Acceptor(const ServerOptions& options, ConnectionTable& table, Opened opened, TurnAway turn_away);

    // Takes what waits at `listener`, some at a time. False when the system has no descriptor left: better wait a little.
    [[nodiscard]] bool accept_some(const Listener& listener);
    // A connection that was opened is about to be closed.
    void released(const Connection& connection);

    [[nodiscard]] std::uint64_t accepted() const { return accepted_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t refused_total() const { return refused_total_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t refused_address() const { return refused_address_.load(std::memory_order_relaxed); }

private:
    void admit(int descriptor, bool is_unix);
    void refuse(int descriptor, std::string_view why);
    [[nodiscard]] bool count(const std::string& address);
    void uncount(const std::string& address);

    const ServerOptions& options_;
    ConnectionTable& table_;
    const Opened opened_;
    const TurnAway turn_away_;
    std::atomic<std::uint64_t> accepted_{0};
    std::atomic<std::uint64_t> refused_total_{0};
    std::atomic<std::uint64_t> refused_address_{0};
    std::mutex mutex_;
    std::unordered_map<std::string, std::size_t> per_address_;
};

}  // namespace gateway::http
