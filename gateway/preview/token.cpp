#include "gateway/preview/token.h"

#include <algorithm>
#include <vector>

#include "filters/print.h"
#include "gateway/auth/base64url.h"
#include "gateway/auth/hmac.h"

namespace gateway::preview {
namespace {

// `p1.` and, as base64url: expires in seconds (8 bytes), rows (8), the set's mark (16), the code over these and the request (32).
constexpr std::string_view kPrefix = "p1.";
constexpr std::size_t kNumberBytes = 8;
constexpr std::size_t kMarkBytes = 16;
constexpr std::size_t kClaimsBytes = 2 * kNumberBytes + kMarkBytes;
constexpr std::size_t kPayloadBytes = kClaimsBytes + sizeof(auth::Mac);

std::string_view text_of(std::span<const unsigned char> bytes) {
    return {static_cast<const char*>(static_cast<const void*>(bytes.data())), bytes.size()};
}

void append_number(std::string& out, std::uint64_t number) {
    for (unsigned shift = 64; shift > 0; shift -= 8) {
        out += static_cast<char>(number >> (shift - 8) & 0xFFu);
    }
}

std::uint64_t number_of(std::string_view bytes) {
    std::uint64_t number = 0;
    for (const char byte : bytes) {
        number = number << 8u | static_cast<unsigned char>(byte);
    }
    return number;
}

// Each with its length: ["ab","c"] is not ["a","bc"].
std::string joined(std::span<const std::string> parts) {
    std::string out;
    for (const std::string& part : parts) {
        append_number(out, part.size());
        out += part;
    }
    return out;
}

auth::Mac code_of(const TokenKey& key, std::string_view claims, const BoundRequest& request) {
    std::vector<std::string> roles = request.caller.roles;
    std::sort(roles.begin(), roles.end());
    roles.erase(std::unique(roles.begin(), roles.end()), roles.end());
    const auth::KeyHash body = auth::hash_of(request.body);
    return auth::hmac_of(key.secret(), {"rowgate preview token 1", claims, request.caller.org_id, request.caller.project_id,
                                        request.caller.space_id, request.caller.user_id, joined(roles), request.caller.key_id,
                                        joined(request.segments), request.method, request.filter, request.keys, text_of(body)});
}

std::array<unsigned char, kMarkBytes> mark_of(const TokenKey& key, const Set& set) {
    std::string rows;
    append_number(rows, set.rows);
    const auth::Mac mac = auth::hmac_of(key.secret(), {"rowgate preview set 1", rows, set.digest});
    std::array<unsigned char, kMarkBytes> mark{};
    std::copy_n(mac.begin(), mark.size(), mark.begin());
    return mark;
}

}  // namespace

std::string canonical_filter(const filters::Query& query) {
    std::vector<std::string> parts;
    for (const filters::Condition& condition : query.where) {
        parts.push_back(filters::print(condition));
    }
    std::sort(parts.begin(), parts.end());
    filters::Query rest;
    rest.order = query.order;
    rest.limit = query.limit;
    rest.offset = query.offset;
    parts.push_back(filters::print(rest));
    std::string out;
    for (const std::string& part : parts) {
        out += (out.empty() || part.empty() ? "" : "&") + part;
    }
    return out;
}

std::string issue_token(const TokenKey& key, const BoundRequest& request, const Set& set, auth::Instant expires) {
    std::string payload;
    append_number(payload, static_cast<std::uint64_t>(expires.time_since_epoch().count()));
    append_number(payload, set.rows);
    payload += text_of(mark_of(key, set));
    payload += text_of(code_of(key, payload, request));
    return std::string(kPrefix) + auth::encode_base64url(payload);
}

std::optional<ShownSet> verify_token(const TokenKey& key, std::string_view token, const BoundRequest& request, auth::Instant now) {
    if (token.size() > kTokenBytesMax || !token.starts_with(kPrefix)) {
        return std::nullopt;
    }
    const auto payload = auth::decode_base64url(token.substr(kPrefix.size()));
    if (!payload || payload->size() != kPayloadBytes) {
        return std::nullopt;
    }
    const std::string_view claims = std::string_view(*payload).substr(0, kClaimsBytes);
    const auth::Mac code = code_of(key, claims, request);
    if (!auth::is_equal_in_constant_time(text_of(code), std::string_view(*payload).substr(kClaimsBytes))) {
        return std::nullopt;
    }
    // Signed, so it is a time that issue_token was given.
    const auth::Instant expires{std::chrono::seconds(static_cast<std::int64_t>(number_of(claims.substr(0, kNumberBytes))))};
    if (now >= expires) {
        return std::nullopt;
    }
    ShownSet shown;
    shown.rows = number_of(claims.substr(kNumberBytes, kNumberBytes));
    std::copy_n(claims.begin() + 2 * kNumberBytes, shown.mark.size(), shown.mark.begin());
    return shown;
}

bool is_same_set(const TokenKey& key, const ShownSet& shown, const Set& now) {
    return shown.rows == now.rows && auth::is_equal_in_constant_time(text_of(shown.mark), text_of(mark_of(key, now)));
}

}  // namespace gateway::preview
