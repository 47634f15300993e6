// What a request asks beside its rows, read from its preferences, its headers and the controls of its query, and checked for sense:
// what a verb cannot do is refused, never dropped. It knows neither the table nor the policy, which may refuse more.
// Pure. Called by the pipeline. The rows that a body names are keys_body.h's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "filters/ast.h"
#include "gateway/request/prefer.h"
#include "gateway/request/target.h"
#include "sql/plan/intent.h"

namespace gateway::request {

// All of them 400.
enum class AskFault {
    preference,
    header,      // a header of ours that says something else than it may, or comes with a verb that it does not go with
    query,       // query_invalid: a control that does not go with this verb, or not with what else was sent
};

struct AskError {
    AskFault fault = AskFault::query;
    std::string detail;
    std::string hint;
    std::string parameter;                      // the preference, header or control
    std::optional<filters::Position> position;  // in the target; a header has none
};

// The values of each header, one an occurrence.
struct AskHeaders {
    std::vector<std::string_view> delete_token;        // X-Delete-Token
    std::vector<std::string_view> conditional_delete;  // X-Conditional-Delete
};

// `preferences` as parse_prefer gives them; those that nobody here knows are left alone. A read ignores the preferences of writes,
// as RFC 7240 says, for it does what they ask; the headers and controls of writes are refused on it.
//   max-affected=N     on every write; N past 2^64-1 is that
//   return=minimal|representation|headers-only, tx=rollback|commit
//   a preference given twice with different values, one with another value; tx=rollback on an insert
//   order without limit or a representation, limit without order, select without a representation, a token with a preview
[[nodiscard]] tl::expected<sql::plan::Asks, AskError> parse_asks(sql::plan::Verb verb, const std::vector<Preference>& preferences,
                                                                 const AskHeaders& headers, const filters::Query& query);

// The last segment of `target` as it was sent, of `{table}/{key}`.
[[nodiscard]] sql::plan::PathKey path_key(const Target& target);

}  // namespace gateway::request
