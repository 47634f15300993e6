// The one word "stop" that every thread of a server hears: a descriptor to poll beside a socket, and a time by which all must
// end. Raised once, from any thread; it stops nothing by itself. Owned by the server, read by the accept loop and by each
// connection.
#pragma once

#include <atomic>
#include <chrono>

namespace gateway::http {

class StopSignal {
public:
    using Clock = std::chrono::steady_clock;

    // Throws std::runtime_error when the system has no descriptor left.
    StopSignal();
    ~StopSignal();
    StopSignal(const StopSignal&) = delete;
    StopSignal& operator=(const StopSignal&) = delete;

    // Thread safe; the first call counts.
    void raise(std::chrono::milliseconds grace);
    [[nodiscard]] bool is_raised() const { return ends_at_.load(std::memory_order_acquire) != 0; }
    // `time`, or the end of the grace when that is earlier.
    [[nodiscard]] Clock::time_point clamp(Clock::time_point time) const;
    // Readable for ever once raised.
    [[nodiscard]] int descriptor() const { return descriptor_; }

private:
    int descriptor_;
    std::atomic<Clock::rep> ends_at_{0};  // 0: not raised
};

}  // namespace gateway::http
