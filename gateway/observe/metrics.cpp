#include "gateway/observe/metrics.h"

#include <algorithm>
#include <new>
#include <utility>

#include "gateway/observe/metrics_text.h"

namespace gateway::observe {
namespace {

constexpr std::string_view kOther = "_OTHER";

// In the order of what is most frequent; the last one is every other method.
constexpr std::array<std::string_view, 8> kMethods{"GET", "DELETE", "POST", "PUT", "PATCH", "HEAD", "OPTIONS", kOther};
constexpr std::array<std::string_view, 7> kRoutes{"",
                                                  "/livez",
                                                  "/readyz",
                                                  "/{org}/{project}/{db_type}/{db}",
                                                  "/{org}/{project}/{db_type}/{db}/{table}",
                                                  "/{org}/{project}/{db_type}/{db}/{table}/{key}",
                                                  "/{org}/{project}/{db_type}/{db}/{table}/bulk-delete"};
constexpr std::array<int, 6> kGoodStatuses{200, 201, 204, 206, 202, 304};
constexpr std::array<std::string_view, 2> kSystems{"mariadb", "sqlite"};
constexpr std::array<std::string_view, 4> kOperations{"SELECT", "INSERT", "UPDATE", "DELETE"};

// Upper bounds; one more bucket is for what lies above.
constexpr std::array<std::uint64_t, 16> kRequestBounds{250,     500,     1'000,   2'500,   5'000,     10'000,    25'000,    50'000,
                                                       100'000, 250'000, 500'000, 750'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000};
constexpr std::array<std::uint64_t, 12> kCallBounds{100,    250,     500,     1'000,     2'500,     5'000,
                                                    10'000, 50'000, 100'000, 1'000'000, 5'000'000, 10'000'000};
constexpr std::array<std::uint64_t, 6> kSizeBounds{100, 1'000, 10'000, 100'000, 1'000'000, 10'000'000};

std::size_t method_index(std::string_view method) {
    return static_cast<std::size_t>(std::find(kMethods.begin(), kMethods.end() - 1, method) - kMethods.begin());
}

// The counts of one series; several threads may add at once.
template <std::size_t kBounds>
struct Tally {
    std::array<std::atomic<std::uint64_t>, kBounds + 1> counts{};
    std::atomic<std::uint64_t> sum{0};

    void add(const std::array<std::uint64_t, kBounds>& bounds, std::uint64_t value) {
        std::size_t bucket = 0;
        while (bucket < kBounds && value > bounds[bucket]) {
            ++bucket;
        }
        counts[bucket].fetch_add(1, std::memory_order_relaxed);
        sum.fetch_add(value, std::memory_order_relaxed);
    }
    void add_to(HistogramSample& sample) const {
        sample.counts.resize(kBounds + 1);
        for (std::size_t i = 0; i < counts.size(); ++i) {
            sample.counts[i] += counts[i].load(std::memory_order_relaxed);
        }
        sample.sum += sum.load(std::memory_order_relaxed);
    }
};

// A place for each combination there can be; the memory of its tally comes with the first that is counted.
template <typename T>
class Places {
public:
    explicit Places(std::size_t count) : places_(count) {}
    ~Places() {
        for (auto& place : places_) {
            delete place.load();
        }
    }
    Places(const Places&) = delete;
    Places& operator=(const Places&) = delete;

    T& at(std::size_t index) {
        T* found = places_[index].load(std::memory_order_acquire);
        if (found == nullptr) {
            auto made = std::make_unique<T>();
            if (places_[index].compare_exchange_strong(found, made.get(), std::memory_order_acq_rel)) {
                found = made.release();
            }
        }
        return *found;
    }
    [[nodiscard]] const T* find(std::size_t index) const { return places_[index].load(std::memory_order_acquire); }

private:
    std::vector<std::atomic<T*>> places_;
};

using RequestTally = Tally<kRequestBounds.size()>;
using CallTally = Tally<kCallBounds.size()>;
using SizeTally = Tally<kSizeBounds.size()>;

std::uint64_t to_count(std::chrono::microseconds time) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, time.count()));
}

bool is_empty(const HistogramSample& sample) {
    return std::all_of(sample.counts.begin(), sample.counts.end(), [](std::uint64_t count) { return count == 0; });
}

void write_pools(MetricsText& out, const std::array<Readings::Pools, 2>& pools) {
    using Pools = Readings::Pools;
    out.begin(Family::connection_count);
    for (std::size_t i = 0; i < pools.size(); ++i) {
        out.sample({{"db_system_name", kSystems[i]}, {"db_client_connection_state", "used"}}, pools[i].used);
        out.sample({{"db_system_name", kSystems[i]}, {"db_client_connection_state", "idle"}}, pools[i].idle);
    }
    for (const auto& [family, field] :
         {std::pair{Family::connection_max, &Pools::max}, std::pair{Family::connection_pending, &Pools::pending},
          std::pair{Family::connection_timeouts, &Pools::timeouts}, std::pair{Family::pool_refused, &Pools::refused},
          std::pair{Family::pool_connects, &Pools::connects}, std::pair{Family::pool_connect_failures, &Pools::connect_failures}}) {
        out.begin(family);
        for (std::size_t i = 0; i < pools.size(); ++i) {
            out.sample({{"db_system_name", kSystems[i]}}, pools[i].*field);
        }
    }
}

void write_front(MetricsText& out, const Readings::Front& front) {
    const auto one = [&out](Family family, auto value) {
        out.begin(family);
        out.sample({}, value);
    };
    one(Family::front_connections, front.connections);
    one(Family::front_accepted, front.accepted);
    out.begin(Family::front_refused);
    out.sample({{"reason", "total"}}, front.refused_total);
    out.sample({{"reason", "address"}}, front.refused_address);
    one(Family::front_shed, front.shed);
    one(Family::front_timeouts, front.timeouts);
    one(Family::front_buffered, front.buffered_bytes);
    one(Family::front_threads, front.threads);
    one(Family::front_queue_age, front.queue_age);
}

void write_own(MetricsText& out, const Readings& readings, std::string_view version) {
    const auto one = [&out](Family family, auto value) {
        out.begin(family);
        out.sample({}, value);
    };
    one(Family::log_lost, readings.log_lines_lost);
    one(Family::log_failures, readings.log_write_failures);
    one(Family::audit_lost, readings.audit_lines_lost);
    one(Family::audit_failures, readings.audit_write_failures);
    one(Family::own_memory, readings.own.resident_bytes);
    one(Family::own_processor, readings.own.processor_time);
    one(Family::own_files, readings.own.open_files);
    one(Family::own_files_max, readings.own.open_files_max);
    one(Family::own_start, std::chrono::microseconds(readings.own.started));
    out.begin(Family::build);
    out.sample({{"version", version}}, std::uint64_t{1});
}

}  // namespace

// Outcomes: the good statuses, every other status without a code, the problems in their order, every other code.
struct Metrics::Shard {
    explicit Shard(std::size_t outcomes)
        : requests(kMethods.size() * kRoutes.size() * outcomes), calls(kSystems.size() * kOperations.size() * outcomes) {}

    std::array<std::atomic<std::int64_t>, kMethods.size()> active{};
    Places<RequestTally> requests;
    Places<CallTally> calls;
    std::array<SizeTally, kMethods.size() * kRoutes.size()> sizes_in;
    std::array<SizeTally, kMethods.size() * kRoutes.size()> sizes_out;
};

Metrics::Metrics(std::vector<ProblemKind> problems, std::string version)
    : problems_(std::move(problems)), version_(std::move(version)) {
    for (const ProblemKind& kind : problems_) {
        statuses_.push_back(std::to_string(kind.status));
    }
    for (auto& shard : shards_) {
        shard = std::make_unique<Shard>(outcome_count());
    }
}

Metrics::~Metrics() = default;

Metrics::Active::Active(Metrics& metrics, std::string_view method) : count_(metrics.shard().active[method_index(method)]) {
    count_.fetch_add(1, std::memory_order_relaxed);
}

Metrics::Shard& Metrics::shard() const {
    static std::atomic<std::size_t> next{0};
    thread_local const std::size_t mine = next.fetch_add(1, std::memory_order_relaxed) % kShards;
    return *shards_[mine];
}

std::size_t Metrics::outcome_count() const {
    return kGoodStatuses.size() + 1 + problems_.size() + 1;
}

std::pair<std::string_view, std::string_view> Metrics::labels_of(std::size_t outcome) const {
    static constexpr std::array<std::string_view, kGoodStatuses.size()> kGoodTexts{"200", "201", "204", "206", "202", "304"};
    if (outcome < kGoodTexts.size()) {
        return {kGoodTexts[outcome], {}};
    }
    const std::size_t problem = outcome - kGoodTexts.size();  // 0: a status without a code; then the problems; then the rest
    if (problem == 0 || problem > problems_.size()) {
        return {kOther, problem == 0 ? std::string_view{} : kOther};
    }
    return {statuses_[problem - 1], problems_[problem - 1].code};
}

std::size_t Metrics::outcome_of(int status, std::string_view code) const {
    if (code.empty()) {
        return static_cast<std::size_t>(std::find(kGoodStatuses.begin(), kGoodStatuses.end(), status) - kGoodStatuses.begin());
    }
    // The codes are few, and a failure is never the most frequent thing to count.
    const auto found = std::find_if(problems_.begin(), problems_.end(), [code](const ProblemKind& kind) { return kind.code == code; });
    return kGoodStatuses.size() + 1 + static_cast<std::size_t>(found - problems_.begin());
}

void Metrics::write(const RequestServed& event) noexcept {
    try {
        Shard& mine = shard();
        const std::size_t route = method_index(event.method) * kRoutes.size() + static_cast<std::size_t>(event.route);
        const std::size_t outcomes = outcome_count();
        mine.requests.at(route * outcomes + outcome_of(event.status, event.code)).add(kRequestBounds, to_count(event.duration));
        mine.sizes_in[route].add(kSizeBounds, event.bytes_in);
        mine.sizes_out[route].add(kSizeBounds, event.bytes);
        for (const DatabaseCalled& call : event.calls) {
            write(mine, call);
        }
    } catch (const std::bad_alloc&) {
        return;  // not counted, but served
    }
}

void Metrics::write(Shard& shard, const DatabaseCalled& call) {
    const std::size_t outcomes = outcome_count();
    const std::size_t kind = static_cast<std::size_t>(call.system) * kOperations.size() + static_cast<std::size_t>(call.operation);
    shard.calls.at(kind * outcomes + outcome_of(200, call.code)).add(kCallBounds, to_count(call.duration));
}

void Metrics::write_requests(MetricsText& out) const {
    // One series: its samples are added up over the shards.
    const auto total = [this](auto&& tally_of) {
        HistogramSample sample;
        for (const auto& shard : shards_) {
            if (const auto* tally = tally_of(*shard)) {
                tally->add_to(sample);
            }
        }
        return sample;
    };
    const std::size_t outcomes = outcome_count();
    out.begin(Family::request_duration);
    for (std::size_t i = 0; i < kMethods.size() * kRoutes.size() * outcomes; ++i) {
        const HistogramSample sample = total([i](const Shard& shard) { return shard.requests.find(i); });
        if (!is_empty(sample)) {
            const std::size_t route = i / outcomes;
            const auto [status, code] = labels_of(i % outcomes);
            out.seconds({{"http_request_method", kMethods[route / kRoutes.size()]},
                         {"http_route", kRoutes[route % kRoutes.size()]},
                         {"http_response_status_code", status},
                         {"error_type", code}},
                        kRequestBounds, sample);
        }
    }
    out.begin(Family::active_requests);
    for (std::size_t i = 0; i < kMethods.size(); ++i) {
        std::int64_t count = 0;
        for (const auto& shard : shards_) {
            count += shard->active[i].load(std::memory_order_relaxed);
        }
        out.sample({{"http_request_method", kMethods[i]}}, count);
    }
    for (const auto& [family, field] : {std::pair{Family::request_size, &Shard::sizes_in}, std::pair{Family::response_size, &Shard::sizes_out}}) {
        out.begin(family);
        for (std::size_t i = 0; i < kMethods.size() * kRoutes.size(); ++i) {
            const auto of_shard = [i, member = field](const Shard& shard) { return &(shard.*member)[i]; };
            const HistogramSample sample = total(of_shard);
            if (!is_empty(sample)) {
                out.sizes({{"http_request_method", kMethods[i / kRoutes.size()]}, {"http_route", kRoutes[i % kRoutes.size()]}},
                          kSizeBounds, sample);
            }
        }
    }
}

void Metrics::write_calls(MetricsText& out) const {
    const std::size_t outcomes = outcome_count();
    out.begin(Family::call_duration);
    for (std::size_t i = 0; i < kSystems.size() * kOperations.size() * outcomes; ++i) {
        HistogramSample sample;
        for (const auto& shard : shards_) {
            if (const CallTally* tally = shard->calls.find(i)) {
                tally->add_to(sample);
            }
        }
        if (!is_empty(sample)) {
            const std::size_t kind = i / outcomes;
            out.seconds({{"db_system_name", kSystems[kind / kOperations.size()]},
                         {"db_operation_name", kOperations[kind % kOperations.size()]},
                         {"error_type", labels_of(i % outcomes).second}},
                        kCallBounds, sample);
        }
    }
}

std::string Metrics::text(const Readings& readings) const {
    MetricsText out;
    write_requests(out);
    write_calls(out);
    write_pools(out, readings.pools);
    write_front(out, readings.front);
    write_own(out, readings, version_);
    return std::move(out).take();
}

}  // namespace gateway::observe
