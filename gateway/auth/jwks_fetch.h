// One HTTPS GET of a small document: the only user of libcurl. No retry, no cache, no redirect, no cookie.
// Called by the thread of JwksSource.
#pragma once

#include <atomic>
#include <chrono>
#include <string>

#include <tl/expected.hpp>

namespace gateway::auth {

// What is wrong with it, or empty: it must be https, or http to a loopback address, and hold no user name or password.
[[nodiscard]] std::string check_fetch_url(const std::string& url);

// The body of a 200. The error is the reason: no answer in time, another status, more than 512 KiB. Gives up within a second
// or so when `is_stopping` becomes true. Certificates are checked against the system's.
[[nodiscard]] tl::expected<std::string, std::string> fetch(const std::string& url, std::chrono::milliseconds timeout,
                                                           const std::atomic<bool>& is_stopping);

}  // namespace gateway::auth
