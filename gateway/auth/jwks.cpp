#include "gateway/auth/jwks.h"

#include <array>
#include <utility>

#include <fmt/format.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "gateway/auth/base64url.h"
#include "gateway/auth/json.h"

namespace gateway::auth {
namespace {

constexpr int kRsaBitsMin = 2048;
constexpr int kRsaBitsMax = 8192;  // beyond, one forged token costs too much to refuse
constexpr std::size_t kSecretBytesMin = 32;
constexpr std::size_t kDocumentValuesMax = 10'000;

constexpr std::array<std::pair<std::string_view, Algorithm>, 10> kNames{{{"RS256", Algorithm::rs256},
                                                                        {"RS384", Algorithm::rs384},
                                                                        {"RS512", Algorithm::rs512},
                                                                        {"PS256", Algorithm::ps256},
                                                                        {"PS384", Algorithm::ps384},
                                                                        {"PS512", Algorithm::ps512},
                                                                        {"ES256", Algorithm::es256},
                                                                        {"ES384", Algorithm::es384},
                                                                        {"EdDSA", Algorithm::eddsa},
                                                                        {"HS256", Algorithm::hs256}}};

template <auto free>
struct Free {
    template <typename T>
    void operator()(T* it) const {
        free(it);
    }
};
using Number = std::unique_ptr<BIGNUM, Free<BN_free>>;
using Parameters = std::unique_ptr<OSSL_PARAM, Free<OSSL_PARAM_free>>;
using ParameterBuilder = std::unique_ptr<OSSL_PARAM_BLD, Free<OSSL_PARAM_BLD_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Free<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using EcSignature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;
using PublicKey = std::shared_ptr<EVP_PKEY>;

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

// Whatever OpenSSL left in this thread's queue of errors must not be read as somebody else's.
struct ErrorQueue {
    ErrorQueue() = default;
    ErrorQueue(const ErrorQueue&) = delete;
    ErrorQueue& operator=(const ErrorQueue&) = delete;
    ~ErrorQueue() { ERR_clear_error(); }
};

PublicKey make_key(const char* type, OSSL_PARAM_BLD* builder) {
    const Parameters parameters(OSSL_PARAM_BLD_to_param(builder));
    const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY* made = nullptr;
    if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
        return nullptr;
    }
    PublicKey key(made, EVP_PKEY_free);
    const KeyContext check(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
    return check && EVP_PKEY_public_check(check.get()) == 1 ? key : nullptr;
}

// A member that is base64url, decoded; empty when it is missing or is not.
std::string decoded(const JsonValue& jwk, std::string_view name) {
    const std::string* text = jwk.find_string(name);
    return text == nullptr ? std::string{} : decode_base64url(*text).value_or("");
}

tl::expected<PublicKey, std::string> rsa_key(const JsonValue& jwk) {
    const std::string modulus = decoded(jwk, "n");
    const std::string exponent = decoded(jwk, "e");
    if (modulus.empty() || modulus.size() > kRsaBitsMax / 8 + 1 || exponent.empty() || exponent.size() > 8) {
        return tl::unexpected<std::string>("n or e is missing or is no number of a fit size");
    }
    const Number n(BN_bin2bn(bytes_of(modulus), static_cast<int>(modulus.size()), nullptr));
    const Number e(BN_bin2bn(bytes_of(exponent), static_cast<int>(exponent.size()), nullptr));
    if (!n || !e || BN_num_bits(n.get()) < kRsaBitsMin || BN_num_bits(n.get()) > kRsaBitsMax) {
        return tl::unexpected(fmt::format("an RSA key must have {} to {} bits", kRsaBitsMin, kRsaBitsMax));
    }
    if (BN_is_odd(n.get()) == 0 || BN_is_odd(e.get()) == 0 || BN_is_one(e.get()) == 1) {
        return tl::unexpected<std::string>("n and e must be odd, and e more than 1");
    }
    const ParameterBuilder builder(OSSL_PARAM_BLD_new());
    if (!builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
        return tl::unexpected<std::string>("out of memory");
    }
    PublicKey key = make_key("RSA", builder.get());
    if (key == nullptr) {
        return tl::unexpected<std::string>("it is no RSA key");
    }
    return key;
}

tl::expected<PublicKey, std::string> ec_key(const JsonValue& jwk, const char* group, std::size_t bytes) {
    const std::string x = decoded(jwk, "x");
    const std::string y = decoded(jwk, "y");
    if (x.size() != bytes || y.size() != bytes) {
        return tl::unexpected(fmt::format("x and y must have {} bytes", bytes));
    }
    const std::string point = "\x04" + x + y;
    const ParameterBuilder builder(OSSL_PARAM_BLD_new());
    if (!builder || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
        return tl::unexpected<std::string>("out of memory");
    }
    PublicKey key = make_key("EC", builder.get());
    if (key == nullptr) {
        return tl::unexpected<std::string>("its point is not on the curve");
    }
    return key;
}

tl::expected<PublicKey, std::string> ed25519_key(const JsonValue& jwk) {
    const std::string x = decoded(jwk, "x");
    if (x.size() != 32) {
        return tl::unexpected<std::string>("x must have 32 bytes");
    }
    PublicKey key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(x), x.size()), EVP_PKEY_free);
    if (key == nullptr) {
        return tl::unexpected<std::string>("it is no Ed25519 key");
    }
    return key;
}

// Why a key that is meant for something else must not verify tokens; empty when it may.
std::string other_purpose(const JsonValue& jwk) {
    if (jwk.find("d") != nullptr || jwk.find("k") != nullptr) {
        return "it is a secret: only public keys stand in a key set";
    }
    if (const JsonValue* use = jwk.find("use"); use != nullptr && use->text != "sig") {
        return "its use is not sig";
    }
    if (const JsonValue* operations = jwk.find("key_ops")) {
        bool is_for_verify = false;
        for (const JsonValue& each : operations->items) {
            is_for_verify = is_for_verify || each.text == "verify";
        }
        if (!is_for_verify) {
            return "its key_ops do not name verify";
        }
    }
    return {};
}

struct Material {
    PublicKey key;
    Algorithms possible;
};

tl::expected<Material, std::string> material_of(const JsonValue& jwk) {
    const std::string* type = jwk.find_string("kty");
    const std::string* curve = jwk.find_string("crv");
    tl::expected<PublicKey, std::string> key = tl::unexpected<std::string>("its kty and crv are not RSA, EC P-256 or P-384, OKP Ed25519");
    Algorithms possible;
    if (type != nullptr && *type == "RSA") {
        key = rsa_key(jwk);
        possible = {Algorithm::rs256, Algorithm::rs384, Algorithm::rs512, Algorithm::ps256, Algorithm::ps384, Algorithm::ps512};
    } else if (type != nullptr && curve != nullptr && *type == "EC" && *curve == "P-256") {
        key = ec_key(jwk, "P-256", 32);
        possible = {Algorithm::es256};
    } else if (type != nullptr && curve != nullptr && *type == "EC" && *curve == "P-384") {
        key = ec_key(jwk, "P-384", 48);
        possible = {Algorithm::es384};
    } else if (type != nullptr && curve != nullptr && *type == "OKP" && *curve == "Ed25519") {
        key = ed25519_key(jwk);
        possible = {Algorithm::eddsa};
    }
    if (!key) {
        return tl::unexpected(std::move(key).error());
    }
    return Material{std::move(*key), possible};
}

const char* digest_name(Algorithm algorithm) {
    switch (algorithm) {
        case Algorithm::rs256:
        case Algorithm::ps256:
        case Algorithm::es256:
        case Algorithm::hs256: return "SHA256";
        case Algorithm::rs384:
        case Algorithm::ps384:
        case Algorithm::es384: return "SHA384";
        case Algorithm::rs512:
        case Algorithm::ps512: return "SHA512";
        case Algorithm::eddsa: return nullptr;
    }
    return nullptr;
}

bool is_pss(Algorithm algorithm) {
    return algorithm == Algorithm::ps256 || algorithm == Algorithm::ps384 || algorithm == Algorithm::ps512;
}

// r and s of exactly `half` bytes each (RFC 7518 section 3.4), as DER; empty when they are not.
std::string der_of(std::string_view signature, std::size_t half) {
    if (signature.size() != 2 * half) {
        return {};
    }
    Number r(BN_bin2bn(bytes_of(signature), static_cast<int>(half), nullptr));
    Number s(BN_bin2bn(bytes_of(signature.substr(half)), static_cast<int>(half), nullptr));
    const EcSignature pair(ECDSA_SIG_new());
    if (!r || !s || !pair || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) {
        return {};
    }
    // They are the pair's now.
    static_cast<void>(r.release());
    static_cast<void>(s.release());
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(pair.get(), &der);
    if (size <= 0) {
        return {};
    }
    std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return text;
}

bool verify_public(EVP_PKEY* key, Algorithm algorithm, std::string_view text, std::string_view signature) {
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* padding = nullptr;  // the digest context's
    if (!context || EVP_DigestVerifyInit_ex(context.get(), &padding, digest_name(algorithm), nullptr, nullptr, key, nullptr) != 1) {
        return false;
    }
    if (is_pss(algorithm) && (EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING) != 1 ||
                              EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST) != 1)) {
        return false;
    }
    return EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(text), text.size()) == 1;
}

bool verify_secret(std::string_view secret, std::string_view text, std::string_view signature) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> code{};
    unsigned size = 0;
    return HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), bytes_of(text), text.size(), code.data(), &size) != nullptr &&
           signature.size() == size && CRYPTO_memcmp(code.data(), signature.data(), size) == 0;
}

}  // namespace

std::optional<Algorithm> parse_algorithm(std::string_view name) {
    for (const auto& [each, algorithm] : kNames) {
        if (each == name) {
            return algorithm;
        }
    }
    return std::nullopt;
}

std::string_view name_of(Algorithm algorithm) {
    for (const auto& [name, each] : kNames) {
        if (each == algorithm) {
            return name;
        }
    }
    return {};
}

tl::expected<VerifyKey, std::string> VerifyKey::from_jwk(const JsonValue& jwk, Algorithms allowed) {
    const ErrorQueue errors;
    if (std::string other = other_purpose(jwk); !other.empty()) {
        return tl::unexpected(std::move(other));
    }
    auto material = material_of(jwk);
    if (!material) {
        return tl::unexpected(std::move(material).error());
    }
    VerifyKey key;
    key.public_key_ = std::move(material->key);
    key.algorithms_ = material->possible.also_in(allowed);
    if (const JsonValue* pinned = jwk.find("alg")) {
        const auto algorithm = pinned->kind == JsonValue::Kind::string ? parse_algorithm(pinned->text) : std::nullopt;
        key.algorithms_ = algorithm ? key.algorithms_.also_in({*algorithm}) : Algorithms{};
    }
    if (key.algorithms_.is_empty()) {
        return tl::unexpected<std::string>("its alg is none that fits the key and that the setting auth.jwt_algorithms allows");
    }
    if (const JsonValue* id = jwk.find("kid")) {
        if (id->kind != JsonValue::Kind::string) {
            return tl::unexpected<std::string>("its kid is no string");
        }
        key.id_ = id->text;
    }
    return key;
}

tl::expected<VerifyKey, std::string> VerifyKey::from_secret(std::string secret) {
    if (secret.size() < kSecretBytesMin) {
        return tl::unexpected(fmt::format("a secret must have at least {} bytes", kSecretBytesMin));
    }
    if (secret.starts_with("-----BEGIN ")) {
        return tl::unexpected<std::string>("this is a PEM file: a public key is no secret, and belongs into a key set");
    }
    VerifyKey key;
    key.algorithms_ = {Algorithm::hs256};
    key.secret_ = std::move(secret);
    return key;
}

bool VerifyKey::verify(Algorithm algorithm, std::string_view text, std::string_view signature) const {
    if (!is_for(algorithm)) {
        return false;
    }
    const ErrorQueue errors;
    switch (algorithm) {
        case Algorithm::hs256: return public_key_ == nullptr && verify_secret(secret_, text, signature);
        case Algorithm::es256:
        case Algorithm::es384: {
            const std::string der = der_of(signature, algorithm == Algorithm::es256 ? 32 : 48);
            return public_key_ != nullptr && !der.empty() && verify_public(public_key_.get(), algorithm, text, der);
        }
        case Algorithm::rs256:
        case Algorithm::rs384:
        case Algorithm::rs512:
        case Algorithm::ps256:
        case Algorithm::ps384:
        case Algorithm::ps512:
        case Algorithm::eddsa: return public_key_ != nullptr && verify_public(public_key_.get(), algorithm, text, signature);
    }
    return false;
}

tl::expected<KeySet, std::string> KeySet::parse(std::string_view document, Algorithms allowed) {
    const auto json = parse_json_object(document, kDocumentValuesMax);
    const JsonValue* keys = json ? json->find("keys") : nullptr;
    if (keys == nullptr || keys->kind != JsonValue::Kind::array) {
        return tl::unexpected<std::string>("it is no JWK set: a JSON object with an array of keys");
    }
    if (keys->items.size() > kKeysMax) {
        return tl::unexpected(fmt::format("it holds {} keys; {} at most", keys->items.size(), kKeysMax));
    }
    KeySet set;
    for (std::size_t i = 0; i < keys->items.size(); ++i) {
        auto key = VerifyKey::from_jwk(keys->items[i], allowed);
        if (key) {
            set.keys.push_back(std::move(*key));
        } else {
            set.left_out.push_back(fmt::format("key {}: {}", i + 1, key.error()));
        }
    }
    if (set.keys.empty()) {
        return tl::unexpected(fmt::format("it holds no key to verify with{}{}", set.left_out.empty() ? "" : "; ",
                                          set.left_out.empty() ? "" : set.left_out.front()));
    }
    return set;
}

}  // namespace gateway::auth
