#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "gateway/grants/standing.h"
#include "gateway/tenants/load.h"

namespace gateway::tenants {
namespace {

constexpr std::int64_t kDaySeconds = 86'400;
constexpr std::int64_t kRateMax = 1'000'000;
constexpr std::int64_t kAnswerBytesMax = std::int64_t{1} << 40;
constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kDigits = "0123456789";

bool holds_only(std::string_view text, std::initializer_list<std::string_view> sets) {
    return std::ranges::all_of(text, [&](char c) {
        return std::ranges::any_of(sets, [c](std::string_view set) { return set.find(c) != std::string_view::npos; });
    });
}

std::string port_problem(std::string_view port, std::string_view scheme) {
    unsigned number = 0;
    const auto [at, fault] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (port.empty() || fault != std::errc{} || at != port.data() + port.size() || number == 0 || number > 65535 || port.front() == '0') {
        return "has a port that is no number from 1 to 65535";
    }
    if ((scheme == "https" && number == 443) || (scheme == "http" && number == 80)) {
        return "names its scheme's own port, which browsers leave out";
    }
    return {};
}

std::uint32_t load_count(Section& section, std::string_view key, std::size_t fallback, std::int64_t most) {
    const auto number = section.number(key, 0, most);
    return static_cast<std::uint32_t>(number ? *number : static_cast<std::int64_t>(fallback));
}

struct LimitKeys {
    std::string_view rate, burst, concurrency;
};

fairness::Limits load_limits(Section& section, const LimitKeys& keys, const config::ShareLimits& fallback) {
    fairness::Limits limits;
    limits.rate.per_second = load_count(section, keys.rate, fallback.rate, kRateMax);
    limits.rate.burst = load_count(section, keys.burst, fallback.burst, kRateMax);
    limits.concurrency_max = load_count(section, keys.concurrency, fallback.concurrency_max, kRateMax);
    if (section.has(keys.burst) && limits.rate.burst == 0) section.complain(keys.burst, "must be at least 1");
    if (section.has(keys.burst) && limits.rate.per_second == 0) section.complain(keys.burst, fmt::format("stands without {}", keys.rate));
    if (limits.rate.per_second == 0) {
        limits.rate = {};
    } else if (limits.rate.burst == 0) {
        limits.rate.burst = limits.rate.per_second;
    }
    return limits;
}

}  // namespace

std::string origin_problem(std::string_view text) {
    if (text == "*") return "is every page there is; name the origins whose pages may call these tables";
    if (text.find('*') != std::string_view::npos) return "must be exact: an origin has no *";
    if (text == "null") return "is what any page in a sandbox calls itself";
    const std::size_t mark = text.find("://");
    if (mark == std::string_view::npos) return "must be scheme://host or scheme://host:port";
    const std::string_view scheme = text.substr(0, mark);
    if (scheme.empty() || kLower.find(scheme.front()) == std::string_view::npos || !holds_only(scheme, {kLower, kDigits, "+-."})) {
        return "has a scheme that no browser sends; it is in lower case, as in https";
    }
    const std::string_view rest = text.substr(mark + 3);
    if (rest.find_first_of("/?#") != std::string_view::npos) return "must end after host and port: an origin has no path, not even a /";
    if (rest.find('@') != std::string_view::npos) return "must not name a user";
    const bool is_ipv6 = rest.starts_with('[');
    const std::size_t host_end = is_ipv6 ? std::min(rest.find(']'), rest.size() - 1) + 1 : std::min(rest.find(':'), rest.size());
    const std::string_view host = rest.substr(0, host_end);
    const bool is_good = is_ipv6 ? host.size() > 2 && host.back() == ']' && holds_only(host.substr(1, host.size() - 2), {kDigits, "abcdef:."})
                                 : !host.empty() && holds_only(host, {kLower, kDigits, "-._"});
    if (!is_good) return "has a host that no browser sends; it is in lower case, and in punycode (xn--) where it is not ASCII";
    if (host_end == rest.size()) return {};
    if (rest[host_end] != ':') return "must be scheme://host or scheme://host:port";
    return port_problem(rest.substr(host_end + 1), scheme);
}

CorsPolicy load_cors(Section& section) {
    CorsPolicy policy;
    if (section.has("cors_origins")) {
        policy.origins = section.texts("cors_origins");
    }
    for (const std::string& origin : policy.origins) {
        if (const std::string problem = origin_problem(origin); !problem.empty()) {
            section.complain("cors_origins", fmt::format("\"{}\" {}", origin, problem));
        } else if (std::ranges::count(policy.origins, origin) > 1) {
            section.complain("cors_origins", fmt::format("\"{}\" stands twice", origin));
            break;
        }
    }
    policy.max_age_s = static_cast<std::uint32_t>(section.number("cors_max_age_s", 0, kDaySeconds).value_or(policy.max_age_s));
    policy.allows_credentials = section.flag("cors_credentials").value_or(false);
    for (const std::string_view key : {"cors_max_age_s", "cors_credentials"}) {
        if (section.has(key) && !section.has("cors_origins")) section.complain(key, "stands without cors_origins");
    }
    return policy;
}

fairness::Share load_share(Section& section, const config::Config& config) {
    const fairness::Limits tenant = load_limits(section, {"rate", "burst", "concurrency_max"}, config.tenant_share);
    const fairness::Limits key = load_limits(section, {"key_rate", "key_burst", "key_concurrency_max"}, config.key_share);
    return fairness::Share::make(tenant, key);
}

Caps load_caps(Section& section, const config::Config& config) {
    Caps caps;
    caps.limits = config.limits;
    const auto most = [](auto number) { return static_cast<std::int64_t>(number); };
    if (const auto rows = section.number("rows_max", 1, most(config.limits.rows_max))) caps.limits.rows_max = static_cast<std::uint64_t>(*rows);
    const auto body = section.number("body_bytes_max", 1, most(config.server.body_bytes_max));
    caps.body_bytes_max = body ? static_cast<std::size_t>(*body) : config.server.body_bytes_max;
    const auto answer = section.number("answer_bytes_max", 0, kAnswerBytesMax);
    const std::size_t answer_bytes = answer ? static_cast<std::size_t>(*answer) : config.tenant_answer_bytes_max;
    if (answer_bytes != 0) caps.answer_bytes_max = answer_bytes;
    caps.writes = load_write_caps(section);
    return caps;
}

WriteCaps load_write_caps(Section& section) {
    WriteCaps caps;
    caps.affected_max = grants::load_row_cap(section, "affected_max");
    caps.cascaded_max = grants::load_row_cap(section, "cascaded_max");
    return caps;
}

std::optional<std::chrono::milliseconds> load_statement_timeout(Section& section, const config::Config& config) {
    const auto time = section.number("statement_timeout_ms", 1, config.request_timeout.count());
    return time ? std::optional(std::chrono::milliseconds(*time)) : std::nullopt;
}

}  // namespace gateway::tenants
