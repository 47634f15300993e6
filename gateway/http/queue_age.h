// How long events wait in an epoll before a thread takes them. The kernel keeps them in order and does not say how old they are,
// so a marker is put behind them from time to time and the time is taken until somebody picks it up.
// Called by server.cpp: `send` by one thread, the rest by any.
#pragma once

#include <atomic>
#include <chrono>

namespace gateway::http {

class QueueAge {
public:
    using Clock = std::chrono::steady_clock;

    // Throws std::runtime_error when the system has no descriptor left.
    QueueAge();
    ~QueueAge();
    QueueAge(const QueueAge&) = delete;
    QueueAge& operator=(const QueueAge&) = delete;

    // To be watched edge-triggered for reading.
    [[nodiscard]] int descriptor() const { return descriptor_; }
    // Puts the marker behind what waits now. One that is still on its way is as old as the queue at least.
    void send();
    // The marker was picked up.
    void received();
    // As last known.
    [[nodiscard]] Clock::duration age() const { return Clock::duration(last_.load(std::memory_order_relaxed)); }

private:
    const int descriptor_;
    std::atomic<Clock::rep> sent_{0};  // 0: not on its way
    std::atomic<Clock::rep> last_{0};
};

}  // namespace gateway::http
