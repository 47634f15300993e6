// Prometheus's text format 0.0.4, and the one table of the metrics that there are: a sample can only be written for a row of it.
// Private to gateway/observe; called by Metrics::text.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/observe/metrics.h"

namespace gateway::observe {

// The rows of metric_families(), in their order.
enum class Family : std::uint8_t {
    request_duration, active_requests, request_size, response_size,
    call_duration, connection_count, connection_max, connection_pending, connection_timeouts,
    pool_refused, pool_connects, pool_connect_failures,
    front_connections, front_accepted, front_refused, front_shed, front_timeouts, front_buffered, front_threads, front_queue_age,
    log_lost, log_failures, audit_lost, audit_failures,
    own_memory, own_processor, own_files, own_files_max, own_start, build,
};

// How many values lay between two bounds, and the sum of all.
struct HistogramSample {
    std::vector<std::uint64_t> counts;  // one more than bounds
    std::uint64_t sum = 0;
};

using Label = std::pair<std::string_view, std::string_view>;

// Label values must be free of `"`, `\` and line ends: all of ours are literals.
class MetricsText {
public:
    // Its HELP and TYPE lines; the samples that follow are its.
    void begin(Family family);
    void sample(std::initializer_list<Label> labels, std::uint64_t value);
    void sample(std::initializer_list<Label> labels, std::int64_t value);
    // In seconds.
    void sample(std::initializer_list<Label> labels, std::chrono::microseconds value);
    // Bounds and sum are in microseconds, and go out as seconds.
    void seconds(std::initializer_list<Label> labels, std::span<const std::uint64_t> bounds, const HistogramSample& sample);
    // The same of whole numbers.
    void sizes(std::initializer_list<Label> labels, std::span<const std::uint64_t> bounds, const HistogramSample& sample);

    [[nodiscard]] std::string take() && { return std::move(text_); }

private:
    enum class Unit { one, microsecond };

    void histogram(std::initializer_list<Label> labels, std::span<const std::uint64_t> bounds, const HistogramSample& sample,
                   Unit unit);
    void line(std::string_view suffix, std::initializer_list<Label> labels, std::string_view bound, std::string_view value);

    std::string text_;
    std::string_view name_;
};

}  // namespace gateway::observe
