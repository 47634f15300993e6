// The Prefer header (RFC 7240) and Accept and Content-Type (RFC 9110 12.5.1, 8.3): parsed strictly, each a pure function.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

namespace gateway::request {

struct Preference {
    std::string name;   // lower case
    std::string value;  // unquoted; empty when none
    bool is_contradicted = false;  // given again with another value
};

// All Prefer headers together. The error is one sentence. The first of a repeated preference counts (RFC 7240 section 2).
[[nodiscard]] tl::expected<std::vector<Preference>, std::string> parse_prefer(const std::vector<std::string_view>& values);

// True when the Accept headers allow application/json (none sent: yes). The most specific range decides; q=0 refuses.
// A header that does not parse: no.
[[nodiscard]] bool accepts_json(const std::vector<std::string_view>& values);

// True for application/json with no parameter but charset=utf-8.
[[nodiscard]] bool is_json_content_type(std::string_view value);

}  // namespace gateway::request
