// On how many of the processors our threads are to run: what the load suggests, and what a trial of it showed. Pure: affinity.h looks
// at the machine and moves the threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

namespace gateway::http {

// Over some time; in processors: 1.5 is one and a half processors' work.
struct ProcessorLoad {
    double ours = 0;
    double idle = 0;  // of all processors that we may use
};

enum class Spread { all, half };

// What suits the load, for one that was had with `now`; of `all` processors `half` are ours when we keep to half. Half is worth a trial,
// no more: how much is won by it, if anything, depends on the machine and on who else runs there.
[[nodiscard]] Spread suitable_spread(Spread now, const ProcessorLoad& load, std::size_t all, std::size_t half);

// Tries the other spread while the load suits half, keeps the one with which more is done, and tries again later.
class SpreadTrials {
public:
    using Clock = std::chrono::steady_clock;

    // One look at a machine: what suits the load since the last look, and how many events a second were served in that time. Returns
    // the spread from now on.
    Spread look(Clock::time_point now, Spread suits, double rate);
    [[nodiscard]] Spread spread() const { return spread_; }

private:
    static constexpr std::size_t kLooks = 3;  // that a rate is the mean of
    static constexpr int kLullLooks = 2;      // in a row; a single one moves nobody
    static constexpr double kGain = 1.01;     // what is tried has to be so much better
    // A load between the two is served wide rather than moved to and fro.
    static constexpr std::chrono::seconds kRest{3};
    // Between trials: twice as long after each that was lost, up to the last.
    static constexpr std::chrono::seconds kPatience{10}, kPatienceMax{120};

    void move();
    Spread end_for_lull(Clock::time_point now);
    void judge(Clock::time_point now, double mean);

    Spread spread_ = Spread::all;
    bool has_just_moved_ = false;  // the next look is partly of before
    bool is_trial_ = false;
    double before_ = 0;  // rate with the other spread
    std::vector<double> rates_;  // of the last looks at a load that suits half
    int lulls_ = 0;
    Clock::time_point next_trial_{};
    std::chrono::seconds patience_ = kPatience;
};

}  // namespace gateway::http
