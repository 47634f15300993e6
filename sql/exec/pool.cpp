#include "sql/exec/pool.h"

#include <algorithm>
#include <iterator>
#include <random>
#include <utility>

namespace sql::exec {
namespace {

// One whose connect is stuck since before the database came back must not keep it from all others for long.
constexpr std::chrono::seconds kProbeTime{1};
// Nor one that is stuck in spite of it.
constexpr std::chrono::milliseconds kProbePatience{1500};
constexpr std::chrono::seconds kPingTime{1};
constexpr std::size_t kQueuePerConnection = 4;

DbError busy(const char* reason) {
    return {DbFault::busy, Fate::keep, {}, {}, reason};
}

PoolOptions completed(PoolOptions options) {
    options.connections_max = std::max<std::size_t>(options.connections_max, 1);
    if (options.queue_max == 0) {
        options.queue_max = kQueuePerConnection * options.connections_max;
    }
    return options;
}

// A connect that its caller's deadline ended says nothing about the database.
bool is_of_database(DbFault fault) {
    return fault != DbFault::deadline_exceeded;
}

}  // namespace

Lease::Lease(Lease&& other) noexcept
    : pool_(other.pool_), connection_(std::move(other.connection_)), is_poisoned_(other.is_poisoned_) {}

Lease::~Lease() {
    if (connection_) {
        pool_->give_back(std::move(connection_), is_poisoned_);
    }
}

Pool::Pool(Connect connect, PoolOptions options) : connect_(std::move(connect)), options_(completed(options)) {}

Pool::~Pool() {
    if (budget_) {
        budget_->strike_out(*this);
        idle_.clear();
        budget_->give(open_count_);
    }
}

void Pool::share(std::shared_ptr<Budget> budget) {
    budget_ = std::move(budget);
}

DbResult<Lease> Pool::lease(Deadline deadline, Purpose purpose) {
    std::optional<Deadline> until;
    while (true) {
        Lock lock(mutex_);
        auto turn = take_turn(lock, deadline, until);
        if (!turn) {
            return tl::unexpected(std::move(turn.error()));
        }
        lock.unlock();
        if (*turn) {
            Idle& idle = **turn;
            if (works(idle, deadline, purpose)) {
                return Lease(*this, std::move(idle.connection));
            }
            // The most recently used one is dead: those that were idle for longer are, too. Our slot stays ours.
            idle.connection.reset();
            drop_idle();
        }
        auto connection = open(deadline);
        if (!connection) {
            return tl::unexpected(std::move(connection.error()));
        }
        if (*connection) {
            return Lease(*this, std::move(*connection));
        }
        until = until.value_or(deadline.sooner(options_.wait_max));
    }
}

bool Pool::works(Idle& idle, Deadline deadline, Purpose purpose) const {
    const auto idle_for = Clock::now() - idle.since;
    if (idle_for >= options_.idle_ping_after) {
        return idle.connection->is_alive(deadline.sooner(kPingTime));
    }
    if (idle_for < options_.idle_check_after && purpose == Purpose::read) {
        return true;
    }
    switch (idle.connection->look()) {
        case Look::alive:
            return true;
        case Look::dead:
            return false;
        case Look::unknown:
            return purpose == Purpose::read || idle_for < options_.idle_check_after ||
                   idle.connection->is_alive(deadline.sooner(kPingTime));
    }
    return false;
}

bool Pool::has_room() const {
    if (!idle_.empty()) {
        return true;
    }
    const bool is_crowded = crowd_ && Clock::now() < crowd_->until;
    return open_count_ < (is_crowded ? std::min(crowd_->connections_max, options_.connections_max) : options_.connections_max);
}

// No caller may ask the database now.
bool Pool::is_resting() const {
    return outage_ && Clock::now() < outage_->retry_at;
}

DbResult<std::optional<Pool::Idle>> Pool::take_turn(Lock& lock, Deadline deadline, std::optional<Deadline>& until) {
    if (idle_.empty() && is_resting()) {
        return tl::unexpected(outage_->error);
    }
    std::optional<Idle> idle;
    if (!waiters_.empty() || !try_turn(idle)) {
        until = until.value_or(deadline.sooner(options_.wait_max));
        if (waiters_.size() >= options_.queue_max) {
            ++counted_.refused;
            return tl::unexpected(busy("too many wait for a connection of the pool already"));
        }
        if (!await_turn(lock, *until, idle)) {
            ++counted_.timeouts;
            wake_next();
            return tl::unexpected(busy("no connection of the pool became free in time"));
        }
    }
    wake_next();
    return idle;
}

bool Pool::await_turn(Lock& lock, Deadline until, std::optional<Idle>& idle) {
    Waiter waiter;
    const auto place = waiters_.insert(waiters_.end(), &waiter);
    const auto is_next = [&] { return waiters_.front() == &waiter && has_room(); };
    bool is_ours = false;
    while (waiter.turn.wait_until(lock, until.at(), is_next)) {
        is_ours = try_turn(idle);
        if (is_ours) {
            break;
        }
        // There is room in the pool, so it is the budget that has none. Another pool's mutex is taken: never under ours.
        lock.unlock();
        const bool has_made_room = budget_->make_room(*this);
        lock.lock();
        if (is_next() && try_turn(idle)) {
            is_ours = true;
            break;
        }
        if (until.has_passed()) {
            break;
        }
        if (!has_made_room) {
            waiter.turn.wait_until(lock, std::min(until.at(), Clock::now() + options_.budget_look));
        }
    }
    waiters_.erase(place);
    return is_ours;
}

bool Pool::try_turn(std::optional<Idle>& idle) {
    if (!idle_.empty()) {
        idle = std::move(idle_.back());
        idle_.pop_back();
        return true;
    }
    if (!has_room()) {
        return false;
    }
    // So that giving back, which destructors do, never allocates; and a pool that nobody uses takes no memory for it.
    idle_.reserve(options_.connections_max);
    if (budget_ && !budget_->take()) {
        return false;
    }
    ++open_count_;
    return true;
}

void Pool::forget(std::size_t count) {
    open_count_ -= count;
    if (budget_) {
        budget_->give(count);
    }
    wake_next();
}

DbResult<std::unique_ptr<Connection>> Pool::open(Deadline deadline) {
    Attempt attempt;
    {
        const std::lock_guard lock(mutex_);
        if (deadline.has_passed()) {
            return give_up(busy("the deadline had passed before connecting"));
        }
        if (is_resting()) {
            return give_up(outage_->error);
        }
        if (outage_) {
            attempt.is_probe = true;
            outage_->retry_at = Clock::now() + kProbePatience;
        }
        attempt.connects_before = counted_.connects;
    }
    if (budget_) {
        budget_->enlist(*this);
    }
    auto connection = connect_(attempt.is_probe ? deadline.sooner(kProbeTime) : deadline);
    if (!connection) {
        return note_failure(std::move(connection.error()), attempt);
    }
    const std::lock_guard lock(mutex_);
    ++counted_.connects;
    outage_.reset();
    return connection;
}

DbResult<std::unique_ptr<Connection>> Pool::give_up(DbError error) {
    forget(1);
    return tl::unexpected(std::move(error));
}

DbResult<std::unique_ptr<Connection>> Pool::note_failure(DbError error, const Attempt& attempt) {
    const std::lock_guard lock(mutex_);
    ++counted_.connect_failures;
    if (!is_of_database(error.fault)) {
        if (attempt.is_probe && outage_) {
            outage_->retry_at = Clock::now();
        }
        return give_up(std::move(error));
    }
    if (error.fault == DbFault::busy && open_count_ > 1) {
        crowd_ = Crowd{open_count_ - 1, Clock::now() + jittered(options_.backoff_max)};
        forget(1);
        return std::unique_ptr<Connection>();
    }
    // Those who began to connect before the first failed do not make the pause longer, and a success since then is newer.
    if (counted_.connects == attempt.connects_before && (!outage_ || attempt.is_probe)) {
        const auto backoff = outage_ ? std::min(outage_->backoff * 2, options_.backoff_max) : options_.backoff_min;
        outage_ = std::make_unique<Outage>(Outage{error, backoff, Clock::now() + jittered(backoff)});
    }
    return give_up(std::move(error));
}

// Between half of it and all of it: the gateways of a deployment must not come all at once.
std::chrono::milliseconds Pool::jittered(std::chrono::milliseconds time) const {
    thread_local std::minstd_rand random{std::random_device{}()};
    return std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(time.count() / 2, time.count())(random));
}

void Pool::wake_next() {
    if (!waiters_.empty() && has_room()) {
        waiters_.front()->turn.notify_one();
    }
}

void Pool::release_slots(std::size_t count) {
    const std::lock_guard lock(mutex_);
    forget(count);
}

std::optional<Pool::Clock::time_point> Pool::spare_since() const {
    const std::lock_guard lock(mutex_);
    return idle_.empty() || !waiters_.empty() ? std::nullopt : std::optional(idle_.front().since);
}

bool Pool::close_spare() {
    std::unique_ptr<Connection> closed;
    {
        const std::lock_guard lock(mutex_);
        if (idle_.empty() || !waiters_.empty()) {
            return false;
        }
        closed = std::move(idle_.front().connection);
        idle_.erase(idle_.begin());
    }
    closed.reset();
    release_slots(1);
    return true;
}

bool Pool::close_idle_since(Clock::time_point before) {
    std::vector<Idle> closed;
    {
        const std::lock_guard lock(mutex_);
        if (open_count_ == 0) {
            return false;
        }
        // The longest idle stand first.
        const auto end = std::ranges::find_if(idle_, [before](const Idle& idle) { return idle.since > before; });
        closed.assign(std::make_move_iterator(idle_.begin()), std::make_move_iterator(end));
        idle_.erase(idle_.begin(), end);
    }
    const std::size_t count = closed.size();
    closed.clear();
    if (count != 0) {
        release_slots(count);
    }
    return true;
}

void Pool::give_back(std::unique_ptr<Connection> connection, bool is_poisoned) {
    if (is_poisoned || !connection->is_reusable()) {
        // Closed before its slot is free, so that the database never sees more than connections_max.
        connection.reset();
        release_slots(1);
        return;
    }
    const std::lock_guard lock(mutex_);
    idle_.push_back({std::move(connection), Clock::now()});
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

PoolStats Pool::stats() const {
    const std::lock_guard lock(mutex_);
    PoolStats stats = counted_;
    stats.connections_max = options_.connections_max;
    stats.open = open_count_;
    stats.idle = idle_.size();
    stats.waiting = waiters_.size();
    stats.is_down = outage_ != nullptr;
    return stats;
}

}  // namespace sql::exec
