// The one word "stop" that every thread of a server hears: a flag, and a descriptor to poll beside a socket. Raised once, from any
// thread; it stops nothing by itself. Owned and read by server.cpp.
#pragma once

#include <atomic>

namespace gateway::http {

class StopSignal {
public:
    // Throws std::runtime_error when the system has no descriptor left.
    StopSignal();
    ~StopSignal();
    StopSignal(const StopSignal&) = delete;
    StopSignal& operator=(const StopSignal&) = delete;

    // Thread safe; the first call counts.
    void raise();
    [[nodiscard]] bool is_raised() const { return is_raised_.load(std::memory_order_acquire); }
    [[nodiscard]] const std::atomic<bool>& flag() const { return is_raised_; }
    // Readable for ever once raised.
    [[nodiscard]] int descriptor() const { return descriptor_; }

private:
    int descriptor_;
    std::atomic<bool> is_raised_{false};
};

}  // namespace gateway::http
