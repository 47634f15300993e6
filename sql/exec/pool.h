// A bounded set of connections to one database. A lease waits its turn, no longer than its deadline, gives its connection back
// by itself, and drops one that an error poisoned. A database that cannot be reached is asked again by one caller at a time,
// after growing pauses; the others get its last error at once. It may share a budget of connections with other pools. Thread safe.
// Built by the backends; used by execute and the catalog cache.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "sql/exec/budget.h"
#include "sql/exec/connection.h"

namespace sql::exec {

struct PoolOptions {
    std::size_t connections_max = 16;
    std::size_t queue_max = 0;                        // callers that may wait for a connection; 0: four times connections_max
    std::chrono::milliseconds wait_max{2000};         // for a free connection
    std::chrono::milliseconds idle_check_after{20};   // a connection idle for longer is looked at before it reads; before a write
                                                      // one that cannot be looked at is pinged
    std::chrono::milliseconds idle_ping_after{10000}; // a connection idle for longer is pinged before any use
    std::chrono::milliseconds backoff_min{25};        // between two tries to reach a database that is down, doubled each time
    std::chrono::milliseconds backoff_max{500};
    std::chrono::milliseconds budget_look{5};         // who waits for the budget looks again so often: no pool tells it
};

// What the pool is and did since it was made. For /metrics.
struct PoolStats {
    std::size_t connections_max = 0;
    std::size_t open = 0;  // idle, leased, and being opened
    std::size_t idle = 0;
    std::size_t waiting = 0;
    std::uint64_t timeouts = 0;  // waits that ended without a connection
    std::uint64_t refused = 0;   // the queue was full
    std::uint64_t connects = 0;
    std::uint64_t connect_failures = 0;
    bool is_down = false;        // the last try to connect failed
};

// A read that finds its connection dead is tried again on a new one; after a write that was sent nobody knows.
enum class Purpose { read, write };

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
    // Connections count in `budget` from now on. Before the first lease.
    void share(std::shared_ptr<Budget> budget);

    // First come, first served. Fails with busy (none free in time, or too many wait already), with the error of the connect that
    // this lease made, or with that of an earlier one while the pause after it lasts. Connects and checks outside the lock.
    [[nodiscard]] DbResult<Lease> lease(Deadline deadline, Purpose purpose = Purpose::write);

    // Closes every idle connection: the database was seen down, so they are suspect.
    void drop_idle();

    [[nodiscard]] PoolStats stats() const;

private:
    friend class Lease;
    friend class Budget;
    using Clock = Deadline::Clock;
    using Lock = std::unique_lock<std::mutex>;
    struct Idle {
        std::unique_ptr<Connection> connection;
        Clock::time_point since;
    };
    struct Waiter {
        std::condition_variable turn;
    };
    // The database could not be reached.
    struct Outage {
        DbError error;
        std::chrono::milliseconds backoff;
        Clock::time_point retry_at;  // while somebody tries: when the next one may, for a try can get stuck
    };
    // One connect.
    struct Attempt {
        bool is_probe = false;             // of a database that was down
        std::uint64_t connects_before = 0;
    };
    // The database takes no more connections, but we have some: those that want one more wait for these.
    struct Crowd {
        std::size_t connections_max;
        Clock::time_point until;
    };

    void give_back(std::unique_ptr<Connection> connection, bool is_poisoned);
    // The right to use an idle connection or to open one; the idle connection when there is one. With the mutex held.
    [[nodiscard]] DbResult<std::optional<Idle>> take_turn(Lock& lock, Deadline deadline, std::optional<Deadline>& until);
    // Waits in the queue for that right, with the mutex held; false when the time is over.
    [[nodiscard]] bool await_turn(Lock& lock, Deadline until, std::optional<Idle>& idle);
    // Takes it when it is there: the answer may be true without an idle connection. With the mutex held.
    [[nodiscard]] bool try_turn(std::optional<Idle>& idle);
    // The pool has so many connections less. With the mutex held.
    void forget(std::size_t count);
    // What the budget asks for. A spare connection is idle, and nobody waits for it.
    [[nodiscard]] std::optional<Clock::time_point> spare_since() const;
    [[nodiscard]] bool close_spare();
    // False when the pool has no connection left.
    [[nodiscard]] bool close_idle_since(Clock::time_point before);
    // Nothing when there is no connection but those that others hold: wait for one of them. The caller has a slot, which is
    // released unless there is a connection.
    [[nodiscard]] DbResult<std::unique_ptr<Connection>> open(Deadline deadline);
    // With the mutex held.
    [[nodiscard]] DbResult<std::unique_ptr<Connection>> give_up(DbError error);
    [[nodiscard]] DbResult<std::unique_ptr<Connection>> note_failure(DbError error, const Attempt& attempt);
    [[nodiscard]] bool works(Idle& idle, Deadline deadline, Purpose purpose) const;
    [[nodiscard]] bool has_room() const;
    [[nodiscard]] bool is_resting() const;
    [[nodiscard]] std::chrono::milliseconds jittered(std::chrono::milliseconds time) const;
    void wake_next();
    void release_slots(std::size_t count);

    const Connect connect_;
    const PoolOptions options_;
    std::shared_ptr<Budget> budget_;
    mutable std::mutex mutex_;
    std::list<Waiter*> waiters_;   // the longest waiting first
    std::vector<Idle> idle_;       // the most recently used last
    std::size_t open_count_ = 0;   // idle, leased, and being opened
    std::unique_ptr<Outage> outage_;  // null: none is known
    std::optional<Crowd> crowd_;
    PoolStats counted_;            // the counters of it
};

}  // namespace sql::exec
