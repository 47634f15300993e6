// The point in time after which nobody waits for the answer any more. Travels with each request to the pool and the driver.
#pragma once

#include <algorithm>
#include <chrono>

namespace sql::exec {

class Deadline {
public:
    using Clock = std::chrono::steady_clock;
    explicit Deadline(Clock::time_point at) : at_(at) {}
    [[nodiscard]] static Deadline after(Clock::duration duration) { return Deadline(Clock::now() + duration); }

    [[nodiscard]] Clock::time_point at() const { return at_; }
    [[nodiscard]] bool has_passed() const { return Clock::now() >= at_; }
    // Never negative.
    [[nodiscard]] std::chrono::milliseconds remaining() const {
        return std::max(std::chrono::milliseconds(0),
                        std::chrono::duration_cast<std::chrono::milliseconds>(at_ - Clock::now()));
    }
    [[nodiscard]] Deadline sooner(Clock::duration duration) const { return Deadline(std::min(at_, Clock::now() + duration)); }

private:
    Clock::time_point at_;
};

}  // namespace sql::exec
