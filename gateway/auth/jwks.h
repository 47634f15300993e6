// The keys that tokens are verified with, and the one place where a signature is checked. A key knows which algorithms it is for;
// a token's header only names one and cannot choose (RFC 8725 section 3.1). Immutable once made. Knows no file and no network.
// Made by JwksSource, read by jwt.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace gateway::auth {

struct JsonValue;

enum class Algorithm : std::uint8_t { rs256, rs384, rs512, ps256, ps384, ps512, es256, es384, eddsa, hs256 };

[[nodiscard]] std::optional<Algorithm> parse_algorithm(std::string_view name);
[[nodiscard]] std::string_view name_of(Algorithm algorithm);

// A set of algorithms.
class Algorithms {
public:
    Algorithms() = default;
    Algorithms(std::initializer_list<Algorithm> list) {
        for (const Algorithm each : list) {
            add(each);
        }
    }
    void add(Algorithm algorithm) { bits_ |= 1u << static_cast<unsigned>(algorithm); }
    [[nodiscard]] bool has(Algorithm algorithm) const { return (bits_ >> static_cast<unsigned>(algorithm) & 1u) != 0; }
    [[nodiscard]] bool is_empty() const { return bits_ == 0; }
    [[nodiscard]] Algorithms also_in(Algorithms other) const {
        other.bits_ &= bits_;
        return other;
    }

private:
    std::uint32_t bits_ = 0;
};

class VerifyKey {
public:
    // A JWK (RFC 7517, 8037) of kty RSA, EC (P-256, P-384) or OKP (Ed25519). The error says why it is not used: its kind, its
    // size (RSA of 2048 to 8192 bits), an `alg` or `use` for something else, a private key, a point that is not on the curve.
    [[nodiscard]] static tl::expected<VerifyKey, std::string> from_jwk(const JsonValue& jwk, Algorithms allowed);
    // For HS256 alone. The error says what is wrong: fewer than 32 bytes, or the PEM text of a key of another kind.
    [[nodiscard]] static tl::expected<VerifyKey, std::string> from_secret(std::string secret);

    // True when `signature` is one of `text` by this key. False for an algorithm that the key is not for.
    [[nodiscard]] bool verify(Algorithm algorithm, std::string_view text, std::string_view signature) const;
    [[nodiscard]] bool is_for(Algorithm algorithm) const { return algorithms_.has(algorithm); }
    [[nodiscard]] bool is_secret() const { return public_key_ == nullptr; }
    // A token without a key id may be any key's, and a secret, which has none, is for any token.
    [[nodiscard]] bool may_be(const std::optional<std::string>& id) const { return is_secret() || !id || id_ == id; }

private:
    Algorithms algorithms_;
    std::optional<std::string> id_;
    std::shared_ptr<evp_pkey_st> public_key_;  // null: secret_
    std::string secret_;
};

struct KeySet {
    static constexpr std::size_t kKeysMax = 100;

    std::vector<VerifyKey> keys;
    std::vector<std::string> left_out;  // why keys of the document are not used
    std::uint64_t generation = 0;       // another for each set that JwksSource gives out
    bool is_complete = true;            // false: the issuer's keys could not be had yet

    // The keys of a JWK set document. Other keys may stand in it and are left out; without one that can be used it is an error,
    // and so is what is no JWK set, or has more than kKeysMax keys.
    [[nodiscard]] static tl::expected<KeySet, std::string> parse(std::string_view document, Algorithms allowed);
};

}  // namespace gateway::auth
