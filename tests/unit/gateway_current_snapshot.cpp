#include "gateway/current_snapshot.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using gateway::CurrentSnapshot;
using gateway::Snapshot;

namespace {

Snapshot named(const std::string& name) {
    Snapshot snapshot;
    snapshot.config.database_hint = name;
    return snapshot;
}

}  // namespace

TEST_CASE("a pinned snapshot stays as it is while others are published, and goes when nobody holds it") {
    CurrentSnapshot current(named("one"));
    CHECK_FALSE(current.retire());
    auto pin = current.pin();
    current.publish(named("two"));
    CHECK(pin->config.database_hint == "one");
    CHECK(current.pin()->config.database_hint == "two");
    CHECK(current.retire());
    pin.reset();
    CHECK_FALSE(current.retire());
}

TEST_CASE("every thread sees a whole snapshot, and the new one once it is published") {
    CurrentSnapshot current(named(std::string(64, 'a')));
    std::atomic<bool> is_over{false};
    std::atomic<int> torn{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 20; ++i) {  // more than there are slots
        threads.emplace_back([&] {
            while (!is_over) {
                const auto pin = current.pin();
                const std::string& text = pin->config.database_hint;
                if (text != std::string(64, text.front())) ++torn;
            }
            if (current.pin()->config.database_hint.front() != 'z') ++torn;
        });
    }
    for (int turn = 0; turn < 200; ++turn) current.publish(named(std::string(64, static_cast<char>('a' + turn % 25))));
    current.publish(named(std::string(64, 'z')));
    is_over = true;
    for (std::thread& thread : threads) thread.join();
    CHECK(torn == 0);
    CHECK_FALSE(current.retire());
}
