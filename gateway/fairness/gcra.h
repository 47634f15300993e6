// The generic cell rate algorithm: one 64-bit time says how far a caller is ahead of its rate. It holds no rate of its own and reads
// no clock: both come with each call, so that the rate may change while it is in use. Lock-free; called by fairness::admit.
#pragma once

#include <atomic>
#include <cstdint>

namespace gateway::fairness {

// So many requests a second in the long run, and so many at once after a pause.
struct Rate {
    std::uint32_t per_second = 0;  // 0: no limit
    std::uint32_t burst = 0;       // at least 1 where there is a rate

    [[nodiscard]] bool is_limited() const { return per_second != 0; }
    friend bool operator==(const Rate&, const Rate&) = default;
};

class Gcra {
public:
    struct Verdict {
        bool is_allowed = false;
        std::int64_t wait_ns = 0;   // refused: until one would be allowed
        std::int64_t ahead_ns = 0;  // how far the caller is ahead of its rate now, this request included if it was allowed
    };

    // `now_ns` is a time of any monotonic clock; earlier ones than the last are judged as they are, which is more strictly.
    [[nodiscard]] Verdict take(const Rate& rate, std::int64_t now_ns) noexcept;
    void reset() noexcept { theoretical_arrival_.store(0, std::memory_order_relaxed); }
    // Has the caller its whole burst again?
    [[nodiscard]] bool is_rested(std::int64_t now_ns) const noexcept {
        return theoretical_arrival_.load(std::memory_order_relaxed) <= now_ns;
    }

private:
    std::atomic<std::int64_t> theoretical_arrival_{0};
};

// Nanoseconds that one request takes at this rate.
[[nodiscard]] constexpr std::int64_t interval_of(const Rate& rate) { return 1'000'000'000 / rate.per_second; }

}  // namespace gateway::fairness
