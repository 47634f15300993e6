// What the readers of configuration files share: a file's text, the nearest known name, a check of text.
// Knows no setting and no tenant. Called by gateway/config and gateway/tenants.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace gateway::config {

// The whole file. The error is the reason alone: "cannot be read: No such file or directory".
[[nodiscard]] tl::expected<std::string, std::string> read_file(const std::string& path, std::size_t bytes_max);

// The candidate nearest to `name` by edit distance, or one that ends with it (`port` for `server.port`); empty when none is near.
[[nodiscard]] std::string nearest(std::string_view name, std::span<const std::string> candidates);

// `; did you mean …?`, or nothing.
[[nodiscard]] std::string did_you_mean(std::string_view name, std::span<const std::string> candidates);

// True for UTF-8 without control characters.
[[nodiscard]] bool is_plain_text(std::string_view text);

// `path` below `folder` unless it is absolute.
[[nodiscard]] std::string below(const std::string& folder, const std::string& path);

}  // namespace gateway::config
