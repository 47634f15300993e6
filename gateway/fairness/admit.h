// Whether a request comes within its tenant's and its API key's share: if not, 429 before any work is done for it. Knows nothing of
// the machine's own limits, which are the front's and the pools' (503). Called by the pipeline as soon as it knows whose the request is.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include <tl/expected.hpp>

#include "gateway/error.h"
#include "gateway/fairness/share.h"
#include "gateway/http/message.h"

namespace gateway::fairness {

// A request's place among those in flight, given back when it goes, and what its answer says of the rates.
// The Share must outlive it.
class Admission {
public:
    Admission() = default;
    ~Admission();
    Admission(const Admission&) = delete;
    Admission& operator=(const Admission&) = delete;

    // RateLimit-Policy and RateLimit, on answers of all kinds, where there is a rate or where a limit was the reason.
    void add_headers(http::Response& response) const;

private:
    friend tl::expected<void, Problem> admit(const Share&, std::string_view, std::chrono::steady_clock::time_point, Admission&);

    struct Part {
        const Limits* limits = nullptr;  // null: nothing was asked
        Meter* meter = nullptr;          // that is held
        std::optional<Gcra::Verdict> verdict;
        bool is_full = false;
    };
    [[nodiscard]] static bool enter(Part& part, const Limits& limits, Meter& meter, std::int64_t now_ns);
    [[nodiscard]] Problem refuse(const Part& part, std::string_view whose) const;

    Part tenant_;
    Part key_;
    std::shared_ptr<Meter> key_meter_;
};

// `key_id` is that of a verified API key, or empty. 429 rate_limited when the key's or the tenant's share is used up. What is refused
// takes nothing of the share that refused it; the key's has counted it when the tenant's refuses.
[[nodiscard]] tl::expected<void, Problem> admit(const Share& share, std::string_view key_id, std::chrono::steady_clock::time_point arrival,
                                                Admission& admission);

}  // namespace gateway::fairness
