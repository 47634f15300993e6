#include <doctest/doctest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "sql/exec/budget.h"
#include "sql/exec/pool.h"
#include "tests/unit/sql_exec_fake.h"

using namespace fake;
using sql::exec::Budget;
using sql::exec::Lease;
using sql::exec::Pool;
using sql::exec::PoolOptions;

namespace {

std::unique_ptr<Pool> sharing(Script& script, const std::shared_ptr<Budget>& budget, PoolOptions options = {}) {
    auto pool = fake::pool(script, options);
    pool->share(budget);
    return pool;
}

PoolOptions patient(std::chrono::milliseconds wait, std::size_t connections_max = 16) {
    PoolOptions options;
    options.wait_max = wait;
    options.connections_max = connections_max;
    return options;
}

}  // namespace

TEST_CASE("a pool that has no connection gets the idle one of another pool when the budget is used up") {
    Script one;
    Script two;
    Script three;
    const auto budget = std::make_shared<Budget>(2, 1h);
    const auto first = sharing(one, budget);
    const auto second = sharing(two, budget);
    const auto third = sharing(three, budget);
    CHECK(first->lease(soon()));
    std::this_thread::sleep_for(2ms);
    CHECK(second->lease(soon()));
    CHECK(budget->taken() == 2);
    CHECK(third->lease(soon()));
    CHECK(one.open == 0);  // idle for longest
    CHECK(two.open == 1);
    CHECK(three.open == 1);
    CHECK(budget->taken() == 2);
    CHECK(second->lease(soon()));
    CHECK(two.connects == 1);
}

TEST_CASE("a budget whose connections are all at work makes a request wait for its time, then says busy") {
    Script one;
    Script two;
    const auto budget = std::make_shared<Budget>(1, 1h);
    const auto first = sharing(one, budget);
    const auto second = sharing(two, budget, patient(60ms));
    {
        const auto held = first->lease(soon());
        REQUIRE(held);
        const auto before = std::chrono::steady_clock::now();
        const auto refused = second->lease(soon());
        REQUIRE(!refused);
        CHECK(refused.error().fault == DbFault::busy);
        CHECK(std::chrono::steady_clock::now() - before >= 60ms);
        CHECK(two.connects == 0);
        CHECK(second->stats().timeouts == 1);
        CHECK(second->stats().waiting == 0);
    }
    CHECK(second->lease(soon()));
    CHECK(one.open == 0);
}

TEST_CASE("who waits for the budget goes on as soon as a connection elsewhere is given back") {
    Script one;
    Script two;
    const auto budget = std::make_shared<Budget>(1, 1h);
    const auto first = sharing(one, budget);
    const auto second = sharing(two, budget, patient(10s));
    std::optional<sql::exec::DbResult<Lease>> held(first->lease(soon()));
    std::thread giver([&] {
        std::this_thread::sleep_for(30ms);
        held.reset();
    });
    const auto before = std::chrono::steady_clock::now();
    CHECK(second->lease(soon()));
    CHECK(std::chrono::steady_clock::now() - before < 5s);
    giver.join();
    CHECK(budget->taken() == 1);
}

TEST_CASE("a pool waits for its own connection while the budget has none, and uses that") {
    Script one;
    Script two;
    const auto budget = std::make_shared<Budget>(2, 1h);
    const auto first = sharing(one, budget, patient(10s));
    const auto second = sharing(two, budget);
    const auto other = second->lease(soon());
    std::optional<sql::exec::DbResult<Lease>> held(first->lease(soon()));
    std::thread giver([&] {
        std::this_thread::sleep_for(30ms);
        held.reset();
    });
    CHECK(first->lease(soon()));
    giver.join();
    CHECK(one.connects == 1);
}

TEST_CASE("a failed connect, a poisoned connection and a pool that ends give back what they took") {
    const auto budget = std::make_shared<Budget>(4, 1h);
    Script script;
    {
        const auto pool = sharing(script, budget);
        script.connect = [] { return failed(DbFault::unavailable, Fate::drop); };
        CHECK_FALSE(pool->lease(soon()));
        CHECK(budget->taken() == 0);
        script.connect = nullptr;
        std::this_thread::sleep_for(60ms);
        {
            auto lease = pool->lease(soon());
            REQUIRE(lease);
            lease->poison();
        }
        CHECK(budget->taken() == 0);
        CHECK(pool->lease(soon()));
        CHECK(budget->taken() == 1);
        pool->drop_idle();
        CHECK(budget->taken() == 0);
        CHECK(pool->lease(soon()));
    }
    CHECK(budget->taken() == 0);
    CHECK(script.open == 0);
}

TEST_CASE("connections that nobody used for idle_max are closed, the others stay") {
    Script one;
    Script two;
    const auto budget = std::make_shared<Budget>(0, 40ms);
    const auto first = sharing(one, budget);
    const auto second = sharing(two, budget);
    {
        const auto held = first->lease(soon());
        CHECK(second->lease(soon()));
        budget->close_idle();
        CHECK(two.open == 1);
        std::this_thread::sleep_for(60ms);
        CHECK(second->stats().idle == 1);
        budget->close_idle();
        CHECK(two.open == 0);
        CHECK(one.open == 1);  // at work, for however long
    }
    budget->close_idle();
    CHECK(one.open == 1);
    CHECK(budget->taken() == 1);
    CHECK(second->lease(soon()));
    CHECK(two.connects == 2);
}

TEST_CASE("many threads on many pools never have more connections than the budget, and all are served") {
    constexpr std::size_t kMost = 3;
    const auto budget = std::make_shared<Budget>(kMost, 1h);
    Script script;  // of all pools: counts what is open at once
    std::vector<std::unique_ptr<Pool>> pools;
    for (int i = 0; i < 6; ++i) {
        pools.push_back(sharing(script, budget, patient(10s, 2)));
    }
    std::atomic<int> served{0};
    std::atomic<bool> is_over{false};
    std::thread sweeper([&] {
        while (!is_over) {
            budget->close_idle();
            std::this_thread::yield();
        }
    });
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < 8; ++i) {
        threads.emplace_back([&, i] {
            for (std::size_t turn = 0; turn < 60; ++turn) {
                if (const auto lease = pools[(i + turn) % pools.size()]->lease(Deadline::after(20s))) {
                    ++served;
                }
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    is_over = true;
    sweeper.join();
    CHECK(served == 480);
    CHECK(script.open_max <= static_cast<int>(kMost));
    CHECK(budget->taken() <= kMost);
    pools.clear();
    CHECK(budget->taken() == 0);
    CHECK(script.open == 0);
}
