#include "gateway/preview/token_key.h"

#include <sys/random.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "gateway/auth/hmac.h"
#include "gateway/config/source.h"

namespace gateway::preview {
namespace {

constexpr std::size_t kSaltBytes = 16;

}  // namespace

TokenKey::TokenKey(std::string secret) : secret_(std::move(secret)) {
    const auth::Mac mac = auth::hmac_of(secret_, {"rowgate salt of set digests 1"});
    for (std::size_t i = 0; i < kSaltBytes; ++i) {
        salt_ += fmt::format("{:02x}", mac[i]);
    }
}

tl::expected<TokenKey, std::string> TokenKey::read(const std::string& path) {
    struct stat state {};
    if (::stat(path.c_str(), &state) != 0) {
        return tl::unexpected(fmt::format("cannot be read: {}", std::strerror(errno)));
    }
    if (!S_ISREG(state.st_mode)) {
        return tl::unexpected(std::string("is not a file"));
    }
    // Whoever can write it can sign.
    if ((state.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return tl::unexpected(fmt::format("may be written by others (mode {:04o}); chmod 600 it", state.st_mode & 07777u));
    }
    auto secret = config::read_file(path, kBytesMax);
    if (!secret) {
        return tl::unexpected(std::move(secret).error());
    }
    if (secret->ends_with('\n')) {
        secret->pop_back();
        if (secret->ends_with('\r')) {
            secret->pop_back();
        }
    }
    if (secret->size() < kBytesMin) {
        return tl::unexpected(fmt::format("holds {} bytes, and must hold at least {}", secret->size(), kBytesMin));
    }
    return TokenKey(*std::move(secret));
}

TokenKey TokenKey::random() {
    std::string secret(kBytesMin, '\0');
    ssize_t got = -1;
    do {
        got = ::getrandom(secret.data(), secret.size(), 0);
    } while (got < 0 && errno == EINTR);
    // So few bytes come whole.
    if (got != static_cast<ssize_t>(secret.size())) {
        throw std::runtime_error("the system gives no random bytes");
    }
    return TokenKey(std::move(secret));
}

tl::expected<std::shared_ptr<const TokenKey>, std::string> load_token_key(const std::string& path) {
    if (path.empty()) {
        return std::make_shared<const TokenKey>(TokenKey::random());
    }
    auto key = TokenKey::read(path);
    if (!key) {
        return tl::unexpected(fmt::format("token_key_file: {} {}", path, key.error()));
    }
    return std::make_shared<const TokenKey>(*std::move(key));
}

}  // namespace gateway::preview
