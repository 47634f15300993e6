// The raw request target to org, project, database type, database, table, key and query: split first, then decoded once.
// Pure. Called by the pipeline; fuzzed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "filters/ast.h"

namespace gateway::request {

struct TargetError {
    std::string detail;
    filters::Position position = 0;
};

// The path below a base path, decoded. `base` is how the base path was sent.
struct Target {
    std::string_view base;              // views into the target
    std::vector<std::string> segments;  // decoded; no empty one
    std::string_view path;              // raw path without query and trailing slash, views into the target
    std::string_view query;             // raw, after the first `?`; views into the target
    filters::Position query_position = 0;
    bool has_base = false;  // false: no base path matches; segments then hold the whole path
};

// Fails (400) on NUL, invalid UTF-8, a bad percent escape, `.` or `..` (also encoded), an empty segment but one trailing slash.
// `base_paths` are like "/v1"; the longest that matches whole segments wins.
[[nodiscard]] tl::expected<Target, TargetError> parse_target(std::string_view target, const std::vector<std::string>& base_paths);

}  // namespace gateway::request
