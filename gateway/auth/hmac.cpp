#include "gateway/auth/hmac.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace gateway::auth {

Mac hmac_of(std::string_view key, std::initializer_list<std::string_view> fields) {
    std::string message;
    for (const std::string_view field : fields) {
        const auto size = static_cast<std::uint64_t>(field.size());
        for (unsigned shift = 64; shift > 0; shift -= 8) {
            message += static_cast<char>(size >> (shift - 8) & 0xFFu);
        }
        message += field;
    }
    Mac mac{};
    unsigned size = 0;
    const auto* const bytes = static_cast<const unsigned char*>(static_cast<const void*>(message.data()));
    if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, message.size(), mac.data(), &size) == nullptr ||
        size != mac.size()) {
        throw std::runtime_error("HMAC-SHA-256 failed");
    }
    return mac;
}

bool is_equal_in_constant_time(std::string_view one, std::string_view other) {
    return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace gateway::auth
