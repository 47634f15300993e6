#include "sql/exec/pool.h"

#include <algorithm>
#include <utility>

namespace sql::exec {

Lease::Lease(Lease&& other) noexcept
    : pool_(other.pool_), connection_(std::move(other.connection_)), is_poisoned_(other.is_poisoned_) {}

Lease::~Lease() {
    if (connection_) {
        pool_->give_back(std::move(connection_), is_poisoned_);
    }
}

Pool::Pool(Connect connect, PoolOptions options) : connect_(std::move(connect)), options_(options) {
    // So that giving back, which destructors do, never allocates.
    idle_.reserve(options_.connections_max);
}

Pool::~Pool() = default;

DbResult<Lease> Pool::lease(Deadline deadline) {
    std::unique_lock lock(mutex_);
    auto turn = take_turn(lock, deadline);
    if (!turn) {
        return tl::unexpected(std::move(turn.error()));
    }
    lock.unlock();
    if (*turn) {
        Idle& idle = **turn;
        if (Deadline::Clock::now() - idle.since < options_.idle_check_after || idle.connection->is_alive(deadline)) {
            return Lease(*this, std::move(idle.connection));
        }
        // The most recently used one is dead: those that were idle for longer are, too. Our slot stays ours.
        idle.connection.reset();
        drop_idle();
    }
    auto connection = connect_(deadline);
    if (!connection) {
        release_slots(1);
        return tl::unexpected(std::move(connection.error()));
    }
    return Lease(*this, std::move(*connection));
}

DbResult<std::optional<Pool::Idle>> Pool::take_turn(std::unique_lock<std::mutex>& lock, Deadline deadline) {
    if (!waiters_.empty() || !has_room()) {
        const auto until = deadline.sooner(options_.wait_max).at();
        Waiter waiter;
        const auto place = waiters_.insert(waiters_.end(), &waiter);
        const bool is_ours = waiter.turn.wait_until(lock, until, [&] { return waiters_.front() == &waiter && has_room(); });
        waiters_.erase(place);
        if (!is_ours) {
            wake_next();
            return tl::unexpected(DbError{DbFault::busy, Fate::keep, {}, {}, "no connection of the pool became free in time"});
        }
    }
    std::optional<Idle> idle;
    if (idle_.empty()) {
        ++open_count_;
    } else {
        idle = std::move(idle_.back());
        idle_.pop_back();
    }
    wake_next();
    return idle;
}

void Pool::wake_next() {
    if (!waiters_.empty() && has_room()) {
        waiters_.front()->turn.notify_one();
    }
}

void Pool::release_slots(std::size_t count) {
    const std::lock_guard lock(mutex_);
    open_count_ -= count;
    wake_next();
}

void Pool::give_back(std::unique_ptr<Connection> connection, bool is_poisoned) {
    if (is_poisoned) {
        // Closed before its slot is free, so that the database never sees more than connections_max.
        connection.reset();
        release_slots(1);
        return;
    }
    const std::lock_guard lock(mutex_);
    idle_.push_back({std::move(connection), Deadline::Clock::now()});
    wake_next();
}

void Pool::drop_idle() {
    std::vector<Idle> dropped;
    dropped.reserve(options_.connections_max);
    {
        const std::lock_guard lock(mutex_);
        dropped.swap(idle_);
    }
    const std::size_t count = dropped.size();
    dropped.clear();
    release_slots(count);
}

}  // namespace sql::exec
