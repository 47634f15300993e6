// An API key: its text, its parts, its hash, and what it stands for once it is known. It is not where keys are kept (key_file)
// nor where they are looked up (api_keys). Pure but for `make_key`, which asks the system for random bytes.
// Called by api_keys for each request with a key, and by `rowgate keys`.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/auth/subject.h"

namespace gateway::auth {

// A key is `rg_`, its id (8 characters, no secret), `_`, 256 random bits (43 characters of base64url) and 6 characters that tell a
// mistyped key from a revoked one.
inline constexpr std::string_view kKeyPrefix = "rg_";
inline constexpr std::size_t kKeyIdBytes = 8;
inline constexpr std::size_t kKeyBytes = 3 + kKeyIdBytes + 1 + 43 + 6;

// SHA-256 of the whole text: the secret has 256 random bits, so a slow hash would add nothing.
using KeyHash = std::array<unsigned char, 32>;
[[nodiscard]] KeyHash hash_of(std::string_view key);

using Instant = std::chrono::sys_seconds;

// What the file of a key says.
struct ApiKey {
    std::string id;
    std::string name;  // for people; may be empty
    KeyHash hash{};
    Subject subject;
    Instant created;
    std::optional<Instant> expires;  // from then on it is refused
    std::optional<Instant> revoked;
};

// Lower-case letters and 2 to 7, eight of them.
[[nodiscard]] bool is_key_id(std::string_view text);

enum class KeyText { good, malformed, mistyped };
// How a text looks that is given as a key. Of a good one, `key_id_of` is the id.
[[nodiscard]] KeyText judge_key(std::string_view text);
[[nodiscard]] std::string_view key_id_of(std::string_view good);

struct NewKey {
    std::string id;
    std::string text;  // shown once, kept nowhere
    KeyHash hash;
};
// Throws std::runtime_error when the system has no random bytes.
[[nodiscard]] NewKey make_key();

// RFC 3339 with seconds and `Z` or an offset: "2027-01-01T00:00:00Z". Fractions are refused; so are years before 1970.
[[nodiscard]] std::optional<Instant> parse_instant(std::string_view text);
[[nodiscard]] std::string print_instant(Instant instant);

[[nodiscard]] std::string to_hex(const KeyHash& hash);
// Nothing unless it is 64 hexadecimal digits.
[[nodiscard]] std::optional<KeyHash> parse_hash(std::string_view hex);

}  // namespace gateway::auth
