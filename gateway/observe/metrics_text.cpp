#include "gateway/observe/metrics_text.h"

#include <array>
#include <cstddef>

namespace gateway::observe {
namespace {

constexpr std::string_view kRequestLabels = "http_request_method, http_route, http_response_status_code, error_type";
constexpr std::string_view kSizeLabels = "http_request_method, http_route";
constexpr std::string_view kSystem = "db_system_name";

constexpr std::array kFamilies{
    MetricFamily{"http_server_request_duration_seconds", "histogram", kRequestLabels,
                 "Time from a request's head to its answer; error_type is the problem's code"},
    MetricFamily{"http_server_active_requests", "gauge", "http_request_method", "Requests under way"},
    MetricFamily{"http_server_request_body_size_bytes", "histogram", kSizeLabels, "Size of requests' bodies"},
    MetricFamily{"http_server_response_body_size_bytes", "histogram", kSizeLabels, "Size of answers' bodies"},
    MetricFamily{"db_client_operation_duration_seconds", "histogram", "db_system_name, db_operation_name, error_type",
                 "Time of a request's statements on the database, the wait for a connection included"},
    MetricFamily{"db_client_connection_count", "gauge", "db_system_name, db_client_connection_state",
                 "Connections to databases, used or idle"},
    MetricFamily{"db_client_connection_max", "gauge", kSystem, "Connections to databases that there may be"},
    MetricFamily{"db_client_connection_pending_requests", "gauge", kSystem, "Requests that wait for a connection"},
    MetricFamily{"db_client_connection_timeouts_total", "counter", kSystem, "Waits for a connection that ended without one"},
    MetricFamily{"rowgate_pool_refused_total", "counter", kSystem, "Requests that found too many others waiting for a connection"},
    MetricFamily{"rowgate_pool_connects_total", "counter", kSystem, "Connections made to databases"},
    MetricFamily{"rowgate_pool_connect_failures_total", "counter", kSystem, "Connections to databases that could not be made"},
    MetricFamily{"rowgate_front_connections", "gauge", "", "Connections of clients"},
    MetricFamily{"rowgate_front_connections_accepted_total", "counter", "", "Connections of clients that were accepted"},
    MetricFamily{"rowgate_front_connections_refused_total", "counter", "reason",
                 "Connections of clients beyond a cap: `total` or `address`"},
    MetricFamily{"rowgate_front_requests_shed_total", "counter", "", "Requests that were answered 503 before any work was done"},
    MetricFamily{"rowgate_front_timeouts_total", "counter", "", "Connections of clients that a deadline ended"},
    MetricFamily{"rowgate_front_buffered_bytes", "gauge", "", "Bytes of bodies and answers in memory"},
    MetricFamily{"rowgate_front_threads", "gauge", "", "Threads that serve requests"},
    MetricFamily{"rowgate_front_queue_age_seconds", "gauge", "", "Time that the last request waited for a thread"},
    MetricFamily{"rowgate_log_lines_lost_total", "counter", "", "Lines of the log that were dropped"},
    MetricFamily{"rowgate_log_write_failures_total", "counter", "", "Failed tries to write or open the log"},
    MetricFamily{"rowgate_audit_lines_lost_total", "counter", "", "Lines of the audit log that were dropped"},
    MetricFamily{"rowgate_audit_write_failures_total", "counter", "", "Failed tries to write or open the audit log"},
    MetricFamily{"process_resident_memory_bytes", "gauge", "", "Memory in use"},
    MetricFamily{"process_cpu_seconds_total", "counter", "", "Processor time used"},
    MetricFamily{"process_open_fds", "gauge", "", "Open file descriptors"},
    MetricFamily{"process_max_fds", "gauge", "", "File descriptors that may be open"},
    MetricFamily{"process_start_time_seconds", "gauge", "", "When the gateway was started, since 1970"},
    MetricFamily{"rowgate_build_info", "gauge", "version", "Always 1"},
};
static_assert(kFamilies.size() == static_cast<std::size_t>(Family::build) + 1);

std::string as_seconds(std::uint64_t microseconds) {
    std::string text = std::to_string(microseconds / 1'000'000);
    std::string fraction = std::to_string(1'000'000 + microseconds % 1'000'000);
    fraction[0] = '.';
    fraction.erase(fraction.find_last_not_of('0') + 1);
    return fraction.size() > 1 ? text + fraction : text;
}

}  // namespace

std::span<const MetricFamily> metric_families() {
    return kFamilies;
}

void MetricsText::begin(Family family) {
    const MetricFamily& row = kFamilies[static_cast<std::size_t>(family)];
    name_ = row.name;
    for (const auto& [word, text] : {Label{"# HELP ", row.meaning}, Label{"# TYPE ", row.type}}) {
        text_ += word;
        text_ += name_;
        text_ += ' ';
        text_ += text;
        text_ += '\n';
    }
}

void MetricsText::line(std::string_view suffix, std::initializer_list<Label> labels, std::string_view bound, std::string_view value) {
    text_ += name_;
    text_ += suffix;
    char separator = '{';
    const auto label = [&](std::string_view key, std::string_view content) {
        text_ += separator;
        text_ += key;
        text_ += "=\"";
        text_ += content;
        text_ += '"';
        separator = ',';
    };
    for (const auto& [key, content] : labels) {
        label(key, content);
    }
    if (!bound.empty()) {
        label("le", bound);
    }
    text_ += separator == ',' ? "} " : " ";
    text_ += value;
    text_ += '\n';
}

void MetricsText::sample(std::initializer_list<Label> labels, std::uint64_t value) {
    line({}, labels, {}, std::to_string(value));
}

void MetricsText::sample(std::initializer_list<Label> labels, std::int64_t value) {
    line({}, labels, {}, std::to_string(value));
}

void MetricsText::sample(std::initializer_list<Label> labels, std::chrono::microseconds value) {
    line({}, labels, {}, as_seconds(value.count() < 0 ? 0 : static_cast<std::uint64_t>(value.count())));
}

void MetricsText::seconds(std::initializer_list<Label> labels, std::span<const std::uint64_t> bounds, const HistogramSample& sample) {
    histogram(labels, bounds, sample, Unit::microsecond);
}

void MetricsText::sizes(std::initializer_list<Label> labels, std::span<const std::uint64_t> bounds, const HistogramSample& sample) {
    histogram(labels, bounds, sample, Unit::one);
}

void MetricsText::histogram(std::initializer_list<Label> labels, std::span<const std::uint64_t> bounds,
                            const HistogramSample& sample, Unit unit) {
    const auto print = [unit](std::uint64_t value) { return unit == Unit::one ? std::to_string(value) : as_seconds(value); };
    std::uint64_t so_far = 0;
    for (std::size_t i = 0; i < sample.counts.size(); ++i) {
        so_far += sample.counts[i];
        line("_bucket", labels, i < bounds.size() ? print(bounds[i]) : "+Inf", std::to_string(so_far));
    }
    line("_sum", labels, {}, print(sample.sum));
    line("_count", labels, {}, std::to_string(so_far));
}

}  // namespace gateway::observe
