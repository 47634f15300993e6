#include "gateway/fairness/admit.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <thread>
#include <vector>

#include <doctest/doctest.h>
#include <toml++/toml.h>

#include "gateway/tenants/load.h"

using gateway::fairness::Admission;
using gateway::fairness::admit;
using gateway::fairness::Gcra;
using gateway::fairness::Limits;
using gateway::fairness::Rate;
using gateway::fairness::Share;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kSecond = 1000 * kMs;

steady_clock::time_point at(milliseconds time) { return steady_clock::time_point(std::chrono::hours(1) + time); }

Limits limits(std::uint32_t rate, std::uint32_t burst, std::uint32_t concurrency) {
    return {.rate = {.per_second = rate, .burst = burst}, .concurrency_max = concurrency};
}

std::string header(const Admission& admission, std::string_view name) {
    gateway::http::Response response;
    admission.add_headers(response);
    for (const auto& each : response.headers) {
        if (each.name == name) return each.value;
    }
    return "none";
}

// The answer to one request that ends at once: 0 when it may go on, else its Retry-After.
unsigned ask(const Share& share, std::string_view key, milliseconds time) {
    Admission admission;
    const auto admitted = admit(share, key, at(time), admission);
    if (!admitted) {
        CHECK(admitted.error().code == gateway::Code::rate_limited);
        CHECK(admitted.error().retry_after.value_or(0) >= 1);
    }
    return admitted ? 0 : *admitted.error().retry_after;
}

std::size_t allowed(const Share& share, std::string_view key, milliseconds time, std::size_t tries) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < tries; ++i) count += ask(share, key, time) == 0 ? 1 : 0;
    return count;
}

struct Loaded {
    Share share;
    std::vector<std::string> problems;
};
Loaded load(std::string_view text, const gateway::config::Config& config = {}) {
    Loaded loaded;
    gateway::tenants::Complaints complaints{"a.toml", loaded.problems};
    const toml::table table = toml::parse(text);
    gateway::tenants::Section section(table, "[[project.space]]", complaints);
    loaded.share = gateway::tenants::load_share(section, config);
    section.refuse_the_rest();
    return loaded;
}

}  // namespace

TEST_CASE("a caller may send its burst at once and then goes on at its rate") {
    Gcra gcra;
    const Rate rate{.per_second = 100, .burst = 20};
    for (int i = 0; i < 20; ++i) CHECK(gcra.take(rate, kSecond).is_allowed);
    const Gcra::Verdict refused = gcra.take(rate, kSecond);
    CHECK_FALSE(refused.is_allowed);
    CHECK(refused.wait_ns == 10 * kMs);
    CHECK_FALSE(gcra.take(rate, kSecond + 10 * kMs - 1).is_allowed);
    CHECK(gcra.take(rate, kSecond + 10 * kMs).is_allowed);
    CHECK_FALSE(gcra.take(rate, kSecond + 10 * kMs).is_allowed);
    // A pause of a day gives back the burst and no more.
    for (int i = 0; i < 20; ++i) CHECK(gcra.take(rate, 86'400 * kSecond).is_allowed);
    CHECK_FALSE(gcra.take(rate, 86'400 * kSecond).is_allowed);
}

TEST_CASE("a burst of one is one request an interval, the first at any time") {
    for (const std::int64_t now : {std::int64_t{0}, kSecond, std::int64_t{1} << 60}) {
        Gcra gcra;
        const Rate rate{.per_second = 1, .burst = 1};
        CHECK(gcra.take(rate, now).is_allowed);
        CHECK(gcra.take(rate, now).wait_ns == kSecond);
        CHECK(gcra.take(rate, now + kSecond).is_allowed);
    }
}

TEST_CASE("no window of random requests holds more than rate x time + burst, and a refused one would have been more") {
    std::mt19937_64 random(20261121);
    for (int round = 0; round < 60; ++round) {
        const Rate rate{.per_second = static_cast<std::uint32_t>(1 + random() % 2000), .burst = static_cast<std::uint32_t>(1 + random() % 50)};
        const std::int64_t interval = gateway::fairness::interval_of(rate);
        Gcra gcra;
        std::int64_t now = kSecond;
        std::vector<std::int64_t> taken;
        // A bucket of tokens as anybody would write it: the oracle. In nanoseconds, so that nothing is rounded.
        std::int64_t level = interval * rate.burst;
        std::int64_t last = now;
        for (int i = 0; i < 400; ++i) {
            now += static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(random() % 20 == 0 ? 30 * interval : interval));
            level = std::min(interval * rate.burst, level + now - last);
            last = now;
            const bool is_due = level >= interval;
            REQUIRE(gcra.take(rate, now).is_allowed == is_due);
            if (is_due) {
                level -= interval;
                taken.push_back(now);
            }
        }
        bool is_ever_more = false;
        for (std::size_t first = 0; first < taken.size(); ++first) {
            for (std::size_t end = first; end < taken.size(); ++end) {
                const std::int64_t most = (taken[end] - taken[first]) / interval + rate.burst;
                is_ever_more |= static_cast<std::int64_t>(end - first + 1) > most;
            }
        }
        CHECK_FALSE(is_ever_more);
    }
}

TEST_CASE("requests whose times come in the wrong order get no credit") {
    Gcra gcra;
    const Rate rate{.per_second = 1000, .burst = 10};
    std::size_t count = 0;
    for (std::int64_t i = 0; i < 1000; ++i) count += gcra.take(rate, kSecond + (i % 2 == 0 ? 5 * kMs : 0)).is_allowed ? 1 : 0;
    CHECK(count <= 15);
    CHECK(count >= 10);
}

TEST_CASE("four threads together get what one would get") {
    Gcra gcra;
    const Rate rate{.per_second = 10'000, .burst = 50};
    std::atomic<int> count = 0;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (std::int64_t i = 0; i < 20'000; ++i) {
                if (gcra.take(rate, kSecond + i * 10'000).is_allowed) ++count;  // 0.2 s, 2,000 requests at this rate
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(count <= 2051);
    CHECK(count >= 2000);
}

TEST_CASE("a share without limits asks nothing, counts nothing and says nothing") {
    const Share share = Share::make({}, {});
    CHECK(share.use == nullptr);
    Admission admission;
    CHECK(admit(share, "key", at(milliseconds(0)), admission));
    CHECK(header(admission, "RateLimit") == "none");
    CHECK(header(admission, "RateLimit-Policy") == "none");
}

TEST_CASE("the headers say what is left and when all of it is back") {
    const Share share = Share::make(limits(100, 200, 0), {});
    {
        Admission admission;
        REQUIRE(admit(share, {}, at(milliseconds(0)), admission));
        CHECK(header(admission, "RateLimit-Policy") == R"("tenant";q=100;w=1)");
        CHECK(header(admission, "RateLimit") == R"("tenant";r=100;t=1)");
    }
    CHECK(allowed(share, {}, milliseconds(0), 149) == 149);
    {
        Admission admission;
        REQUIRE(admit(share, {}, at(milliseconds(0)), admission));
        CHECK(header(admission, "RateLimit") == R"("tenant";r=49;t=1)");
    }
    CHECK(allowed(share, {}, milliseconds(0), 300) == 49);
    Admission admission;
    const auto refused = admit(share, {}, at(milliseconds(0)), admission);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().retry_after == 1u);
    CHECK(refused.error().detail == "this space sends more than its 100 requests a second; nothing was done");
    CHECK(header(admission, "RateLimit-Policy") == R"("tenant";q=100;w=1)");
    CHECK(header(admission, "RateLimit") == R"("tenant";r=0;t=1)");
    // Of a burst below the rate no more is promised than there can be.
    const Share small = Share::make(limits(100, 3, 0), {});
    Admission first;
    REQUIRE(admit(small, {}, at(milliseconds(0)), first));
    CHECK(header(first, "RateLimit") == R"("tenant";r=2;t=1)");
}

TEST_CASE("requests under way beyond the concurrency are refused until one ends") {
    const Share share = Share::make(limits(0, 0, 2), {});
    auto first = std::make_unique<Admission>();
    auto second = std::make_unique<Admission>();
    CHECK(admit(share, {}, at(milliseconds(0)), *first));
    CHECK(admit(share, {}, at(milliseconds(0)), *second));
    CHECK(header(*second, "RateLimit") == "none");
    {
        Admission third;
        const auto refused = admit(share, {}, at(milliseconds(0)), third);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().retry_after == 1u);
        CHECK(header(third, "RateLimit-Policy") == R"("tenant-concurrency";q=2;qu="concurrent-requests")");
        CHECK(header(third, "RateLimit") == R"("tenant-concurrency";r=0;t=1)");
    }
    CHECK(share.use->tenant.in_flight == 2);
    first.reset();
    CHECK(share.use->tenant.in_flight == 1);
    CHECK(ask(share, {}, milliseconds(0)) == 0);
    second.reset();
    CHECK(share.use->tenant.in_flight == 0);
}

TEST_CASE("a request that the rate refuses holds no place, and one that finds no place costs nothing of the rate") {
    const Share share = Share::make(limits(1, 1, 1), {});
    {
        Admission refused;
        CHECK(ask(share, {}, milliseconds(0)) == 0);
        CHECK_FALSE(admit(share, {}, at(milliseconds(0)), refused));
        CHECK(share.use->tenant.in_flight == 0);
    }
    {
        Admission running;
        CHECK(admit(share, {}, at(milliseconds(1000)), running));
        CHECK(allowed(share, {}, milliseconds(2000), 5) == 0);  // full
    }
    CHECK(ask(share, {}, milliseconds(2000)) == 0);
}

TEST_CASE("each API key has its own rate, and what one sends beyond it takes nothing of the space's") {
    const Share share = Share::make(limits(100, 30, 0), limits(10, 10, 0));
    CHECK(allowed(share, "greedy", milliseconds(0), 1000) == 10);
    CHECK(allowed(share, "modest", milliseconds(0), 5) == 5);
    CHECK(allowed(share, {}, milliseconds(0), 1000) == 15);  // identified otherwise: the space's rate alone
    Admission admission;
    CHECK_FALSE(admit(share, "modest", at(milliseconds(0)), admission));
    CHECK(header(admission, "RateLimit-Policy") == R"("tenant";q=100;w=1, "key";q=10;w=1)");
    CHECK(header(admission, "RateLimit") == R"("tenant";r=0;t=1, "key";r=4;t=1)");
}

TEST_CASE("a key's meter outlives a sweep while it counts, and those of keys that rest are dropped") {
    gateway::fairness::KeyMeters meters;
    const Rate rate{.per_second = 1, .burst = 1};
    CHECK(meters.of("busy", kSecond)->gcra.take(rate, 1'000'000 * kSecond).is_allowed);
    const auto held = meters.of("held", kSecond);
    for (int i = 0; i < 5000; ++i) static_cast<void>(meters.of("key " + std::to_string(i), kSecond));
    CHECK_FALSE(meters.of("busy", kSecond)->gcra.take(rate, 1'000'000 * kSecond).is_allowed);
    CHECK(meters.of("held", kSecond) == held);
}

TEST_CASE("a reload keeps the counters, a changed rate begins anew, and places are counted through both") {
    const Share before = Share::make(limits(1, 10, 2), {});
    CHECK(allowed(before, {}, milliseconds(0), 100) == 10);
    Admission running;
    CHECK(admit(before, {}, at(milliseconds(10'000)), running));
    Share same = Share::make(limits(1, 10, 2), {});
    same.adopt(before);
    CHECK(allowed(same, {}, milliseconds(10'000), 100) == 9);
    Share faster = Share::make(limits(100, 5, 2), {});
    faster.adopt(same);
    CHECK(faster.use->tenant.in_flight == 1);
    CHECK(allowed(faster, {}, milliseconds(10'000), 100) == 5);
    Share unlimited = Share::make({}, {});
    unlimited.adopt(faster);
    CHECK(unlimited.use == nullptr);
}

TEST_CASE("limits come from the space, else from the settings, and a burst without a rate is refused") {
    const Loaded own = load("rate = 100\nburst = 200\nconcurrency_max = 32\nkey_rate = 5");
    CHECK(own.problems.empty());
    CHECK(own.share.tenant == limits(100, 200, 32));
    CHECK(own.share.key == limits(5, 5, 0));
    CHECK(load("").share.use == nullptr);
    gateway::config::Config config;
    config.tenant_share = {.rate = 50, .burst = 70, .concurrency_max = 8};
    CHECK(load("", config).share.tenant == limits(50, 70, 8));
    CHECK(load("rate = 10", config).share.tenant == limits(10, 70, 8));
    CHECK(load("rate = 0\nconcurrency_max = 0", config).share.use == nullptr);
    CHECK(load("burst = 5").problems == std::vector<std::string>{"a.toml:1: [[project.space]] burst: stands without rate"});
    CHECK(load("rate = 1\nburst = 0").problems == std::vector<std::string>{"a.toml:2: [[project.space]] burst: must be at least 1"});
    CHECK(load("rate = -1").problems == std::vector<std::string>{"a.toml:1: [[project.space]] rate: -1 is outside 0 to 1000000"});
    CHECK(load("rate = 1.5").problems == std::vector<std::string>{"a.toml:1: [[project.space]] rate: must be an integer"});
    CHECK(load("rates = 1").problems == std::vector<std::string>{"a.toml:1: [[project.space]] rates: unknown key; did you mean rate?"});
}
