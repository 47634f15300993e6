// Pages of other origins: which one asks, whether the project's file lists it, and the headers that tell its browser so (Fetch
// standard, CORS protocol). It protects nothing by itself: identity and grants do, whoever asks. Called by service for every request.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/message.h"
#include "gateway/tenants/registry.h"

namespace gateway {

// What one request is to be told. Views into the request.
struct CrossOrigin {
    std::string_view origin;    // empty: none is named, or more than one
    bool is_preflight = false;  // a browser asks before it sends what a page wants to
    bool is_listed = false;     // by the project that the path names
    bool allows_credentials = false;
    std::uint32_t max_age_s = 0;
};

// By path names only, with no word about who asks: a browser sends a preflight without identity. A path that names no project, and a
// project that does not list the origin, cannot be told apart.
[[nodiscard]] CrossOrigin cross_origin_of(const http::Request& request, const tenants::Registry& registry,
                                          const std::vector<std::string>& base_paths);

// The answer to a preflight: 204, and the permission if the origin is listed.
[[nodiscard]] http::Response preflight_response(const CrossOrigin& cross);

// On the answer to anything else, a problem too: without them the page could not read it.
void add_cross_origin_headers(http::Response& response, const CrossOrigin& cross);

}  // namespace gateway
