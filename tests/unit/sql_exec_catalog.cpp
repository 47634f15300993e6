#include <doctest/doctest.h>

#include <thread>

#include "sql/exec/catalog_cache.h"
#include "tests/unit/sql_exec_fake.h"

using namespace fake;
using sql::exec::CatalogCache;
using sql::exec::CatalogOptions;
using Raw = std::optional<schemas::RawTable>;

TEST_CASE("a table is read once and then known until its lifetime ends") {
    Script script;
    int reads = 0;
    script.introspect = [&](std::string_view) -> DbResult<Raw> {
        ++reads;
        return raw_table();
    };
    const auto pool = fake::pool(script);
    CatalogCache cache(*pool, {});
    const auto first = cache.find("t", soon());
    REQUIRE(first);
    REQUIRE(*first);
    CHECK((*first)->name.text() == "t");
    CHECK(cache.find("t", soon()).value() == *first);
    CHECK(reads == 1);
}

TEST_CASE("an entry past its lifetime is kept when its settled version still holds, and read again when not") {
    Script script;
    int reads = 0;
    std::string token = "v1";
    script.introspect = [&](std::string_view) -> DbResult<Raw> {
        ++reads;
        return raw_table("int(11)", token);
    };
    script.token = [&]() -> DbResult<std::string> { return token; };
    const auto pool = fake::pool(script);
    CatalogOptions options;
    options.lifetime = 0ms;
    CatalogCache cache(*pool, options);
    const auto first = cache.find("t", soon()).value();
    CHECK(cache.find("t", soon()).value() == first);
    CHECK(reads == 1);
    token = "v2";
    const auto second = cache.find("t", soon()).value();
    CHECK(second != first);
    CHECK(second->version.token == "v2");
    CHECK(reads == 2);
}

TEST_CASE("an entry whose version is not settled is read again whole") {
    Script script;
    int reads = 0;
    script.introspect = [&](std::string_view) -> DbResult<Raw> {
        ++reads;
        return raw_table("int(11)", "v1", false);
    };
    const auto pool = fake::pool(script);
    CatalogOptions options;
    options.lifetime = 0ms;
    CatalogCache cache(*pool, options);
    CHECK(cache.find("t", soon()));
    CHECK(cache.find("t", soon()));
    CHECK(reads == 2);
}

TEST_CASE("threads that want the same table share one load") {
    Script script;
    std::atomic<int> reads = 0;
    script.introspect = [&](std::string_view) -> DbResult<Raw> {
        ++reads;
        std::this_thread::sleep_for(50ms);
        return raw_table();
    };
    const auto pool = fake::pool(script);
    CatalogCache cache(*pool, {});
    std::atomic<int> found = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
            const auto table = cache.find("t", soon());
            found += table && *table ? 1 : 0;
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    CHECK(found == 8);
    CHECK(reads == 1);
}

TEST_CASE("who waits for another's load gives up at its own deadline") {
    Script script;
    script.introspect = [&](std::string_view) -> DbResult<Raw> {
        std::this_thread::sleep_for(200ms);
        return raw_table();
    };
    const auto pool = fake::pool(script);
    CatalogCache cache(*pool, {});
    std::thread loader([&] { CHECK(cache.find("t", soon())); });
    std::this_thread::sleep_for(30ms);
    const auto late = cache.find("t", Deadline::after(20ms));
    REQUIRE(!late);
    CHECK(late.error().fault == DbFault::busy);
    loader.join();
}

TEST_CASE("a load that fails is given to all who waited and not remembered") {
    Script script;
    std::atomic<int> reads = 0;
    script.introspect = [&](std::string_view) -> DbResult<Raw> {
        std::this_thread::sleep_for(50ms);
        if (++reads == 1) {
            return failed(DbFault::denied, Fate::keep);
        }
        return raw_table();
    };
    const auto pool = fake::pool(script);
    CatalogCache cache(*pool, {});
    std::thread other([&] {
        const auto table = cache.find("t", soon());
        REQUIRE(!table);
        CHECK(table.error().fault == DbFault::denied);
    });
    const auto table = cache.find("t", soon());
    other.join();
    REQUIRE(!table);
    CHECK(table.error().fault == DbFault::denied);
    CHECK(reads == 1);
    CHECK(cache.find("t", soon()));
}

TEST_CASE("a connection lost while a table was read is replaced once") {
    Script script;
    int reads = 0;
    script.introspect = [&](std::string_view) -> DbResult<Raw> {
        if (++reads == 1) {
            return failed(DbFault::outcome_unknown, Fate::drop);
        }
        return raw_table();
    };
    const auto pool = fake::pool(script);
    CatalogCache cache(*pool, {});
    CHECK(cache.find("t", soon()));
    CHECK(script.connects == 2);
    script.introspect = [&](std::string_view) -> DbResult<Raw> { return failed(DbFault::unavailable, Fate::drop); };
    const auto down = cache.find("u", soon());
    REQUIRE(!down);
    CHECK(down.error().fault == DbFault::unavailable);
}

TEST_CASE("an unknown name is looked for once in a miss interval") {
    Script script;
    int reads = 0;
    script.introspect = [&](std::string_view) -> DbResult<Raw> {
        ++reads;
        return Raw();
    };
    const auto pool = fake::pool(script);
    CatalogOptions options;
    options.miss_interval = 40ms;
    CatalogCache cache(*pool, options);
    CHECK(cache.find("nope", soon()).value() == nullptr);
    CHECK(cache.find("nope", soon()).value() == nullptr);
    CHECK(reads == 1);
    std::this_thread::sleep_for(50ms);
    CHECK(cache.find("nope", soon()).value() == nullptr);
    CHECK(reads == 2);
}

TEST_CASE("no more than misses_max unknown names are remembered, and old ones make room") {
    Script script;
    int reads = 0;
    script.introspect = [&](std::string_view name) -> DbResult<Raw> {
        ++reads;
        return name == "t" ? Raw(raw_table()) : Raw();
    };
    const auto pool = fake::pool(script);
    CatalogOptions options;
    options.misses_max = 2;
    options.miss_interval = 60ms;
    CatalogCache cache(*pool, options);
    for (const char* name : {"a", "b", "c", "a", "b", "c"}) {
        CHECK(cache.find(name, soon()).value() == nullptr);
    }
    CHECK(reads == 4);  // c is asked for each time
    CHECK(cache.find("t", soon()).value() != nullptr);
    std::this_thread::sleep_for(70ms);
    CHECK(cache.find("c", soon()).value() == nullptr);
    CHECK(cache.find("c", soon()).value() == nullptr);
    CHECK(reads == 6);
}

TEST_CASE("reload reads a stale entry again unless somebody already did") {
    Script script;
    int reads = 0;
    script.introspect = [&](std::string_view) -> DbResult<Raw> {
        ++reads;
        return raw_table();
    };
    const auto pool = fake::pool(script);
    CatalogCache cache(*pool, {});
    const auto first = cache.find("t", soon()).value();
    const auto second = cache.reload(first, "t", soon()).value();
    CHECK(second != first);
    CHECK(cache.reload(first, "t", soon()).value() == second);
    CHECK(reads == 2);
}

TEST_CASE("a missing column makes a table be read again at most once in a miss interval") {
    Script script;
    int reads = 0;
    script.introspect = [&](std::string_view) -> DbResult<Raw> {
        ++reads;
        return raw_table();
    };
    const auto pool = fake::pool(script);
    CatalogOptions options;
    options.miss_interval = 40ms;
    CatalogCache cache(*pool, options);
    const auto first = cache.find("t", soon()).value();
    const auto second = cache.reload_for_miss(first, "t", soon()).value();
    CHECK(second != first);
    CHECK(reads == 2);
    CHECK(cache.reload_for_miss(second, "t", soon()).value() == second);
    CHECK(reads == 2);
    std::this_thread::sleep_for(50ms);
    CHECK(cache.reload_for_miss(second, "t", soon()).value() != second);
    CHECK(reads == 3);
}
