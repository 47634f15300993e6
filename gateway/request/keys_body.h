// A JSON body that names the rows of a delete: `{"ids":[…]}`, or where the request may say so `{"filter":"…"}`.
// It knows no table: how many values a key has, and of which types, is for bind. Pure. Called by the pipeline; fuzzed.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <tl/expected.hpp>

#include "filters/parse.h"
#include "gateway/request/body.h"
#include "sql/plan/intent.h"

namespace gateway::request {

// The body of DELETE has ids alone, that of bulk-delete ids or a filter.
enum class KeysForm { ids, ids_or_filter };

// Exactly one of the two.
struct KeysBody {
    std::optional<sql::plan::BodyKeys> keys;
    std::vector<filters::Condition> where;  // one or more; positions are in the body
    std::string bytes;                      // the body, given back
};

// A BodyError, or what filters::parse says of the filter; of the latter also limit_exceeded: more than limits.keys_max keys, doubles
// counted. Every position is in the body.
using KeysBodyError = std::variant<BodyError, filters::ParseError>;

// Each of the ids is a number, string, boolean or null, or a non-empty array of these: a key's values in key order. The filter is a
// query string of conditions alone.
//   not_json (400): also a body of another shape: no object, another member, both, neither
//   wrong_shape (422): it names no rows: an empty list, an empty filter
[[nodiscard]] tl::expected<KeysBody, KeysBodyError> parse_keys_body(std::string bytes, KeysForm form, const BodyLimits& body_limits,
                                                                    const filters::Limits& limits);

}  // namespace gateway::request
