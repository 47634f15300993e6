// The token of a preview: it says, signed, that this caller was shown what this request would do to this set, and until when that
// counts. Nothing is kept here, and a token is no permission: a request that bears one goes through every check as without it.
// Pure: the time is given. Called by the pipeline.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "filters/ast.h"
#include "gateway/auth/api_key.h"
#include "gateway/auth/subject.h"
#include "gateway/preview/token_key.h"

namespace gateway::preview {

// All that a token is bound to but the set. Views: lives no longer than the request.
struct BoundRequest {
    const auth::Subject& caller;            // its ids, roles in any order, the API key's id; not its claims, which bear times
    std::span<const std::string> segments;  // of the path, decoded: org, project, type, database, table, and a key where there is one
    std::string_view method;
    std::string_view filter;                // canonical_filter
    std::string_view keys;                  // of `ids`, however they came, in one spelling; empty without
    std::string_view body;                  // as sent
};

// The conditions, in any order, with `order` and `limit`: what decides which rows are meant. `select` and other controls are left out.
[[nodiscard]] std::string canonical_filter(const filters::Query& query);

// The set as the database counts and digests it (sql/exec/set_digest.h).
struct Set {
    std::uint64_t rows = 0;
    std::string_view digest;
};

// What the token says of the set that was shown.
struct ShownSet {
    std::uint64_t rows = 0;
    std::array<unsigned char, 16> mark{};
};

// Longer than any token.
inline constexpr std::size_t kTokenBytesMax = 200;

// From `expires` on it is refused.
[[nodiscard]] std::string issue_token(const TokenKey& key, const BoundRequest& request, const Set& set, auth::Instant expires);

// Nothing when the token is malformed, altered, of another key, another version, another request, or has expired: who sent it is not
// told which. Takes as long wherever a token differs from the right one.
[[nodiscard]] std::optional<ShownSet> verify_token(const TokenKey& key, std::string_view token, const BoundRequest& request,
                                                   auth::Instant now);

// True when the same rows, unchanged, are the set now.
[[nodiscard]] bool is_same_set(const TokenKey& key, const ShownSet& shown, const Set& now);

}  // namespace gateway::preview
