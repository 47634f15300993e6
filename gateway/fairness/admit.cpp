#include "gateway/fairness/admit.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace gateway::fairness {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t whole_seconds(std::int64_t ns) { return std::max<std::int64_t>(1, (ns + kSecond - 1) / kSecond); }

void append_item(std::string& list, std::string_view item) {
    list += list.empty() ? "" : ", ";
    list += item;
}

// One item of each header. The policy's window is a second; of a longer burst no more is shown than the policy promises.
void append_rate(std::string& policy, std::string& state, std::string_view name, const Rate& rate, const Gcra::Verdict& verdict) {
    const std::int64_t interval = interval_of(rate);
    const std::int64_t shown_max = std::min(rate.per_second, rate.burst);
    const std::int64_t left = std::max<std::int64_t>(0, rate.burst - (verdict.ahead_ns + interval - 1) / interval);
    // Until as much is left as is ever shown.
    const std::int64_t until_ns = verdict.ahead_ns - (rate.burst - shown_max) * interval;
    append_item(policy, fmt::format(R"("{}";q={};w=1)", name, rate.per_second));
    append_item(state, fmt::format(R"("{}";r={};t={})", name, verdict.is_allowed ? std::min(left, shown_max) : 0, whole_seconds(until_ns)));
}

void append_concurrency(std::string& policy, std::string& state, std::string_view name, std::uint32_t most) {
    append_item(policy, fmt::format(R"("{}";q={};qu="concurrent-requests")", name, most));
    append_item(state, fmt::format(R"("{}";r=0;t=1)", name));
}

}  // namespace

Admission::~Admission() {
    for (const Part* part : {&tenant_, &key_}) {
        if (part->meter != nullptr) part->meter->in_flight.fetch_sub(1, std::memory_order_relaxed);
    }
}

bool Admission::enter(Part& part, const Limits& limits, Meter& meter, std::int64_t now_ns) {
    part.limits = &limits;
    // Counted without a limit too: one that comes with a reload then knows of those in flight.
    const std::uint32_t before = meter.in_flight.fetch_add(1, std::memory_order_relaxed);
    part.is_full = limits.concurrency_max != 0 && before >= limits.concurrency_max;
    if (!part.is_full && limits.rate.is_limited()) part.verdict = meter.gcra.take(limits.rate, now_ns);
    const bool is_allowed = !part.is_full && (!part.verdict || part.verdict->is_allowed);
    // At once, not when the refusal has been written: a flood must not fill the places of those that its rate allows.
    if (is_allowed) {
        part.meter = &meter;
    } else {
        meter.in_flight.fetch_sub(1, std::memory_order_relaxed);
    }
    return is_allowed;
}

Problem Admission::refuse(const Part& part, std::string_view whose) const {
    Problem problem;
    problem.code = Code::rate_limited;
    if (part.is_full) {
        problem.detail = fmt::format("{} has {} requests under way, as many as it may; nothing was done", whose, part.limits->concurrency_max);
        problem.hint = "wait for an answer before the next request";
        problem.retry_after = 1;
    } else {
        problem.detail = fmt::format("{} sends more than its {} requests a second; nothing was done", whose, part.limits->rate.per_second);
        problem.hint = "send no more than RateLimit says is left; wait for Retry-After";
        problem.retry_after = static_cast<unsigned>(whole_seconds(part.verdict->wait_ns));
    }
    return problem;
}

void Admission::add_headers(http::Response& response) const {
    std::string policy;
    std::string state;
    constexpr std::pair<std::string_view, std::string_view> kNames[]{{"tenant", "tenant-concurrency"}, {"key", "key-concurrency"}};
    const Part* const parts[]{&tenant_, &key_};
    for (std::size_t i = 0; i < std::size(parts); ++i) {
        const Part& part = *parts[i];
        if (part.verdict) append_rate(policy, state, kNames[i].first, part.limits->rate, *part.verdict);
        if (part.is_full) append_concurrency(policy, state, kNames[i].second, part.limits->concurrency_max);
    }
    if (policy.empty()) return;
    response.headers.push_back({"RateLimit-Policy", std::move(policy)});
    response.headers.push_back({"RateLimit", std::move(state)});
}

tl::expected<void, Problem> admit(const Share& share, std::string_view key_id, std::chrono::steady_clock::time_point arrival,
                                  Admission& admission) {
    if (share.use == nullptr) return {};
    const std::int64_t now_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(arrival.time_since_epoch()).count();
    // The key first: what a key sends beyond its own share must not use up that of the others.
    if (share.key.is_limited() && !key_id.empty()) {
        admission.key_meter_ = share.use->keys.of(key_id, now_ns);
        if (!Admission::enter(admission.key_, share.key, *admission.key_meter_, now_ns)) {
            return tl::unexpected(admission.refuse(admission.key_, "this API key"));
        }
    }
    if (!Admission::enter(admission.tenant_, share.tenant, share.use->tenant, now_ns)) {
        return tl::unexpected(admission.refuse(admission.tenant_, "this space"));
    }
    return {};
}

}  // namespace gateway::fairness
