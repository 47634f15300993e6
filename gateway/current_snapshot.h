// The snapshot that requests see now. A request pins it once and holds it until its answer is made; publishing another one waits
// for nobody, and the old one goes when its last request has. It makes no snapshot. Owned by app; pinned by service and admin,
// published by Reloader.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "gateway/pipeline.h"

namespace gateway {

// Thread safe but for `retire`, which is for the publishing thread.
class CurrentSnapshot {
public:
    using Pin = std::shared_ptr<const Snapshot>;

    explicit CurrentSnapshot(Snapshot first) { publish(std::move(first)); }
    CurrentSnapshot(const CurrentSnapshot&) = delete;
    CurrentSnapshot& operator=(const CurrentSnapshot&) = delete;

    [[nodiscard]] Pin pin() const {
        static std::atomic<std::size_t> threads{0};
        thread_local const std::size_t own = threads.fetch_add(1, std::memory_order_relaxed) % kSlots;
        const Slot& slot = slots_[own];
        const std::lock_guard lock(slot.mutex);
        return slot.pin;
    }

    void publish(Snapshot next) {
        auto whole = std::make_shared<const Snapshot>(std::move(next));
        // A count of its own for each slot: one for all would be the one cache line that every request writes to.
        for (Slot& slot : slots_) {
            Pin fresh(whole.get(), [whole](const Snapshot*) {});
            const std::lock_guard lock(slot.mutex);
            slot.pin.swap(fresh);
        }
        all_.push_back(std::move(whole));
        retire();
    }

    // Frees old snapshots that no request holds: here, for with many tenants it takes longer than a request should. False when there
    // are none left.
    bool retire() {
        std::erase_if(all_, [this](const Pin& one) { return one != all_.back() && one.use_count() == 1; });
        return all_.size() > 1;
    }

private:
    static constexpr std::size_t kSlots = 16;
    struct alignas(64) Slot {
        mutable std::mutex mutex;
        Pin pin;
    };

    std::array<Slot, kSlots> slots_;
    std::vector<Pin> all_;  // the current one last
};

}  // namespace gateway
