// What one tenant may take of the machine, and what it takes at the moment: rate and requests in flight, of the space and of each of
// its API keys. Limits are immutable and belong to one reading of the tenant's file; Use is shared by all readings, so that a reload
// forgets nothing. Held by tenants::Space, judged by fairness::admit.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "gateway/fairness/gcra.h"

namespace gateway::fairness {

// Of a space, or of each API key in it. 0: none.
struct Limits {
    Rate rate;
    std::uint32_t concurrency_max = 0;

    [[nodiscard]] bool is_limited() const { return rate.is_limited() || concurrency_max != 0; }
    friend bool operator==(const Limits&, const Limits&) = default;
};

struct Meter {
    Gcra gcra;
    std::atomic<std::uint32_t> in_flight{0};
};

// The meters of the API keys that were seen. Only ids of keys that were verified may come here: each takes memory.
class KeyMeters {
public:
    // Lives until the last one who holds it lets go.
    [[nodiscard]] std::shared_ptr<Meter> of(std::string_view key_id, std::int64_t now_ns);
    void reset_rates();

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };

    std::shared_mutex mutex_;
    std::unordered_map<std::string, std::shared_ptr<Meter>, Hash, std::equal_to<>> meters_;
    std::size_t sweep_at_ = 1024;  // meters; then those of keys that rest are dropped
};

struct Use {
    Meter tenant;
    KeyMeters keys;
};

struct Share {
    Limits tenant;
    Limits key;
    std::shared_ptr<Use> use;  // null where nothing is limited

    [[nodiscard]] static Share make(const Limits& tenant, const Limits& key);
    // Goes on counting where `before`, the same space's share as it was, has come to. A changed rate begins anew: what a caller was
    // ahead of a slow rate would lock it out of a fast one. Call before the new share is used.
    void adopt(const Share& before);
};

}  // namespace gateway::fairness
