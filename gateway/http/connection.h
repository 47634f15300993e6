// One client's connection while it is open, and the table of all of them. A connection has one holder at a time: the thread that
// serves it, or nobody, while it is parked in epoll. Who holds it is one atomic word, so that an event that comes late, for a
// connection that was closed since, finds nothing. Called by server.cpp; knows sockets, but nothing of what is said on them.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "gateway/http/message.h"
#include "gateway/http/receiver.h"

namespace gateway::http {

struct Connection {
    using Clock = std::chrono::steady_clock;
    enum class Phase { receiving, sending, lingering };

    Connection() = default;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // Set when the connection is opened.
    std::uint32_t index = 0;
    int descriptor = -1;
    std::string peer;
    bool is_counted = false;  // against connections_per_address_max
    bool is_unix = false;

    // The holder's.
    Phase phase = Phase::receiving;
    Receiver receiver;
    Receiver::Phase timed = Receiver::Phase::idle;  // what of a request the deadline was set for
    std::string unread;        // came, and belongs to later requests
    std::string long_body;     // of the last answer so far; goes out after what was given to send
    std::string unsent;        // of the answers so far
    std::size_t sent = 0;      // of unsent
    BodySource source;         // what is left of an answer that is made while it is sent
    bool source_is_chunked = false;
    bool closes = false;       // after what is unsent
    bool lingers = false;      // before the close
    bool awaits_room = false;  // epoll watches for room to send, too
    std::size_t dropped = 0;   // while lingering
    std::size_t accounted = 0; // of the server's buffered bytes
    Clock::time_point send_end;

    // When the parked connection is to be looked after. Set by the holder before it parks.
    std::atomic<Clock::rep> deadline{0};

    // Takes a parked connection. False when it is held, or is not of this generation any more; a holder is told that there is
    // more to look at.
    [[nodiscard]] bool take(std::uint32_t generation, bool has_ended);
    // Takes it only if it is parked, whatever its generation.
    [[nodiscard]] bool take_parked();
    // Gives it away. False when something came meanwhile: the holder keeps it and looks again.
    [[nodiscard]] bool park();
    // The peer has ended its side, or the connection broke, as epoll said: reading will find out.
    [[nodiscard]] bool has_ended() const { return (control_.load(std::memory_order_relaxed) & kEnded) != 0; }
    [[nodiscard]] std::uint32_t generation() const;
    [[nodiscard]] bool is_open() const { return (control_.load(std::memory_order_relaxed) & kStates) != kFree; }

private:
    friend class ConnectionTable;

    static constexpr std::uint64_t kFree = 0;
    static constexpr std::uint64_t kHeld = 1;
    static constexpr std::uint64_t kParked = 2;
    static constexpr std::uint64_t kStates = 3;
    static constexpr std::uint64_t kSignalled = 4;  // an event came while it was held
    static constexpr std::uint64_t kEnded = 8;
    static constexpr unsigned kGenerationShift = 32;

    std::atomic<std::uint64_t> control_{kFree};
};

// Connections never move and are not freed before the table: an index stays good. Thread safe but for `end`.
class ConnectionTable {
public:
    explicit ConnectionTable(std::size_t connections_max);
    // Closes what is open.
    ~ConnectionTable();
    ConnectionTable(const ConnectionTable&) = delete;
    ConnectionTable& operator=(const ConnectionTable&) = delete;

    // Held by the caller; null when connections_max are open.
    [[nodiscard]] Connection* open(int descriptor, const std::string& peer);
    // Closes the descriptor; the connection must be held by the caller, and is not any more.
    void close(Connection& connection);

    [[nodiscard]] Connection* find(std::uint32_t index) const;
    // Every connection that there ever was has an index below.
    [[nodiscard]] std::uint32_t index_end() const { return index_end_.load(std::memory_order_acquire); }
    [[nodiscard]] std::size_t size() const { return open_.load(std::memory_order_relaxed); }

private:
    static constexpr std::size_t kChunk = 128;
    using Chunk = std::array<Connection, kChunk>;

    const std::size_t connections_max_;
    std::vector<std::unique_ptr<Chunk>> chunks_;  // as many places as can be needed; made when needed
    std::atomic<std::uint32_t> index_end_{0};
    std::atomic<std::size_t> open_{0};
    std::mutex mutex_;
    std::vector<std::uint32_t> free_;
};

}  // namespace gateway::http
