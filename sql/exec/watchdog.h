// Stops statements whose deadline has passed: one thread looks at all connections of all databases. A statement says when it
// must end and that it has ended with one atomic write each; nothing is allocated and no thread is woken while the watchdog is
// awake anyway. Not for databases whose driver looks at the clock itself. Used by sql/mysql; thread safe.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "sql/exec/deadline.h"

namespace sql::exec {

// The way to stop what connections of one database are running.
class Stopper {
public:
    virtual ~Stopper() = default;
    // Called on a thread of the watchdog's, one call at a time; may take a second or two; must not throw.
    virtual void stop(const std::vector<std::uint64_t>& connection_ids) = 0;
};

class Watched;

class Watchdog {
public:
    Watchdog() = default;
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;
    ~Watchdog();  // every Watched must be gone; waits for stops under way

    // Stops that were sent since the start.
    [[nodiscard]] std::uint64_t stops() const { return stops_.load(std::memory_order_relaxed); }

private:
    friend class Watched;
    struct Stop {
        std::shared_ptr<Stopper> stopper;
        std::vector<std::uint64_t> connection_ids;
        std::atomic<bool> is_done{false};
        std::thread thread;
    };

    void enter(Watched& watched);
    void leave(Watched& watched);
    void wake();
    void run();
    bool look(Deadline::Clock::time_point now);
    void stop(Watched& watched, Deadline::Clock::time_point now);
    [[nodiscard]] bool is_anything_armed() const;
    [[nodiscard]] bool is_free(const Stopper& stopper) const;
    void join_done();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Watched*> watched_;
    std::list<Stop> stops_under_way_;
    std::vector<Stop*> new_stops_;
    std::thread thread_;
    bool is_ending_ = false;
    std::atomic<bool> is_asleep_{true};
    std::atomic<std::uint64_t> stops_{0};
};

// One connection's entry. arm and disarm are called by whoever holds the connection.
class Watched {
public:
    // What may be done to a statement whose time is over.
    enum class Means {
        stop_and_sever,  // ask the database to stop it; cut the connection if that does not help
        sever,           // only cut the connection: whether a COMMIT was done must not depend on a stop
    };

    // `socket` is a descriptor of the connection that stays valid as long as this, or -1 where it is not known: then the
    // connection cannot be cut.
    Watched(std::shared_ptr<Watchdog> watchdog, std::shared_ptr<Stopper> stopper, std::uint64_t connection_id, int socket);
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;
    ~Watched();

    void arm(Deadline deadline, Means means);
    void disarm();
    // A stop was sent, or the connection cut. It may arrive late: the connection must not be used again.
    [[nodiscard]] bool is_stopped() const { return is_stopped_; }

private:
    friend class Watchdog;
    const std::shared_ptr<Watchdog> watchdog_;
    const std::shared_ptr<Stopper> stopper_;
    const std::uint64_t connection_id_;
    const int socket_;
    // Nanoseconds of the steady clock, the lowest bit saying which means; or one of the two states of watchdog.cpp.
    std::atomic<std::int64_t> stop_at_{0};
    bool is_stopped_ = false;
    // The watchdog's, under its mutex.
    std::size_t place_ = 0;
    Deadline::Clock::time_point expired_at_;
    Deadline::Clock::time_point stop_again_at_;
    bool is_cut_ = false;
    bool may_stop_ = false;
};

}  // namespace sql::exec
