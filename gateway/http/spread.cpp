#include "gateway/http/spread.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace gateway::http {

Spread suitable_spread(Spread now, const ProcessorLoad& load, std::size_t all, std::size_t half) {
    const auto processors = static_cast<double>(all);
    const auto ours = static_cast<double>(half);
    if (now == Spread::half) {
        // Others may still use our half, so that a machine with enough to do is not idle.
        constexpr double kLittle = 0.62, kUnused = 0.1;
        return load.idle >= kUnused * processors || load.ours <= kLittle * ours ? Spread::all : Spread::half;
    }
    // Full, and even: when there is time to spare, one processor's queue only delays (measured at half load: four times the p99), and
    // when others need much more or much less than we, the halves do not fit (measured: 15 % fewer deletes).
    constexpr double kBusy = 0.05, kLeast = 0.395, kMost = 0.53;
    const bool is_even = load.ours >= kLeast * processors && load.ours <= kMost * processors;
    return load.idle <= kBusy * processors && is_even ? Spread::half : Spread::all;
}

void SpreadTrials::move() {
    spread_ = spread_ == Spread::all ? Spread::half : Spread::all;
    has_just_moved_ = true;
    rates_.clear();
}

// What comes after a lull may be another load: nothing that was seen before it counts.
Spread SpreadTrials::end_for_lull(Clock::time_point now) {
    rates_.clear();
    if (++lulls_ != kLullLooks) {
        return spread_;
    }
    is_trial_ = false;
    next_trial_ = now + kRest;
    patience_ = kPatience;
    if (spread_ == Spread::half) {
        move();
    }
    return spread_;
}

void SpreadTrials::judge(Clock::time_point now, double mean) {
    is_trial_ = false;
    if (mean > kGain * before_) {
        patience_ = kPatience;
    } else {
        patience_ = std::min(2 * patience_, kPatienceMax);
        move();
    }
    next_trial_ = now + patience_;
}

Spread SpreadTrials::look(Clock::time_point now, Spread suits, double rate) {
    const bool is_mixed = std::exchange(has_just_moved_, false);
    if (suits == Spread::all) {
        return end_for_lull(now);
    }
    lulls_ = 0;
    if (is_mixed) {
        return spread_;
    }
    rates_.push_back(rate);
    if (rates_.size() < kLooks) {
        return spread_;
    }
    const double mean = std::accumulate(rates_.begin(), rates_.end(), 0.0) / static_cast<double>(kLooks);
    rates_.erase(rates_.begin());
    if (is_trial_) {
        judge(now, mean);
    } else if (now >= next_trial_) {
        before_ = mean;
        is_trial_ = true;
        move();
    }
    return spread_;
}

}  // namespace gateway::http
