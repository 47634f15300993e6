// HMAC-SHA-256 (RFC 2104) over a list of fields, and the comparison of two codes in constant time. It keeps no key and knows of no
// token. Pure. Called by gateway/preview.
#pragma once

#include <array>
#include <initializer_list>
#include <string_view>

namespace gateway::auth {

using Mac = std::array<unsigned char, 32>;

// Each field counts with its length, so that no two lists give one message. Throws std::runtime_error when OpenSSL fails.
[[nodiscard]] Mac hmac_of(std::string_view key, std::initializer_list<std::string_view> fields);

// Takes as long wherever they differ. Texts of different lengths are never equal.
[[nodiscard]] bool is_equal_in_constant_time(std::string_view one, std::string_view other);

}  // namespace gateway::auth
