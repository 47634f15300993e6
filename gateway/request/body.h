// A JSON body to rows of cells: iterative, UTF-8 checked, numbers kept as text. Plain bodies by a reader of ours, all others by
// RapidJSON's SAX reader.
// Pure. Called by the pipeline; fuzzed.
#pragma once

#include <cstddef>
#include <string>

#include <tl/expected.hpp>

#include "sql/plan/intent.h"

namespace gateway::request {

struct BodyLimits {
    std::size_t depth_max = 64;
    std::size_t members_max = 1'000'000;  // object members and array elements in all
};

enum class BodyFault {
    not_json,     // 400 body_invalid: syntax, encoding, empty body, nested too deep, too many members
    wrong_shape,  // 422 row_invalid: JSON, but no object (or array of objects); an empty array or object; a duplicate member
};

struct BodyError {
    BodyFault fault = BodyFault::not_json;
    std::string detail;        // names row and column where known
    std::string parameter;     // the column, where known
    std::size_t position = 0;  // zero-based byte in the body
};

enum class BodyShape { object, object_or_array };

// Takes the body's bytes over. An object or array as a member's value stays raw JSON text (for JSON columns).
[[nodiscard]] tl::expected<sql::plan::Body, BodyError> parse_body(std::string bytes, BodyShape shape, const BodyLimits& limits);

}  // namespace gateway::request
