#include "gateway/http/affinity.h"

#include <doctest/doctest.h>

#include <sched.h>

using gateway::http::Affinity;
using gateway::http::Spread;
using gateway::http::suitable_spread;

namespace {

Spread after(Spread now, double ours, double idle) {
    return suitable_spread(now, {ours, idle}, 2, 1);
}

}  // namespace

TEST_CASE("threads keep to half of the processors when the machine is full and half of it is ours") {
    CHECK(after(Spread::all, 1.0, 0.0) == Spread::half);
    CHECK(after(Spread::all, 0.9, 0.1) == Spread::half);
    CHECK(after(Spread::all, 0.9, 0.15) == Spread::all);
    CHECK(after(Spread::all, 1.0, 0.5) == Spread::all);  // nobody wants the rest
    CHECK(after(Spread::all, 0.85, 0.2) == Spread::all);  // some time to spare
    CHECK(after(Spread::all, 1.3, 0.0) == Spread::all);  // we want more than half
    CHECK(after(Spread::all, 0.7, 0.0) == Spread::all);  // others want more than half
    CHECK(suitable_spread(Spread::all, {8.0, 0.4}, 16, 8) == Spread::half);
    CHECK(suitable_spread(Spread::all, {8.0, 4.0}, 16, 8) == Spread::all);
}

TEST_CASE("threads leave their half when it is too little for them, or too much") {
    CHECK(after(Spread::half, 1.0, 0.0) == Spread::half);
    CHECK(after(Spread::half, 1.0, 0.5) == Spread::all);
    CHECK(after(Spread::half, 0.6, 0.2) == Spread::all);
    CHECK(after(Spread::half, 0.75, 0.35) == Spread::all);  // time to spare, and a queue for one processor
    CHECK(after(Spread::half, 0.1, 1.9) == Spread::all);
    CHECK(suitable_spread(Spread::half, {8.0, 4.0}, 16, 8) == Spread::all);
}

TEST_CASE("a spread that was chosen suits the load that it leads to") {
    // What we and the others need of the same machine, when it is busy.
    for (int percent = 5; percent <= 95; ++percent) {
        CAPTURE(percent);
        const double share = percent / 100.0;
        if (after(Spread::all, 2 * share, 0.0) == Spread::half) {
            const double done = std::min(1.0 / share, 2.0);  // others use of our half what we leave
            CHECK(after(Spread::half, done * share, 2 - done) == Spread::half);
        }
    }
}

TEST_CASE("an affinity that is off moves nobody") {
    cpu_set_t before, now;
    REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
    Affinity affinity(false);
    const auto start = Affinity::Clock::now();
    for (int second = 0; second < 5; ++second) {
        affinity.look(start + std::chrono::seconds(second));
    }
    CHECK(affinity.spread() == Spread::all);
    REQUIRE(sched_getaffinity(0, sizeof now, &now) == 0);
    CHECK(CPU_EQUAL(&before, &now));
}
