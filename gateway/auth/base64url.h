// base64url without padding (RFC 4648 section 5, RFC 7515): the one spelling of each byte string, every other is refused.
// Pure. Called by the readers of tokens and keys.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gateway::auth {

// Nothing for padding, blanks, `+`, `/`, an impossible length, or bits set beyond the last byte.
[[nodiscard]] std::optional<std::string> decode_base64url(std::string_view text);
[[nodiscard]] std::string encode_base64url(std::string_view bytes);

}  // namespace gateway::auth
