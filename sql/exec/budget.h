// The connections that all pools together have open: how many there may be, and which of them nobody has used for long. A pool
// takes one unit for each connection before it opens it and gives it back after it is closed; it asks for room when there is none,
// and then the connection of another pool that has been idle for longest is closed. It opens nothing itself and counts no
// connection outside of pools. Thread safe; a pool's mutex is taken under the budget's, never the other way round.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <vector>

namespace sql::exec {

class Pool;

class Budget {
public:
    // 0 connections: as many as there may be. An idle connection is closed after `idle_max`.
    Budget(std::size_t connections_max, std::chrono::milliseconds idle_max) : connections_max_(connections_max), idle_max_(idle_max) {}
    Budget(const Budget&) = delete;
    Budget& operator=(const Budget&) = delete;

    // False when all are taken. Without a lock: pools call these under their own mutex.
    [[nodiscard]] bool take();
    void give(std::size_t count) { taken_.fetch_sub(count); }
    [[nodiscard]] std::size_t taken() const { return taken_.load(); }
    [[nodiscard]] std::chrono::milliseconds idle_max() const { return idle_max_; }

    // Closes one idle connection of another pool; false when there is none. Without the asking pool's mutex.
    bool make_room(const Pool& asking);
    // Closes what was idle for too long. Called by the owner, every now and then.
    void close_idle();

    // `pool` is about to open a connection; it is looked at until it has none. Without the pool's mutex.
    void enlist(Pool& pool);
    // The pool ends.
    void strike_out(const Pool& pool);

private:
    const std::size_t connections_max_;
    const std::chrono::milliseconds idle_max_;
    std::atomic<std::size_t> taken_{0};
    std::mutex mutex_;
    std::vector<Pool*> pools_;  // those that have connections, or had when they were last looked at
};

}  // namespace sql::exec
