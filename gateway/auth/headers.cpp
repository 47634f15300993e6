#include "gateway/auth/headers.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "filters/text.h"
#include "gateway/http/ascii.h"

namespace gateway::auth {
namespace {

constexpr std::size_t kHeaderBytesMax = 256;
constexpr std::string_view kMappedPrefix("\0\0\0\0\0\0\0\0\0\0\xFF\xFF", 12);

// 4 or 16 bytes; an IPv4-mapped IPv6 address stays 16 here. Empty when `text` is no address.
std::string address_bytes(const std::string& text) {
    std::array<char, 16> bytes{};
    // inet_pton stops at a NUL and would take what stands before it.
    if (text.find('\0') != std::string::npos) {
        return {};
    }
    if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) {
        return {bytes.data(), 4};
    }
    if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) {
        return {bytes.data(), 16};
    }
    return {};
}

bool is_mapped(std::string_view bytes) {
    return bytes.size() == 16 && bytes.starts_with(kMappedPrefix);
}

unsigned char byte_at(std::string_view bytes, std::size_t at) {
    return static_cast<unsigned char>(bytes[at]);
}

bool has_bits_beyond(std::string_view bytes, unsigned bits) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const unsigned kept = bits > i * 8 ? std::min<unsigned>(8, bits - static_cast<unsigned>(i * 8)) : 0;
        if ((byte_at(bytes, i) & (0xFFu >> kept)) != 0) {
            return true;
        }
    }
    return false;
}

// What is wrong with a header that must be there once, or empty; `value` is it.
std::string header_problem(const http::Request& request, std::string_view name, std::string_view& value) {
    const http::Request::Found found = request.find(name);
    if (found.count == 0) {
        return fmt::format("{} is missing", name);
    }
    if (found.count > 1) {
        return fmt::format("{} is sent {} times", name, found.count);
    }
    value = found.value;
    if (value.empty()) {
        return fmt::format("{} is empty", name);
    }
    if (value.size() > kHeaderBytesMax) {
        return fmt::format("{} is longer than {} bytes", name, kHeaderBytesMax);
    }
    if (!filters::is_utf8(value)) {
        return fmt::format("{} is not UTF-8", name);
    }
    return {};
}

void append_problem(std::string& list, const std::string& problem) {
    if (!problem.empty()) {
        list += list.empty() ? "" : "; ";
        list += problem;
    }
}

[[gnu::cold]] Problem unauthenticated(Code code, std::string detail, std::string hint) {
    Problem problem;
    problem.code = code;
    problem.detail = std::move(detail);
    problem.hint = std::move(hint);
    problem.authenticate = "Rowgate-Headers";
    return problem;
}

}  // namespace

std::vector<std::string> split_roles(std::string_view text) {
    std::vector<std::string> roles;
    roles.reserve(static_cast<std::size_t>(std::count(text.begin(), text.end(), ',')) + 1);
    while (true) {
        const std::size_t comma = text.find(',');
        const std::string_view role = http::trim_blanks(text.substr(0, comma));
        if (!role.empty()) {
            roles.emplace_back(role);
        }
        if (comma == std::string_view::npos) {
            return roles;
        }
        text.remove_prefix(comma + 1);
    }
}

tl::expected<TrustedProxies, std::string> TrustedProxies::parse(const std::vector<std::string>& entries) {
    TrustedProxies trusted;
    for (const std::string& entry : entries) {
        if (entry == "unix") {
            trusted.unix_ = true;
            continue;
        }
        const std::size_t slash = entry.find('/');
        Range range;
        range.bytes = address_bytes(entry.substr(0, slash));
        if (range.bytes.empty()) {
            return tl::unexpected(fmt::format("\"{}\" is neither an address, nor a range such as 10.0.0.0/8, nor unix", entry));
        }
        range.bits = static_cast<unsigned>(range.bytes.size() * 8);
        if (slash != std::string::npos) {
            const char* begin = entry.data() + slash + 1;
            const char* end = entry.data() + entry.size();
            unsigned bits = 0;
            const auto [at, fault] = std::from_chars(begin, end, bits);
            if (fault != std::errc{} || at != end || bits > range.bits || (*begin == '0' && end - begin > 1)) {
                return tl::unexpected(fmt::format("\"{}\" must have a prefix of 0 to {} bits", entry, range.bits));
            }
            range.bits = bits;
        }
        if (has_bits_beyond(range.bytes, range.bits)) {
            return tl::unexpected(fmt::format("\"{}\" has bits set beyond its prefix", entry));
        }
        if (is_mapped(range.bytes) && range.bits >= 96) {
            range.bytes.erase(0, 12);
            range.bits -= 96;
        }
        trusted.ranges_.push_back(std::move(range));
    }
    return trusted;
}

bool TrustedProxies::contains(std::string_view peer) const {
    if (peer == "unix") {
        return unix_;
    }
    // A link-local peer comes with its zone: fe80::1%eth0.
    std::string bytes = address_bytes(std::string(peer.substr(0, peer.find('%'))));
    if (is_mapped(bytes)) {
        bytes.erase(0, 12);
    }
    if (bytes.empty()) {
        return false;
    }
    for (const Range& range : ranges_) {
        if (range.bytes.size() != bytes.size()) {
            continue;
        }
        const std::size_t whole = range.bits / 8;
        const unsigned rest = range.bits % 8;
        if (std::memcmp(range.bytes.data(), bytes.data(), whole) == 0 &&
            (rest == 0 || ((byte_at(range.bytes, whole) ^ byte_at(bytes, whole)) >> (8 - rest)) == 0)) {
            return true;
        }
    }
    return false;
}

tl::expected<Subject, Problem> authenticate(const http::Request& request, const TrustedProxies& trusted) {
    std::array<std::string_view, 3> tenant;
    std::string_view user;
    std::string_view role_list;
    std::string tenant_problems;
    append_problem(tenant_problems, header_problem(request, "X-Org-Id", tenant[0]));
    append_problem(tenant_problems, header_problem(request, "X-Project-Id", tenant[1]));
    append_problem(tenant_problems, header_problem(request, "X-Space-Id", tenant[2]));
    std::string identity_problems;
    append_problem(identity_problems, header_problem(request, "X-User-Id", user));
    const std::string role_problem = header_problem(request, "X-User-Roles", role_list);
    std::vector<std::string> roles = split_roles(role_problem.empty() ? role_list : std::string_view{});
    append_problem(identity_problems, role_problem.empty() && roles.empty() ? "X-User-Roles names no role" : role_problem);

    if (!tenant_problems.empty()) {
        append_problem(tenant_problems, identity_problems);
        Problem problem;
        problem.code = Code::header_missing;
        problem.detail = std::move(tenant_problems);
        problem.hint = "send X-Org-Id, X-Project-Id, X-Space-Id, X-User-Id and X-User-Roles, each once";
        return tl::unexpected(std::move(problem));
    }
    if (!trusted.contains(request.peer)) {
        return tl::unexpected(
            unauthenticated(Code::identity_untrusted, "identity headers are not accepted from this peer",
                            "send the request through the proxy that identifies users; the setting trusted_proxies names it"));
    }
    if (!identity_problems.empty()) {
        return tl::unexpected(unauthenticated(Code::identity_missing, std::move(identity_problems),
                                              "send X-User-Id and X-User-Roles, each once; roles are comma separated"));
    }
    Subject subject;
    subject.org_id = tenant[0];
    subject.project_id = tenant[1];
    subject.space_id = tenant[2];
    subject.user_id = user;
    subject.roles = std::move(roles);
    return subject;
}

}  // namespace gateway::auth
