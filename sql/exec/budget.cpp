#include "sql/exec/budget.h"

#include <algorithm>
#include <optional>

#include "sql/exec/pool.h"

namespace sql::exec {

bool Budget::take() {
    std::size_t taken = taken_.load();
    do {
        if (connections_max_ != 0 && taken >= connections_max_) {
            return false;
        }
    } while (!taken_.compare_exchange_weak(taken, taken + 1));
    return true;
}

bool Budget::make_room(const Pool& asking) {
    // The lock lasts until the connection is closed: its pool must not end before.
    const std::lock_guard lock(mutex_);
    Pool* longest = nullptr;
    std::optional<Deadline::Clock::time_point> since;
    for (Pool* pool : pools_) {
        const auto idle_since = pool == &asking ? std::nullopt : pool->spare_since();
        if (idle_since && (!since || *idle_since < *since)) {
            since = idle_since;
            longest = pool;
        }
    }
    return longest != nullptr && longest->close_spare();
}

void Budget::close_idle() {
    const std::lock_guard lock(mutex_);
    const auto before = Deadline::Clock::now() - idle_max_;
    std::erase_if(pools_, [before](Pool* pool) { return !pool->close_idle_since(before); });
}

void Budget::enlist(Pool& pool) {
    const std::lock_guard lock(mutex_);
    if (std::ranges::find(pools_, &pool) == pools_.end()) {
        pools_.push_back(&pool);
    }
}

void Budget::strike_out(const Pool& pool) {
    const std::lock_guard lock(mutex_);
    std::erase(pools_, &pool);
}

}  // namespace sql::exec
