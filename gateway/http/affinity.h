// Which processors our threads run on. A database on the same machine and we take turns on every processor by default, and each turn
// finds the caches full of the other's code. While the machine is full, half of it with us and half with others, our threads try to
// keep to half of the processors, and the scheduler gives the other half to the others; when more is served so, they stay there.
// Measured on two processors with MariaDB on the same machine: 4 to 40 % more rows by key a second, by the machine; and 18 % fewer
// where a third program takes a quarter of it, so that nothing but the trial can tell.
// Looked at by the accepting thread (watch.cpp), which has a tick.
#pragma once

#include <sched.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "gateway/http/spread.h"

namespace gateway::http {

class Affinity {
public:
    using Clock = std::chrono::steady_clock;

    // Events served since the start, by all threads.
    using Served = std::function<std::uint64_t()>;

    // With `is_on` false, or with less than two processors, it never does anything.
    Affinity(bool is_on, Served served);

    // Cheap; a few times a second it reads the load and may move every thread of the process. Never moves one again after somebody
    // else did.
    void look(Clock::time_point now);
    [[nodiscard]] Spread spread() const { return trials_.spread(); }

private:
    struct Sample {
        Clock::time_point at;
        double ours = 0;  // seconds of processors
        double idle = 0;
        std::uint64_t served = 0;
    };

    [[nodiscard]] std::optional<Sample> sample(Clock::time_point now) const;
    [[nodiscard]] const cpu_set_t& set_of(Spread spread) const { return spread == Spread::all ? all_ : half_; }
    [[nodiscard]] bool is_where(Spread spread) const;
    void move_all(Spread spread) const;

    bool is_on_ = false;
    const Served served_;
    cpu_set_t all_{};
    cpu_set_t half_{};
    SpreadTrials trials_;
    std::optional<Sample> last_;
};

}  // namespace gateway::http
