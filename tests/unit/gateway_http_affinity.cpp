#include "gateway/http/affinity.h"

#include <doctest/doctest.h>

#include <sched.h>

using gateway::http::Affinity;
using gateway::http::Spread;
using gateway::http::SpreadTrials;
using gateway::http::suitable_spread;

namespace {

Spread after(Spread now, double ours, double idle) {
    return suitable_spread(now, {ours, idle}, 2, 1);
}

// A machine on which so much is served with each spread, looked at five times a second; nobody else changes anything.
class Machine {
public:
    Machine(double with_all, double with_half) : with_all_(with_all), with_half_(with_half) {}

    void suits(Spread spread) { suits_ = spread; }
    void serves(double with_all, double with_half) {
        with_all_ = with_all;
        with_half_ = with_half;
    }
    Spread look() {
        const double rate = trials_.spread() == Spread::all ? with_all_ : with_half_;
        return trials_.look(now_ += std::chrono::milliseconds(200), suits_, rate);
    }
    // Seconds of the next `seconds` that were spent with half.
    double seconds_in_half(int seconds) {
        int looks = 0;
        for (int i = 0; i < 5 * seconds; ++i) looks += look() == Spread::half ? 1 : 0;
        return looks / 5.0;
    }

private:
    double with_all_;
    double with_half_;
    Spread suits_ = Spread::half;
    SpreadTrials trials_;
    SpreadTrials::Clock::time_point now_{};
};

}  // namespace

TEST_CASE("half of the processors suits a machine that is full and half ours") {
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

TEST_CASE("half of the processors suits no more when it is too little for us, or too much") {
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

TEST_CASE("half is tried when it suits, and kept when more is served with it") {
    Machine machine(1000, 1100);
    CHECK(machine.look() == Spread::all);
    CHECK(machine.look() == Spread::all);
    CHECK(machine.look() == Spread::half);
    // All is tried again now and then, ever less often.
    CHECK(machine.seconds_in_half(120) > 112);
    CHECK(machine.seconds_in_half(600) > 594);
}

TEST_CASE("half is left when less is served with it, and tried again ever less often") {
    Machine machine(1000, 900);
    CHECK(machine.seconds_in_half(2) == doctest::Approx(0.8));
    CHECK(machine.seconds_in_half(17) == 0);
    CHECK(machine.seconds_in_half(600) < 6);
}

TEST_CASE("half is not kept for nothing") {
    Machine machine(1000, 1005);
    CHECK(machine.seconds_in_half(600) < 8);
}

TEST_CASE("half is not kept when nothing at all is served") {
    Machine machine(0, 0);
    CHECK(machine.seconds_in_half(2) == doctest::Approx(0.8));
    CHECK(machine.seconds_in_half(17) == 0);
}

TEST_CASE("another program that comes or goes is noticed") {
    Machine machine(1000, 1100);
    CHECK(machine.seconds_in_half(60) > 50);
    machine.serves(1000, 800);
    machine.seconds_in_half(125);
    CHECK(machine.seconds_in_half(600) < 8);
    machine.serves(1000, 1100);
    machine.seconds_in_half(125);
    CHECK(machine.seconds_in_half(600) > 580);
}

TEST_CASE("what won is held against the other one soon, however long that had lost") {
    Machine machine(1000, 1100);
    machine.seconds_in_half(600);
    machine.serves(1000, 800);
    for (int i = 0; i < 5 * 125 && machine.look() == Spread::half; ++i) {}
    CHECK(machine.seconds_in_half(10) == 0);
    CHECK(machine.seconds_in_half(3) > 0);
}

TEST_CASE("after a lull all begins anew") {
    Machine machine(1000, 1100);
    machine.seconds_in_half(600);
    machine.suits(Spread::all);
    machine.look();
    CHECK(machine.look() == Spread::all);
    machine.suits(Spread::half);
    machine.serves(1000, 800);
    CHECK(machine.seconds_in_half(5) == doctest::Approx(0.8));
    CHECK(machine.seconds_in_half(18) == 0);
    CHECK(machine.seconds_in_half(4) == doctest::Approx(0.8));
}

TEST_CASE("a trial that another load lost says nothing of this one") {
    Machine machine(1000, 900);
    machine.seconds_in_half(600);
    machine.suits(Spread::all);
    CHECK(machine.seconds_in_half(3) == 0);
    machine.suits(Spread::half);
    machine.serves(1000, 1100);
    CHECK(machine.seconds_in_half(2) == doctest::Approx(1.6));
    CHECK(machine.seconds_in_half(4) == 4);
}

TEST_CASE("a load that comes and goes is served wide") {
    Machine machine(1000, 900);
    double seconds = 0;
    for (int burst = 0; burst < 60; ++burst) {
        machine.suits(Spread::all);
        seconds += machine.seconds_in_half(1);
        machine.suits(Spread::half);
        seconds += machine.seconds_in_half(1);
    }
    CHECK(seconds == 0);
}

TEST_CASE("what was served before a lull does not count") {
    Machine machine(1000, 1100);
    machine.look();
    machine.look();
    machine.suits(Spread::all);
    machine.look();
    machine.suits(Spread::half);
    CHECK(machine.look() == Spread::all);
    CHECK(machine.look() == Spread::all);
    CHECK(machine.look() == Spread::half);
}

TEST_CASE("half is left when the load suits it no more, not for a single look, and comes back soon") {
    Machine machine(1000, 1100);
    CHECK(machine.seconds_in_half(3) > 2);
    machine.suits(Spread::all);
    CHECK(machine.look() == Spread::half);
    machine.suits(Spread::half);
    CHECK(machine.look() == Spread::half);
    machine.suits(Spread::all);
    CHECK(machine.look() == Spread::half);
    CHECK(machine.look() == Spread::all);
    machine.suits(Spread::half);
    CHECK(machine.seconds_in_half(2) == 0);
    CHECK(machine.seconds_in_half(3) > 1);
}

TEST_CASE("a trial that the load ends says nothing") {
    Machine machine(1000, 900);
    for (int i = 0; i < 4; ++i) machine.look();
    machine.suits(Spread::all);
    machine.look();
    CHECK(machine.look() == Spread::all);
    machine.suits(Spread::half);
    CHECK(machine.seconds_in_half(15) == doctest::Approx(0.8));
}

TEST_CASE("what is never full is never moved") {
    Machine machine(1000, 2000);
    machine.suits(Spread::all);
    CHECK(machine.seconds_in_half(600) == 0);
}

TEST_CASE("an affinity that is off moves nobody") {
    cpu_set_t before, now;
    REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
    Affinity affinity(false, [] { return std::uint64_t{0}; });
    const auto start = Affinity::Clock::now();
    for (int second = 0; second < 5; ++second) {
        affinity.look(start + std::chrono::seconds(second));
    }
    CHECK(affinity.spread() == Spread::all);
    REQUIRE(sched_getaffinity(0, sizeof now, &now) == 0);
    CHECK(CPU_EQUAL(&before, &now));
}
