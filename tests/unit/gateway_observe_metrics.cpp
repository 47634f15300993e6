#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "gateway/error.h"
#include "gateway/observe/metrics.h"
#include "gateway/observe/own_use.h"

using namespace gateway::observe;
using namespace std::chrono_literals;

namespace {

std::vector<ProblemKind> kinds() {
    std::vector<ProblemKind> kinds;
    for (const gateway::CodeEntry& entry : gateway::codes()) {
        kinds.push_back({entry.name, entry.status});
    }
    return kinds;
}

// Each sample's name and labels, and its value.
std::map<std::string, std::string> samples(const std::string& text) {
    std::map<std::string, std::string> found;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with('#')) {
            const std::size_t blank = line.rfind(' ');
            REQUIRE(blank != std::string::npos);
            REQUIRE(found.emplace(line.substr(0, blank), line.substr(blank + 1)).second);
        }
    }
    return found;
}

RequestServed served(std::string_view method, Route route, int status, std::string_view code = {}) {
    RequestServed event;
    event.method = method;
    event.route = route;
    event.status = status;
    event.code = code;
    return event;
}

}  // namespace

TEST_CASE("each metric of the table is in the text once, with its type, and no other is") {
    const Metrics metrics(kinds(), "1.2.3");
    std::istringstream in(metrics.text({}));
    std::vector<std::string> types;
    std::vector<std::string> helps;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("# TYPE ")) {
            types.push_back(line.substr(7));
        } else if (line.starts_with("# HELP ")) {
            helps.push_back(line.substr(7));
        }
    }
    REQUIRE(types.size() == metric_families().size());
    REQUIRE(helps.size() == types.size());
    for (std::size_t i = 0; i < types.size(); ++i) {
        const MetricFamily& family = metric_families()[i];
        CHECK(types[i] == std::string(family.name) + " " + std::string(family.type));
        CHECK(helps[i] == std::string(family.name) + " " + std::string(family.meaning));
        CHECK((family.type == "counter") == family.name.ends_with("_total"));
    }
}

TEST_CASE("a request counts in its duration, its sizes and its database's time") {
    Metrics metrics(kinds(), "1.2.3");
    RequestServed event = served("DELETE", Route::table, 200);
    event.duration = 1'500us;
    event.bytes_in = 99;
    event.bytes = 101;
    event.calls.add({DatabaseSystem::sqlite, DatabaseOperation::erase, "database_busy", 300us});
    event.calls.add({DatabaseSystem::mariadb, DatabaseOperation::erase, {}, 20s});
    metrics.write(event);
    const auto found = samples(metrics.text({}));
    const std::string request = R"({http_request_method="DELETE",http_route="/{org}/{project}/{db_type}/{db}/{table}",)"
                                R"(http_response_status_code="200",error_type="")";
    CHECK(found.at("http_server_request_duration_seconds_bucket" + request + R"(,le="0.001"})") == "0");
    CHECK(found.at("http_server_request_duration_seconds_bucket" + request + R"(,le="0.0025"})") == "1");
    CHECK(found.at("http_server_request_duration_seconds_bucket" + request + R"(,le="+Inf"})") == "1");
    CHECK(found.at("http_server_request_duration_seconds_sum" + request + "}") == "0.0015");
    CHECK(found.at("http_server_request_duration_seconds_count" + request + "}") == "1");
    const std::string route = R"({http_request_method="DELETE",http_route="/{org}/{project}/{db_type}/{db}/{table}")";
    CHECK(found.at("http_server_request_body_size_bytes_bucket" + route + R"(,le="100"})") == "1");
    CHECK(found.at("http_server_response_body_size_bytes_bucket" + route + R"(,le="100"})") == "0");
    CHECK(found.at("http_server_response_body_size_bytes_sum" + route + "}") == "101");
    const std::string busy = R"({db_system_name="sqlite",db_operation_name="DELETE",error_type="database_busy")";
    CHECK(found.at("db_client_operation_duration_seconds_bucket" + busy + R"(,le="0.00025"})") == "0");
    CHECK(found.at("db_client_operation_duration_seconds_bucket" + busy + R"(,le="0.0005"})") == "1");
    const std::string slow = R"({db_system_name="mariadb",db_operation_name="DELETE",error_type="")";
    CHECK(found.at("db_client_operation_duration_seconds_bucket" + slow + R"(,le="10"})") == "0");
    CHECK(found.at("db_client_operation_duration_seconds_count" + slow + "}") == "1");
    CHECK(found.at("db_client_operation_duration_seconds_sum" + slow + "}") == "20");
}

TEST_CASE("a bound belongs to its bucket, and a negative duration counts as none") {
    Metrics metrics(kinds(), "1");
    RequestServed event = served("GET", Route::livez, 200);
    event.duration = 250us;
    metrics.write(event);
    event.duration = -5us;
    metrics.write(event);
    const auto found = samples(metrics.text({}));
    const std::string labels = R"({http_request_method="GET",http_route="/livez",http_response_status_code="200",error_type="")";
    CHECK(found.at("http_server_request_duration_seconds_bucket" + labels + R"(,le="0.00025"})") == "2");
    CHECK(found.at("http_server_request_duration_seconds_sum" + labels + "}") == "0.00025");
}

TEST_CASE("a problem counts under its code and its code's status, an unknown one under _OTHER") {
    Metrics metrics(kinds(), "1");
    metrics.write(served("GET", Route::none, 404, "path_unknown"));
    metrics.write(served("BREW", Route::none, 400, "no_such_code"));
    metrics.write(served("get", Route::none, 299));
    const auto found = samples(metrics.text({}));
    const auto count = [&](const std::string& method, const std::string& status, const std::string& code) {
        return found.at("http_server_request_duration_seconds_count{http_request_method=\"" + method +
                        "\",http_route=\"\",http_response_status_code=\"" + status + "\",error_type=\"" + code + "\"}");
    };
    CHECK(count("GET", "404", "path_unknown") == "1");
    CHECK(count("_OTHER", "_OTHER", "_OTHER") == "1");
    CHECK(count("_OTHER", "_OTHER", "") == "1");
}

TEST_CASE("what clients send adds no series") {
    Metrics metrics(kinds(), "1");
    for (const std::string_view method : {"GET", "nosuch"}) {
        metrics.write(served(method, Route::none, 404, "path_unknown"));
    }
    const std::size_t before = samples(metrics.text({})).size();
    std::mt19937 random(1);
    for (int i = 0; i < 10'000; ++i) {
        std::string text(1 + random() % 20, ' ');
        for (char& c : text) {
            c = static_cast<char>(random() % 256);
        }
        RequestServed event = served(text, Route::none, 404, "path_unknown");
        event.target = event.peer = text;
        event.request_id = event.org = event.project = event.user = text;
        metrics.write(event);
        const Metrics::Active active(metrics, text);
    }
    CHECK(samples(metrics.text({})).size() == before);
}

TEST_CASE("the active requests are those under way, by method") {
    Metrics metrics(kinds(), "1");
    const auto active = [&](const std::string& method) {
        return samples(metrics.text({})).at("http_server_active_requests{http_request_method=\"" + method + "\"}");
    };
    {
        const Metrics::Active first(metrics, "GET");
        const Metrics::Active second(metrics, "GET");
        const Metrics::Active third(metrics, "X");
        CHECK(active("GET") == "2");
        CHECK(active("_OTHER") == "1");
    }
    CHECK(active("GET") == "0");
    CHECK(active("_OTHER") == "0");
}

TEST_CASE("counts of many threads are all there, and may be read meanwhile") {
    Metrics metrics(kinds(), "1");
    std::vector<std::thread> threads;
    for (int i = 0; i < 12; ++i) {
        threads.emplace_back([&metrics] {
            for (int j = 0; j < 2'000; ++j) {
                RequestServed event = served("POST", Route::table, 422, "row_invalid");
                event.duration = std::chrono::microseconds(j);
                event.calls.add({DatabaseSystem::mariadb, DatabaseOperation::insert, "row_invalid", 1us});
                metrics.write(event);
            }
        });
    }
    for (int i = 0; i < 20; ++i) {
        CHECK(metrics.text({}).ends_with("rowgate_build_info{version=\"1\"} 1\n"));
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    const auto found = samples(metrics.text({}));
    CHECK(found.at(R"(http_server_request_duration_seconds_count{http_request_method="POST",)"
                   R"(http_route="/{org}/{project}/{db_type}/{db}/{table}",http_response_status_code="422",error_type="row_invalid"})") ==
          "24000");
    CHECK(found.at(R"(db_client_operation_duration_seconds_count{db_system_name="mariadb",db_operation_name="INSERT",error_type="row_invalid"})") ==
          "24000");
}

TEST_CASE("readings stand under their names") {
    const Metrics metrics(kinds(), "9.9");
    Readings readings;
    readings.front = {1, 2, 3, 4, 5, 6, 7, 8, 1'250'000us};
    readings.pools[0] = {1, 2, 16, 3, 4, 5, 6, 7};
    readings.log_lines_lost = 8;
    readings.audit_lines_lost = 9;
    readings.own.started = 1'700'000'000'123ms;
    const auto found = samples(metrics.text(readings));
    CHECK(found.at("rowgate_front_connections") == "1");
    CHECK(found.at("rowgate_front_connections_refused_total{reason=\"address\"}") == "4");
    CHECK(found.at("rowgate_front_queue_age_seconds") == "1.25");
    CHECK(found.at(R"(db_client_connection_count{db_system_name="mariadb",db_client_connection_state="idle"})") == "2");
    CHECK(found.at(R"(db_client_connection_max{db_system_name="mariadb"})") == "16");
    CHECK(found.at(R"(db_client_connection_max{db_system_name="sqlite"})") == "0");
    CHECK(found.at(R"(db_client_connection_pending_requests{db_system_name="mariadb"})") == "3");
    CHECK(found.at(R"(rowgate_pool_connect_failures_total{db_system_name="mariadb"})") == "7");
    CHECK(found.at("rowgate_log_lines_lost_total") == "8");
    CHECK(found.at("rowgate_audit_lines_lost_total") == "9");
    CHECK(found.at("process_start_time_seconds") == "1700000000.123");
    CHECK(found.at("rowgate_build_info{version=\"9.9\"}") == "1");
}

TEST_CASE("the program's own use is what the kernel says") {
    note_start();
    const OwnUse use = read_own_use();
    CHECK(use.resident_bytes > 1u << 20);
    CHECK(use.open_files >= 3);
    CHECK(use.open_files_max >= use.open_files);
    CHECK(use.processor_time > 0us);
    CHECK(use.started > 1'700'000'000'000ms);
}
