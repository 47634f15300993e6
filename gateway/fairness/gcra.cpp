#include "gateway/fairness/gcra.h"

#include <algorithm>

namespace gateway::fairness {

Gcra::Verdict Gcra::take(const Rate& rate, std::int64_t now_ns) noexcept {
    const std::int64_t interval = interval_of(rate);
    const std::int64_t tolerance = interval * rate.burst;
    std::int64_t arrival = theoretical_arrival_.load(std::memory_order_relaxed);
    while (true) {
        const std::int64_t next = std::max(arrival, now_ns) + interval;
        if (next - now_ns > tolerance) {
            return {.is_allowed = false, .wait_ns = next - now_ns - tolerance, .ahead_ns = next - interval - now_ns};
        }
        if (theoretical_arrival_.compare_exchange_weak(arrival, next, std::memory_order_relaxed)) {
            return {.is_allowed = true, .wait_ns = 0, .ahead_ns = next - now_ns};
        }
    }
}

}  // namespace gateway::fairness
