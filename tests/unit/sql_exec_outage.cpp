#include <doctest/doctest.h>

#include <thread>

#include "sql/exec/pool.h"
#include "tests/unit/sql_exec_fake.h"

using namespace fake;
using sql::exec::Look;
using sql::exec::PoolOptions;
using sql::exec::Purpose;

namespace {

using Clock = std::chrono::steady_clock;

void use(sql::exec::Pool& pool, Purpose purpose = Purpose::write) {
    CHECK(pool.lease(soon(), purpose));
}

}  // namespace

TEST_CASE("a database that is down is asked less and less often, and never by two at once") {
    Script script;
    std::atomic<int> attempts = 0;
    std::atomic<int> at_once = 0;
    std::atomic<int> at_once_max = 0;
    script.connect = [&]() -> DbResult<void> {
        ++attempts;
        at_once_max = std::max(at_once_max.load(), ++at_once);
        std::this_thread::sleep_for(2ms);
        --at_once;
        return failed(DbFault::unavailable, Fate::drop);
    };
    const auto pool = fake::pool(script);
    CHECK(!pool->lease(soon()));
    at_once_max = 0;
    std::atomic<int> refused = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (const auto end = Clock::now() + 700ms; Clock::now() < end;) {
                const auto before = Clock::now();
                const auto lease = pool->lease(soon());
                CHECK(!lease);
                CHECK(lease.error().fault == DbFault::unavailable);
                CHECK(lease.error().internal == "told to fail");
                CHECK(Clock::now() - before < 500ms);
                ++refused;
                std::this_thread::sleep_for(1ms);
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(at_once_max == 1);
    // Pauses of 25, 50, 100, 200 and 400 ms, each at least half as long.
    CHECK(attempts >= 3);
    CHECK(attempts <= 8);
    CHECK(refused > 100);
    CHECK(pool->stats().is_down);
    CHECK(pool->stats().open == 0);
    CHECK(pool->stats().connect_failures == static_cast<std::uint64_t>(attempts.load()));
}

TEST_CASE("a database that came back serves again within a second, all callers at once") {
    Script script;
    std::atomic<bool> is_up = false;
    script.connect = [&]() -> DbResult<void> {
        return is_up ? DbResult<void>() : DbResult<void>(failed(DbFault::unavailable, Fate::drop));
    };
    const auto pool = fake::pool(script);
    for (const auto end = Clock::now() + 1500ms; Clock::now() < end;) {
        CHECK(!pool->lease(soon()));
        std::this_thread::sleep_for(1ms);
    }
    is_up = true;
    const auto back = Clock::now();
    while (!pool->lease(soon())) {
        std::this_thread::sleep_for(1ms);
        REQUIRE(Clock::now() - back < 1s);
    }
    CHECK_FALSE(pool->stats().is_down);
    const auto one = pool->lease(soon());
    const auto two = pool->lease(soon());
    CHECK(one);
    CHECK(two);
}

TEST_CASE("a connect that its caller's deadline ended does not count as an outage") {
    Script script;
    bool is_first = true;
    script.connect = [&]() -> DbResult<void> {
        return std::exchange(is_first, false) ? DbResult<void>(failed(DbFault::deadline_exceeded, Fate::drop)) : DbResult<void>();
    };
    const auto pool = fake::pool(script);
    CHECK(!pool->lease(soon()));
    CHECK_FALSE(pool->stats().is_down);
    CHECK(pool->lease(soon()));
    CHECK(pool->lease(Deadline::after(-1ms)));  // an idle one
    const auto held = pool->lease(soon());
    CHECK(pool->lease(Deadline::after(-1ms)).error().fault == DbFault::busy);
    CHECK_FALSE(pool->stats().is_down);
}

TEST_CASE("while a database is down its idle connections are still used") {
    Script script;
    bool is_up = true;
    script.connect = [&]() -> DbResult<void> {
        return is_up ? DbResult<void>() : DbResult<void>(failed(DbFault::unavailable, Fate::drop));
    };
    const auto pool = fake::pool(script);
    auto held = std::optional(pool->lease(soon()));
    is_up = false;
    CHECK(!pool->lease(soon()));
    held.reset();
    CHECK(pool->lease(soon()));
}

TEST_CASE("when the database takes no more connections, callers wait for those that there are") {
    Script script;
    std::atomic<int> attempts = 0;
    script.connect = [&]() -> DbResult<void> {
        return ++attempts > 2 ? DbResult<void>(failed(DbFault::busy, Fate::drop)) : DbResult<void>();
    };
    PoolOptions options;
    options.connections_max = 8;
    options.wait_max = 5s;
    const auto pool = fake::pool(script, options);
    std::atomic<int> served = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 20; ++round) {
                const auto lease = pool->lease(soon());
                served += lease ? 1 : 0;
                std::this_thread::sleep_for(1ms);
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(served == 160);
    CHECK(pool->stats().open == 2);
    CHECK(attempts < 20);
}

TEST_CASE("a database that takes no connection at all is busy") {
    Script script;
    script.connect = []() -> DbResult<void> { return failed(DbFault::busy, Fate::drop); };
    const auto pool = fake::pool(script);
    CHECK(pool->lease(soon()).error().fault == DbFault::busy);
    CHECK(pool->stats().open == 0);
}

TEST_CASE("more callers than the queue holds are refused at once") {
    Script script;
    PoolOptions options;
    options.connections_max = 1;
    options.wait_max = 400ms;
    SUBCASE("four for each connection") {}
    SUBCASE("as many as was said") {
        options.queue_max = 4;
    }
    const auto pool = fake::pool(script, options);
    const auto held = pool->lease(soon());
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] { CHECK(!pool->lease(soon())); });
    }
    while (pool->stats().waiting < 4) {
        std::this_thread::sleep_for(1ms);
    }
    const auto before = Clock::now();
    const auto fifth = pool->lease(soon());
    CHECK(Clock::now() - before < 200ms);
    REQUIRE(!fifth);
    CHECK(fifth.error().fault == DbFault::busy);
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(pool->stats().refused == 1);
    CHECK(pool->stats().timeouts == 4);
    CHECK(pool->stats().waiting == 0);
}

TEST_CASE("a connection with something left of a request is closed instead of given back") {
    Script script;
    const auto pool = fake::pool(script);
    script.is_reusable = false;
    use(*pool);
    CHECK(script.open == 0);
    script.is_reusable = true;
    use(*pool);
    use(*pool);
    CHECK(script.connects == 2);
    CHECK(pool->stats().idle == 1);
}

TEST_CASE("before a read no connection is pinged, before a write one that cannot be looked at") {
    Script script;
    PoolOptions options;
    options.idle_check_after = 1ms;
    const auto pool = fake::pool(script, options);
    use(*pool);
    std::this_thread::sleep_for(5ms);
    use(*pool, Purpose::read);
    CHECK(script.pings == 0);
    std::this_thread::sleep_for(5ms);
    use(*pool);
    CHECK(script.pings == 1);
    script.look = Look::alive;
    std::this_thread::sleep_for(5ms);
    use(*pool);
    CHECK(script.pings == 1);
    CHECK(script.connects == 1);
}

TEST_CASE("a connection that is seen dead is replaced before it is used") {
    Script script;
    PoolOptions options;
    options.idle_check_after = 1ms;
    const auto pool = fake::pool(script, options);
    for (const Purpose purpose : {Purpose::read, Purpose::write}) {
        script.look = Look::alive;
        use(*pool);
        const int before = script.connects;
        script.look = Look::dead;
        std::this_thread::sleep_for(5ms);
        use(*pool, purpose);
        CHECK(script.connects == before + 1);
        CHECK(script.pings == 0);
    }
}

TEST_CASE("a connection that was idle for long is pinged before any use") {
    Script script;
    PoolOptions options;
    options.idle_ping_after = 2ms;
    const auto pool = fake::pool(script, options);
    script.look = Look::alive;
    use(*pool);
    std::this_thread::sleep_for(5ms);
    use(*pool, Purpose::read);
    CHECK(script.pings == 1);
}

TEST_CASE("a try that got stuck does not keep the database from coming back") {
    Script script;
    std::atomic<int> attempts = 0;
    std::atomic<bool> is_let_go = false;
    script.connect = [&]() -> DbResult<void> {
        const int attempt = ++attempts;
        while (attempt == 2 && !is_let_go) {
            std::this_thread::sleep_for(1ms);
        }
        return attempt <= 2 ? DbResult<void>(failed(DbFault::unavailable, Fate::drop)) : DbResult<void>();
    };
    const auto pool = fake::pool(script);
    CHECK(!pool->lease(soon()));
    std::this_thread::sleep_for(30ms);
    std::thread stuck([&] { CHECK(!pool->lease(soon())); });
    while (attempts < 2) {
        std::this_thread::sleep_for(1ms);
    }
    const auto start = Clock::now();
    while (!pool->lease(soon())) {
        CHECK(attempts == 2);
        std::this_thread::sleep_for(5ms);
        REQUIRE(Clock::now() - start < 2s);
    }
    CHECK(Clock::now() - start > 1s);
    is_let_go = true;
    stuck.join();
    // What it found out is older than the success.
    CHECK_FALSE(pool->stats().is_down);
}
