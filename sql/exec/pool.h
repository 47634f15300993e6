// A bounded set of connections to one database. A lease waits its turn, no longer than its deadline, gives its connection back
// by itself, and drops one that an error poisoned. Thread safe. Built by the backends; used by execute and the catalog cache.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "sql/exec/connection.h"

namespace sql::exec {

struct PoolOptions {
    std::size_t connections_max = 16;
    std::chrono::milliseconds wait_max{2000};        // for a free connection
    std::chrono::milliseconds idle_check_after{20};  // a connection idle for longer is checked before use
};

class Pool;

class Lease {
public:
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&&) = delete;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease();

    Connection& operator*() const { return *connection_; }
    Connection* operator->() const { return connection_.get(); }
    // The connection will be closed instead of given back.
    void poison() { is_poisoned_ = true; }

private:
    friend class Pool;
    Lease(Pool& pool, std::unique_ptr<Connection> connection) : pool_(&pool), connection_(std::move(connection)) {}
    Pool* pool_;
    std::unique_ptr<Connection> connection_;
    bool is_poisoned_ = false;
};

class Pool {
public:
    using Connect = std::function<DbResult<std::unique_ptr<Connection>>(Deadline)>;
    Pool(Connect connect, PoolOptions options);
    ~Pool();  // every lease must have ended

    // First come, first served. Fails with busy (none free in time) or with the error of the connect that this lease made.
    // Connects and checks outside the lock.
    [[nodiscard]] DbResult<Lease> lease(Deadline deadline);

    // Closes every idle connection: the database was seen down, so they are suspect.
    void drop_idle();

private:
    friend class Lease;
    struct Idle {
        std::unique_ptr<Connection> connection;
        Deadline::Clock::time_point since;
    };
    struct Waiter {
        std::condition_variable turn;
    };

    void give_back(std::unique_ptr<Connection> connection, bool is_poisoned);
    // Waits for the right to use an idle connection or to open one; the idle connection when there is one. With the mutex held.
    [[nodiscard]] DbResult<std::optional<Idle>> take_turn(std::unique_lock<std::mutex>& lock, Deadline deadline);
    [[nodiscard]] bool has_room() const { return !idle_.empty() || open_count_ < options_.connections_max; }
    void wake_next();
    void release_slots(std::size_t count);
    const Connect connect_;
    const PoolOptions options_;
    std::mutex mutex_;
    std::list<Waiter*> waiters_;   // the longest waiting first
    std::vector<Idle> idle_;       // the most recently used last
    std::size_t open_count_ = 0;   // idle, leased, and being opened
};

}  // namespace sql::exec
