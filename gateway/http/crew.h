// The threads of a server. A few seats decide how many of them compute at once; a thread that waits for a database leaves its
// seat to another one (see blocking.h), and one that has been away for too long loses it. So the number of requests under way is
// not tied to the number that is best for the processors. Each seated thread takes one event at a time from the epoll.
// Called by server.cpp; knows nothing of connections.
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace gateway::http {

class Crew {
public:
    using Clock = std::chrono::steady_clock;
    // Called with each event, on many threads at once; never throws.
    using OnEvent = std::function<void(const epoll_event&)>;

    // `epoll` must have a descriptor in it that is readable for ever once the crew is to stop. Threads come when they are needed,
    // at most `threads_max`.
    Crew(int epoll, std::size_t seats, std::size_t threads_max, OnEvent on_event);
    ~Crew();  // after stop()
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;

    void start();
    // Threads end after the event that they have, and are waited for.
    void stop();

    // Takes the seats of threads that have had one event for longer than `time`.
    void reclaim_seats(std::chrono::milliseconds time);
    // Some thread computes or waits for a database.
    [[nodiscard]] bool is_busy() const;
    // Nobody is there to take the next event.
    [[nodiscard]] bool is_exhausted() const;
    // Events that all threads had so far.
    [[nodiscard]] std::uint64_t served() const;
    [[nodiscard]] std::size_t threads() const { return thread_count_.load(std::memory_order_relaxed); }

private:
    friend class Blocking;

    struct Worker {
        explicit Worker(Crew& its_crew) : crew(its_crew) {}
        Crew& crew;
        std::atomic<bool> is_seated{true};
        std::atomic<Clock::rep> busy_since{0};  // 0: not busy
        std::atomic<std::uint64_t> served{0};   // written by the thread alone
        std::condition_variable called;
        bool is_called = false;  // with the crew's mutex
        std::thread thread;
    };

    static thread_local Worker* current_;

    void work(Worker& worker);
    [[nodiscard]] bool take_seat();
    void leave_seat(Worker& worker);
    // Waits for a seat; false when the crew stops.
    [[nodiscard]] bool await_seat(Worker& worker);
    // When a seat is free and nobody waits for events, somebody is called.
    void call_in();
    void hire();

    const int epoll_;
    const std::size_t seats_;
    const std::size_t threads_max_;
    const OnEvent on_event_;
    std::atomic<std::size_t> seated_{0};
    std::atomic<std::size_t> polling_{0};
    std::atomic<std::size_t> thread_count_{0};
    std::atomic<bool> is_stopping_{false};
    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::vector<Worker*> spare_;  // the one that worked last is called first: its memory is warm
};

}  // namespace gateway::http
