// What happened, counted: the second reader of the events. Names and labels follow OpenTelemetry's semantic conventions in
// Prometheus's spelling; every label's values are a closed list of our own, so nothing that a client sends can add a series.
// Counting takes no lock and allocates only for a combination that is new. Owned by app; written by service, read by admin.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/observe/event.h"
#include "gateway/observe/own_use.h"

namespace gateway::observe {

// A code that a problem can have, with its status: what the labels error_type and http_response_status_code can say.
struct ProblemKind {
    std::string_view code;  // static
    int status = 0;
};

// What is not counted by events but asked for when somebody reads.
struct Readings {
    struct Front {
        std::uint64_t connections = 0, accepted = 0, refused_total = 0, refused_address = 0;
        std::uint64_t shed = 0, timeouts = 0, buffered_bytes = 0, threads = 0;
        std::chrono::microseconds queue_age{0};
    } front;
    struct Pools {  // of one database system, added up
        std::uint64_t used = 0, idle = 0, max = 0, pending = 0;
        std::uint64_t timeouts = 0, refused = 0, connects = 0, connect_failures = 0;
    };
    std::array<Pools, 2> pools;  // by DatabaseSystem
    std::uint64_t log_lines_lost = 0, log_write_failures = 0;
    std::uint64_t audit_lines_lost = 0, audit_write_failures = 0;
    OwnUse own;
};

// One line of the docs' table.
struct MetricFamily {
    std::string_view name, type, labels, meaning;
};
[[nodiscard]] std::span<const MetricFamily> metric_families();

class MetricsText;

// Thread safe.
class Metrics {
public:
    // `problems`: every one there is; a code that is not among them counts as "_OTHER".
    Metrics(std::vector<ProblemKind> problems, std::string version);
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    // A request is under way as long as this lives. Ends on the thread that made it.
    class Active {
    public:
        Active(Metrics& metrics, std::string_view method);
        ~Active() { count_.fetch_sub(1, std::memory_order_relaxed); }
        Active(const Active&) = delete;
        Active& operator=(const Active&) = delete;

    private:
        std::atomic<std::int64_t>& count_;
    };

    void write(const RequestServed& event) noexcept;

    // Text format 0.0.4.
    [[nodiscard]] std::string text(const Readings& readings) const;

private:
    struct Shard;

    // What a request or a call came to, as one number, and its labels: status and code.
    [[nodiscard]] std::size_t outcome_count() const;
    [[nodiscard]] std::size_t outcome_of(int status, std::string_view code) const;
    [[nodiscard]] std::pair<std::string_view, std::string_view> labels_of(std::size_t outcome) const;
    [[nodiscard]] Shard& shard() const;
    void write(Shard& shard, const DatabaseCalled& call);
    void write_requests(MetricsText& out) const;
    void write_calls(MetricsText& out) const;

    // Threads are spread over these, so that they seldom count in the same memory.
    static constexpr std::size_t kShards = 8;
    const std::vector<ProblemKind> problems_;
    const std::string version_;
    std::vector<std::string> statuses_;  // of problems_, as text
    std::array<std::unique_ptr<Shard>, kShards> shards_;
};

}  // namespace gateway::observe
