#include <doctest/doctest.h>

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

#include "sql/exec/watchdog.h"

using namespace std::chrono_literals;
using sql::exec::Deadline;
using sql::exec::Watchdog;
using sql::exec::Watched;
using Means = sql::exec::Watched::Means;

namespace {

class Stops final : public sql::exec::Stopper {
public:
    explicit Stops(std::chrono::milliseconds duration = 0ms) : duration_(duration) {}
    void stop(const std::vector<std::uint64_t>& connection_ids) override {
        {
            const std::lock_guard lock(mutex_);
            ids_.insert(ids_.end(), connection_ids.begin(), connection_ids.end());
        }
        std::this_thread::sleep_for(duration_);
    }
    [[nodiscard]] std::size_t count(std::uint64_t id) const {
        const std::lock_guard lock(mutex_);
        return static_cast<std::size_t>(std::count(ids_.begin(), ids_.end(), id));
    }

private:
    const std::chrono::milliseconds duration_;
    mutable std::mutex mutex_;
    std::vector<std::uint64_t> ids_;
};

struct Pair {
    Pair() { REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0); }
    ~Pair() {
        close(ends[0]);
        close(ends[1]);
    }
    [[nodiscard]] bool is_cut() const {
        char byte = 0;
        return recv(ends[1], &byte, 1, MSG_DONTWAIT) == 0;
    }
    std::array<int, 2> ends{};
};

}  // namespace

TEST_CASE("a statement that outlives its deadline is stopped, and its connection known as stopped") {
    const auto watchdog = std::make_shared<Watchdog>();
    const auto stops = std::make_shared<Stops>();
    Watched watched(watchdog, stops, 7, -1);
    Watched other(watchdog, stops, 8, -1);
    watched.arm(Deadline::after(50ms), Means::stop_and_sever);
    other.arm(Deadline::after(10s), Means::stop_and_sever);
    std::this_thread::sleep_for(200ms);
    CHECK(stops->count(7) == 1);
    watched.disarm();
    other.disarm();
    CHECK(watched.is_stopped());
    CHECK(stops->count(8) == 0);
    CHECK_FALSE(other.is_stopped());
    CHECK(watchdog->stops() == 1);
}

TEST_CASE("a statement that ends in time is never stopped, however often it is armed") {
    const auto watchdog = std::make_shared<Watchdog>();
    const auto stops = std::make_shared<Stops>();
    Watched watched(watchdog, stops, 7, -1);
    for (const auto end = std::chrono::steady_clock::now() + 300ms; std::chrono::steady_clock::now() < end;) {
        watched.arm(Deadline::after(200ms), Means::stop_and_sever);
        watched.disarm();
    }
    CHECK(stops->count(7) == 0);
    CHECK_FALSE(watched.is_stopped());
}

TEST_CASE("whoever is stopped knows it, whatever the moment at which the statement ended") {
    const auto watchdog = std::make_shared<Watchdog>();
    const auto stops = std::make_shared<Stops>();
    std::atomic<int> wrong = 0;
    std::atomic<int> stopped = 0;
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i < 3; ++i) {
        threads.emplace_back([&, i] {
            for (std::uint64_t round = 0; round < 40; ++round) {
                const std::uint64_t id = 1000 * i + round;
                Watched watched(watchdog, stops, id, -1);
                watched.arm(Deadline::after(5ms), Means::stop_and_sever);
                std::this_thread::sleep_for(std::chrono::microseconds(500 * round));
                watched.disarm();
                const bool is_stopped = watched.is_stopped();
                stopped += is_stopped ? 1 : 0;
                std::this_thread::sleep_for(5ms);
                wrong += stops->count(id) > 0 && !is_stopped ? 1 : 0;
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(wrong == 0);
    CHECK(stopped > 0);
    CHECK(stopped < 120);
}

TEST_CASE("a stop that did not help is sent again, and then the connection is cut") {
    const auto watchdog = std::make_shared<Watchdog>();
    const auto stops = std::make_shared<Stops>();
    const Pair pair;
    Watched watched(watchdog, stops, 7, pair.ends[0]);
    watched.arm(Deadline::after(20ms), Means::stop_and_sever);
    std::this_thread::sleep_for(200ms);
    CHECK(stops->count(7) == 1);
    CHECK_FALSE(pair.is_cut());
    std::this_thread::sleep_for(600ms);
    CHECK(pair.is_cut());
    CHECK(stops->count(7) == 2);
    watched.disarm();
    CHECK(watched.is_stopped());
}

TEST_CASE("a COMMIT is cut and not stopped") {
    const auto watchdog = std::make_shared<Watchdog>();
    const auto stops = std::make_shared<Stops>();
    const Pair pair;
    Watched watched(watchdog, stops, 7, pair.ends[0]);
    watched.arm(Deadline::after(20ms), Means::sever);
    std::this_thread::sleep_for(200ms);
    CHECK(pair.is_cut());
    CHECK(stops->count(7) == 0);
    watched.disarm();
    CHECK(watched.is_stopped());
}

TEST_CASE("a database that hangs does not keep another's statements from being stopped") {
    const auto watchdog = std::make_shared<Watchdog>();
    const auto hanging = std::make_shared<Stops>(700ms);
    const auto healthy = std::make_shared<Stops>();
    Watched one(watchdog, hanging, 1, -1);
    Watched two(watchdog, healthy, 2, -1);
    one.arm(Deadline::after(1ms), Means::stop_and_sever);
    std::this_thread::sleep_for(100ms);
    two.arm(Deadline::after(1ms), Means::stop_and_sever);
    std::this_thread::sleep_for(150ms);
    CHECK(hanging->count(1) == 1);
    CHECK(healthy->count(2) == 1);
    one.disarm();
    two.disarm();
}

TEST_CASE("a watchdog that fell asleep wakes for the next statement") {
    const auto watchdog = std::make_shared<Watchdog>();
    const auto stops = std::make_shared<Stops>();
    Watched watched(watchdog, stops, 7, -1);
    watched.arm(Deadline::after(1s), Means::stop_and_sever);
    watched.disarm();
    std::this_thread::sleep_for(1300ms);
    watched.arm(Deadline::after(20ms), Means::stop_and_sever);
    std::this_thread::sleep_for(200ms);
    CHECK(stops->count(7) == 1);
    watched.disarm();
}

TEST_CASE("a watchdog that was never needed ends at once") {
    const auto watchdog = std::make_shared<Watchdog>();
    const Watched watched(watchdog, std::make_shared<Stops>(), 7, -1);
    CHECK_FALSE(watched.is_stopped());
}
