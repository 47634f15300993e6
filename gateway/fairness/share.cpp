#include "gateway/fairness/share.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace gateway::fairness {

std::shared_ptr<Meter> KeyMeters::of(std::string_view key_id, std::int64_t now_ns) {
    {
        const std::shared_lock lock(mutex_);
        if (const auto found = meters_.find(key_id); found != meters_.end()) return found->second;
    }
    const std::unique_lock lock(mutex_);
    if (meters_.size() >= sweep_at_) {
        // Who has its whole burst and nothing in flight is as new; a count of one means that nobody is about to use it.
        std::erase_if(meters_, [now_ns](const auto& entry) {
            return entry.second.use_count() == 1 && entry.second->in_flight.load() == 0 && entry.second->gcra.is_rested(now_ns);
        });
        sweep_at_ = std::max<std::size_t>(1024, 2 * meters_.size());
    }
    std::shared_ptr<Meter>& meter = meters_[std::string(key_id)];
    if (meter == nullptr) meter = std::make_shared<Meter>();
    return meter;
}

void KeyMeters::reset_rates() {
    const std::unique_lock lock(mutex_);
    for (const auto& [id, meter] : meters_) meter->gcra.reset();
}

Share Share::make(const Limits& tenant, const Limits& key) {
    Share share{.tenant = tenant, .key = key, .use = nullptr};
    if (tenant.is_limited() || key.is_limited()) share.use = std::make_shared<Use>();
    return share;
}

void Share::adopt(const Share& before) {
    if (use == nullptr || before.use == nullptr) return;
    use = before.use;
    if (tenant.rate != before.tenant.rate) use->tenant.gcra.reset();
    if (key.rate != before.key.rate) use->keys.reset_rates();
}

}  // namespace gateway::fairness
