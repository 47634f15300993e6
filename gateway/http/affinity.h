// Which processors our threads run on. A database on the same machine and we take turns on every processor by default, and each turn
// finds the caches full of the other's code. While the machine is full, half of it with us and half with others, our threads keep to
// half of the processors and the scheduler gives the other half to the others. Measured on two processors with MariaDB on the same
// machine: 25 to 40 % more rows by key a second.
// Looked at by the accepting thread (watch.cpp), which has a tick.
#pragma once

#include <sched.h>

#include <chrono>
#include <cstddef>
#include <optional>

namespace gateway::http {

// Over some time; in processors: 1.5 is one and a half processors' work.
struct ProcessorLoad {
    double ours = 0;
    double idle = 0;  // of all processors that we may use
};

enum class Spread { all, half };

// What suits the load, for one that was had with `now`; of `all` processors `half` are ours when we keep to half.
[[nodiscard]] Spread suitable_spread(Spread now, const ProcessorLoad& load, std::size_t all, std::size_t half);

class Affinity {
public:
    using Clock = std::chrono::steady_clock;

    // With `is_on` false, or with less than two processors, it never does anything.
    explicit Affinity(bool is_on);

    // Cheap; a few times a second it reads the load and may move every thread of the process. Never moves one again after somebody
    // else did.
    void look(Clock::time_point now);
    [[nodiscard]] Spread spread() const { return spread_; }

private:
    struct Sample {
        Clock::time_point at;
        double ours = 0;  // seconds of processors
        double idle = 0;
    };

    [[nodiscard]] std::optional<Sample> sample(Clock::time_point now) const;
    [[nodiscard]] bool was_moved_by_others() const;
    void move_all(Spread spread);

    bool is_on_ = false;
    cpu_set_t all_{};
    cpu_set_t half_{};
    Spread spread_ = Spread::all;
    Spread wanted_before_ = Spread::all;
    Clock::time_point rest_until_{};  // not to half before
    std::optional<Sample> last_;
};

}  // namespace gateway::http
