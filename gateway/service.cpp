#include "gateway/service.h"

#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <utility>

#include "gateway/error.h"
#include "gateway/respond/problem.h"

namespace gateway {
namespace {

constexpr std::size_t kRequestIdMax = 128;
constexpr std::size_t kHeadersUsual = 8;

// An answer is data: nothing in it may be taken for a page, framed, run, or loaded by a page of another origin without CORS, which
// Cross-Origin-Resource-Policy leaves alone. As text, since a header that is made for each answer costs more than all of these.
constexpr http::FixedLines kCommonLines(
    "Cache-Control: no-store\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Referrer-Policy: no-referrer\r\n");
constexpr std::uint64_t kLargeBody = 256 << 10;

// By byte: may it stand in a request id?
constexpr std::array<bool, 256> kIdBytes = [] {
    std::array<bool, 256> allowed{};
    for (const char c : std::string_view("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_.")) {
        allowed[static_cast<unsigned char>(c)] = true;
    }
    return allowed;
}();

bool is_well_formed_id(std::string_view id) {
    return !id.empty() && id.size() <= kRequestIdMax &&
           std::ranges::all_of(id, [](char c) { return kIdBytes[static_cast<unsigned char>(c)]; });
}

// By byte: its two digits.
constexpr std::array<std::array<char, 2>, 256> kHex = [] {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::array<std::array<char, 2>, 256> pairs{};
    for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i] = {kDigits[i / 16], kDigits[i % 16]};
    return pairs;
}();

http::Response respond_problem(const Problem& problem, observe::RequestServed& event) {
    event.code = entry_of(problem.code).name;
    if (!problem.internal.empty()) event.internal = problem.internal;
    return respond::problem_response(problem);
}

// SplitMix64 (Steele, Lea, Flood 2014): a counter and a mixture of its bits. Two of them, so that two threads or gateways come upon the
// same id no sooner than 128 random bits do. Nobody has to be unable to guess an id.
class RandomIds {
public:
    RandomIds() {
        std::random_device device;
        for (std::uint64_t& counter : counters_) counter = std::uint64_t{device()} << 32u | device();
    }
    std::string next() {
        std::string id(32, '0');
        char* at = id.data();
        for (std::uint64_t& counter : counters_) {
            std::uint64_t number = mixed(counter += 0x9E3779B97F4A7C15u);
            for (int byte = 0; byte < 8; ++byte, number >>= 8u) {
                at = std::ranges::copy(kHex[number & 0xFFu], at).out;
            }
        }
        return id;
    }

private:
    static std::uint64_t mixed(std::uint64_t bits) {
        bits = (bits ^ bits >> 30u) * 0xBF58476D1CE4E5B9u;
        bits = (bits ^ bits >> 27u) * 0x94D049BB133111EBu;
        return bits ^ bits >> 31u;
    }
    std::array<std::uint64_t, 2> counters_{};
};

}  // namespace

std::string new_request_id() {
    static thread_local RandomIds ids;
    return ids.next();
}

std::string request_id_of(const http::Request& request) {
    const http::Request::Found sent = request.find("X-Request-Id");
    return sent.count == 1 && is_well_formed_id(sent.value) ? std::string(sent.value) : new_request_id();
}

void add_common_headers(http::Response& response, std::string request_id) {
    response.headers.reserve(std::max(kHeadersUsual, response.headers.size() + 1));
    http::Header& header = response.headers.emplace_back();
    header.name = "X-Request-Id";
    header.value = std::move(request_id);
    response.lines = kCommonLines;
}

http::Response Service::serve(http::Request&& request) {
    const observe::Metrics::Active active(metrics_, request.method);
    observe::RequestServed event;
    event.request_id = request_id_of(request);
    event.peer = request.peer;
    event.method = request.method;
    event.target = request.target;
    event.bytes_in = request.body.size();
    const auto received = request.received;
    http::Response response;
    const CurrentSnapshot::Pin pin = current_.pin();
    const Snapshot& snapshot = *pin;
    const CrossOrigin cross = cross_origin_of(request, snapshot.registry, snapshot.config.base_paths);
    try {
        // Probes first: a gateway that has too much to do is alive.
        if (auto health = health_.answer(request, snapshot, Health::Asker::client, event)) {
            response = std::move(*health);
        } else if (cross.is_preflight) {
            // Shed or not: it costs less than to refuse it.
            response = preflight_response(cross);
        } else if (request.is_shed) {
            Problem problem;
            problem.code = Code::overloaded;
            problem.detail = "more requests come in than can be served; nothing was done";
            response = respond_problem(problem, event);
        } else {
            response = answer(std::move(request), snapshot, event);
        }
    } catch (const std::exception& exception) {
        Problem problem;
        problem.detail = "the gateway failed; the log has the reason under this request's id";
        problem.internal = exception.what();
        response = respond_problem(problem, event);
    }
    if (!cross.is_preflight) add_cross_origin_headers(response, cross);
    finish(response, event, received);
    if (event.bytes_in >= kLargeBody) {
        // What its rows took lies free between other things: back to the system with it, or each thread would keep its share.
        ::malloc_trim(0);
    }
    return response;
}

http::Response Service::refuse(const http::Refusal& refusal) {
    observe::RequestServed event;
    event.request_id = new_request_id();
    Problem problem = to_problem(refusal);
    problem.position = refusal.status == 400 ? std::optional<std::size_t>() : problem.position;
    http::Response response = respond_problem(problem, event);
    finish(response, event, std::chrono::steady_clock::now());
    return response;
}

void Service::finish(http::Response& response, observe::RequestServed& event, std::chrono::steady_clock::time_point received) {
    event.status = response.status;
    event.bytes = response.body.size();
    event.duration = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - received);
    log_.write(event);
    if (audit_ != nullptr) audit_->write(event);
    metrics_.write(event);
    add_common_headers(response, std::move(event.request_id));
}

}  // namespace gateway
