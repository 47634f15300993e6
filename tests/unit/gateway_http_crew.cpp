#include "gateway/http/crew.h"

#include <doctest/doctest.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

using gateway::http::Crew;

TEST_CASE("a crew counts the events that it has served") {
    constexpr int kEvents = 20;
    const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
    REQUIRE(epoll >= 0);
    std::vector<int> descriptors;
    const auto add = [&](std::uint32_t events) {
        descriptors.push_back(::eventfd(1, EFD_CLOEXEC));  // readable from the start
        epoll_event event{};
        event.events = events;
        REQUIRE(::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptors.back(), &event) == 0);
    };
    std::atomic<int> seen{0};
    Crew crew(epoll, 2, 4, [&](const epoll_event&) { ++seen; });
    CHECK(crew.served() == 0);
    crew.start();
    for (int i = 0; i < kEvents; ++i) add(EPOLLIN | EPOLLONESHOT);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (crew.served() < kEvents && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK(seen == kEvents);
    CHECK(crew.served() == kEvents);
    add(EPOLLIN);  // for ever, so that every thread hears of the end
    crew.stop();
    for (const int descriptor : descriptors) ::close(descriptor);
    ::close(epoll);
}
