// A JSON Web Token (RFC 7519 as a JWS in compact form, RFC 7515, by the rules of RFC 8725) to the Subject it speaks for, or the
// reason why not. Pure: keys and time come from the caller. The reasons are for the log; a client is told none of them.
// Called by JwtMode.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "gateway/auth/jwks.h"
#include "gateway/auth/settings.h"
#include "gateway/auth/subject.h"

namespace gateway::auth {

inline constexpr std::size_t kTokenBytesMax = 16u << 10;

// A token taken apart; nothing of it is to be believed yet. Views into the text that was parsed.
struct UnverifiedToken {
    Algorithm algorithm = Algorithm::rs256;
    std::optional<std::string> key_id;
    std::string_view signed_text;  // header and payload, as sent
    std::string payload;           // decoded, not parsed
    std::string signature;
};

// Refuses what is over kTokenBytesMax before any other work; then anything but three parts in strict base64url, a header that
// names a member twice, `alg` that is not one of ours (none, for one), any `crit`, a `typ` other than JWT and at+jwt.
[[nodiscard]] tl::expected<UnverifiedToken, std::string> parse_token(std::string_view text);

enum class Signature { good, bad, key_unknown };

// key_unknown: newer keys may help, for none of the set has the token's key id, or the token has no key id and none of the set
// signed it (eight are tried). A key of that id which is for another algorithm is a bad signature.
[[nodiscard]] Signature check_signature(const UnverifiedToken& token, const KeySet& keys);

struct VerifiedToken {
    Subject subject;
    std::chrono::system_clock::time_point not_before;  // both with the leeway
    std::chrono::system_clock::time_point expires;     // no longer valid from here on
};

// What a token with a good signature says. iss, aud and exp must be there and fit, nbf and iat fit if they are there; then the
// claims that make a Subject: texts of 1 to 256 bytes without control characters, or integers, and at least one role.
[[nodiscard]] tl::expected<VerifiedToken, std::string> read_claims(std::string_view payload, const Settings& settings,
                                                                  std::chrono::system_clock::time_point now);

}  // namespace gateway::auth
