#include <doctest/doctest.h>

#include <thread>

#include "sql/exec/pool.h"
#include "tests/unit/sql_exec_fake.h"

using namespace fake;
using sql::exec::Lease;
using sql::exec::PoolOptions;

TEST_CASE("a pool gives the same connection again instead of opening a second one") {
    Script script;
    const auto pool = fake::pool(script);
    for (int i = 0; i < 3; ++i) {
        CHECK(pool->lease(soon()));
    }
    CHECK(script.connects == 1);
}

TEST_CASE("a poisoned connection is closed and not given out again") {
    Script script;
    const auto pool = fake::pool(script);
    {
        auto lease = pool->lease(soon());
        REQUIRE(lease);
        lease->poison();
    }
    CHECK(script.open == 0);
    CHECK(pool->lease(soon()));
    CHECK(script.connects == 2);
}

TEST_CASE("a full pool makes a lease wait no longer than wait_max and then says busy") {
    Script script;
    PoolOptions options;
    options.connections_max = 1;
    options.wait_max = 30ms;
    const auto pool = fake::pool(script, options);
    const auto held = pool->lease(soon());
    const auto before = std::chrono::steady_clock::now();
    const auto second = pool->lease(soon());
    const auto waited = std::chrono::steady_clock::now() - before;
    REQUIRE(!second);
    CHECK(second.error().fault == DbFault::busy);
    CHECK(waited >= 30ms);
    CHECK(waited < 2s);
}

TEST_CASE("a request's deadline ends the wait for a connection before wait_max does") {
    Script script;
    PoolOptions options;
    options.connections_max = 1;
    options.wait_max = 10s;
    const auto pool = fake::pool(script, options);
    const auto held = pool->lease(soon());
    const auto second = pool->lease(Deadline::after(20ms));
    REQUIRE(!second);
    CHECK(second.error().fault == DbFault::busy);
}

TEST_CASE("waiters of a full pool are served in the order in which they came") {
    Script script;
    PoolOptions options;
    options.connections_max = 1;
    options.queue_max = 5;
    options.wait_max = 5s;
    const auto pool = fake::pool(script, options);
    std::vector<int> order;
    std::mutex mutex;
    std::vector<std::thread> threads;
    {
        auto held = pool->lease(soon());
        REQUIRE(held);
        for (int i = 0; i < 5; ++i) {
            threads.emplace_back([&, i] {
                const auto lease = pool->lease(soon());
                const std::lock_guard lock(mutex);
                order.push_back(lease ? i : -1);
            });
            std::this_thread::sleep_for(20ms);
        }
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(order == std::vector<int>{0, 1, 2, 3, 4});
}

TEST_CASE("many threads never open more connections than the bound") {
    Script script;
    PoolOptions options;
    options.connections_max = 3;
    const auto pool = fake::pool(script, options);
    std::atomic<int> served = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&, i] {
            for (int round = 0; round < 200; ++round) {
                auto lease = pool->lease(soon());
                if (lease && (i + round) % 7 == 0) {
                    lease->poison();
                }
                served += lease ? 1 : 0;
                if (round % 50 == 0) {
                    pool->drop_idle();
                }
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(served == 8 * 200);
    CHECK(script.open_max <= 3);
}

TEST_CASE("a connect that fails is reported at once and leaves its slot to the next") {
    Script script;
    int attempts = 0;
    script.connect = [&]() -> DbResult<void> {
        if (++attempts == 1) {
            return failed(DbFault::unavailable, Fate::drop);
        }
        return {};
    };
    PoolOptions options;
    options.connections_max = 1;
    const auto pool = fake::pool(script, options);
    const auto first = pool->lease(soon());
    REQUIRE(!first);
    CHECK(first.error().fault == DbFault::unavailable);
    CHECK(attempts == 1);
    std::this_thread::sleep_for(options.backoff_min);
    CHECK(pool->lease(soon()));
}

TEST_CASE("a connect that fails wakes one who waits for its slot, with the same error") {
    Script script;
    std::atomic<int> attempts = 0;
    script.connect = [&]() -> DbResult<void> {
        std::this_thread::sleep_for(30ms);
        ++attempts;
        return failed(DbFault::unavailable, Fate::drop);
    };
    PoolOptions options;
    options.connections_max = 1;
    options.wait_max = 5s;
    const auto pool = fake::pool(script, options);
    const auto before = std::chrono::steady_clock::now();
    const auto wanted = [&] {
        const auto lease = pool->lease(soon());
        CHECK(!lease);
        CHECK(lease.error().fault == DbFault::unavailable);
    };
    std::thread other(wanted);
    wanted();
    other.join();
    CHECK(attempts == 1);
    CHECK(std::chrono::steady_clock::now() - before < 1s);
}

TEST_CASE("a connection that died while it was idle is replaced, and those idle for longer with it") {
    Script script;
    PoolOptions options;
    options.idle_check_after = 5ms;
    const auto pool = fake::pool(script, options);
    {
        const auto first = pool->lease(soon());
        const auto second = pool->lease(soon());
    }
    CHECK(script.open == 2);
    std::this_thread::sleep_for(10ms);
    int checks = 0;
    script.is_alive = [&](int) { return ++checks > 1; };
    CHECK(pool->lease(soon()));
    CHECK(checks == 1);
    CHECK(script.connects == 3);
    CHECK(script.open == 1);
}

TEST_CASE("a connection that was used a moment ago is not checked") {
    Script script;
    PoolOptions options;
    options.idle_check_after = 10s;
    const auto pool = fake::pool(script, options);
    script.is_alive = [](int) { return false; };
    { const auto lease = pool->lease(soon()); }
    CHECK(pool->lease(soon()));
    CHECK(script.connects == 1);
}
