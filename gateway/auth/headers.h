// Identity mode `headers`: the five X- headers, believed only from trusted peers (a proxy that overwrites them).
// Pure. Called by the pipeline, in the order of the contract: tenant headers 400, then identity 401.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "gateway/auth/subject.h"
#include "gateway/error.h"
#include "gateway/http/message.h"

namespace gateway::auth {

// Addresses and CIDR ranges, IPv4 and IPv6 (an IPv4-mapped IPv6 peer counts as IPv4), and "unix".
class TrustedProxies {
public:
    // The error names the entry that does not parse.
    [[nodiscard]] static tl::expected<TrustedProxies, std::string> parse(const std::vector<std::string>& entries);
    [[nodiscard]] bool contains(std::string_view peer) const;

private:
    struct Range {
        std::string bytes;  // 4 or 16
        unsigned bits = 0;
    };
    std::vector<Range> ranges_;
    bool unix_ = false;
};

// Roles at commas, blanks trimmed, empty ones dropped.
[[nodiscard]] std::vector<std::string> split_roles(std::string_view text);

// 400 header_missing when a tenant header is missing, empty, repeated, invalid UTF-8 or over 256 bytes (the detail lists every
// bad one of the five); else 401 identity_missing for the other two; 401 identity_untrusted from a peer that is not trusted.
// No role counts as missing.
[[nodiscard]] tl::expected<Subject, Problem> authenticate(const http::Request& request, const TrustedProxies& trusted);

}  // namespace gateway::auth
