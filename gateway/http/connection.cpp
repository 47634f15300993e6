#include "gateway/http/connection.h"

#include <unistd.h>

#include <utility>

namespace gateway::http {

bool Connection::take(std::uint32_t generation, bool has_ended) {
    std::uint64_t seen = control_.load(std::memory_order_acquire);
    for (;;) {
        if (seen >> kGenerationShift != generation || (seen & kStates) == kFree) {
            return false;
        }
        const bool is_parked = (seen & kStates) == kParked;
        std::uint64_t wanted = is_parked ? (seen & ~kStates) | kHeld : seen | kSignalled;
        wanted |= has_ended ? kEnded : 0;
        if (control_.compare_exchange_weak(seen, wanted, std::memory_order_acq_rel, std::memory_order_acquire)) {
            return is_parked;
        }
    }
}

bool Connection::take_parked() {
    std::uint64_t seen = control_.load(std::memory_order_acquire);
    while ((seen & kStates) == kParked) {
        if (control_.compare_exchange_weak(seen, (seen & ~kStates) | kHeld, std::memory_order_acq_rel, std::memory_order_acquire)) {
            return true;
        }
    }
    return false;
}

bool Connection::park() {
    std::uint64_t seen = control_.load(std::memory_order_acquire);
    for (;;) {
        const bool is_signalled = (seen & kSignalled) != 0;
        const std::uint64_t wanted = is_signalled ? seen & ~kSignalled : (seen & ~kStates) | kParked;
        if (control_.compare_exchange_weak(seen, wanted, std::memory_order_acq_rel, std::memory_order_acquire)) {
            return !is_signalled;
        }
    }
}

std::uint32_t Connection::generation() const {
    return static_cast<std::uint32_t>(control_.load(std::memory_order_relaxed) >> kGenerationShift);
}

ConnectionTable::ConnectionTable(std::size_t connections_max)
    : connections_max_(connections_max), chunks_((connections_max + kChunk - 1) / kChunk) {}

ConnectionTable::~ConnectionTable() {
    for (std::uint32_t index = 0; index < index_end(); ++index) {
        if (find(index)->is_open()) {
            ::close(find(index)->descriptor);
        }
    }
}

Connection* ConnectionTable::find(std::uint32_t index) const {
    return &(*chunks_[index / kChunk])[index % kChunk];
}

Connection* ConnectionTable::open(int descriptor, const std::string& peer) {
    Connection* connection = nullptr;
    {
        const std::lock_guard lock(mutex_);
        if (size() >= connections_max_) {
            return nullptr;
        }
        std::uint32_t index = 0;
        if (free_.empty()) {
            index = index_end();
            std::unique_ptr<Chunk>& chunk = chunks_[index / kChunk];
            if (!chunk) {
                chunk = std::make_unique<Chunk>();
                // So that closing never allocates.
                free_.reserve((index / kChunk + 1) * kChunk);
            }
            index_end_.store(index + 1, std::memory_order_release);
        } else {
            index = free_.back();
            free_.pop_back();
        }
        open_.fetch_add(1, std::memory_order_relaxed);
        connection = find(index);
        connection->index = index;
    }
    connection->descriptor = descriptor;
    connection->peer = peer;
    const std::uint64_t generation = connection->control_.load(std::memory_order_relaxed) >> Connection::kGenerationShift;
    connection->control_.store((generation + 1) << Connection::kGenerationShift | Connection::kHeld, std::memory_order_release);
    return connection;
}

void ConnectionTable::close(Connection& connection) {
    const int descriptor = std::exchange(connection.descriptor, -1);
    connection.peer = {};
    connection.is_counted = false;
    connection.is_unix = false;
    connection.phase = Connection::Phase::receiving;
    connection.receiver.reset();
    connection.timed = Receiver::Phase::idle;
    connection.unread = {};
    connection.long_body = {};
    connection.unsent = {};
    connection.sent = 0;
    connection.source = nullptr;
    connection.closes = false;
    connection.lingers = false;
    connection.awaits_room = false;
    connection.dropped = 0;
    connection.accounted = 0;
    connection.control_.store(connection.control_.load(std::memory_order_relaxed) & ~std::uint64_t{0xFFFFFFFF},
                              std::memory_order_release);
    // After the word says free: the system may give the number to the next connection at once.
    ::close(descriptor);
    const std::lock_guard lock(mutex_);
    free_.push_back(connection.index);
    open_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace gateway::http
