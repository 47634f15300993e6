#include "gateway/auth/token_cache.h"

#include <stdexcept>
#include <utility>

#include <openssl/evp.h>

namespace gateway::auth {
namespace {

struct FreeContext {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

}  // namespace

TokenCache::TokenCache(std::size_t tokens_max) : young_max_((tokens_max + 2 * kShards - 1) / (2 * kShards)) {}

TokenCache::Digest TokenCache::digest_of(std::string_view token) {
    // Looked up once: OpenSSL 3 would search its providers for the algorithm each time.
    static EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context(EVP_MD_CTX_new());
    Digest digest{};
    if (kSha256 == nullptr || !context || EVP_DigestInit_ex2(context.get(), kSha256, nullptr) != 1 ||
        EVP_DigestUpdate(context.get(), token.data(), token.size()) != 1 ||
        EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) != 1) {
        throw std::runtime_error("SHA-256 cannot be computed");
    }
    return digest;
}

std::shared_ptr<const CachedToken> TokenCache::find(const Digest& digest) {
    Shard& shard = shard_of(digest);
    const std::lock_guard lock(shard.mutex);
    if (const auto found = shard.young.find(digest); found != shard.young.end()) {
        return found->second;
    }
    const auto found = shard.old.find(digest);
    if (found == shard.old.end()) {
        return nullptr;
    }
    std::shared_ptr<const CachedToken> token = found->second;
    shard.old.erase(found);
    keep(shard, digest, token);
    return token;
}

void TokenCache::insert(const Digest& digest, std::shared_ptr<const CachedToken> token) {
    Shard& shard = shard_of(digest);
    const std::lock_guard lock(shard.mutex);
    keep(shard, digest, std::move(token));
}

void TokenCache::keep(Shard& shard, const Digest& digest, std::shared_ptr<const CachedToken> token) const {
    if (young_max_ == 0) {
        return;
    }
    if (shard.young.size() >= young_max_) {
        shard.old = std::move(shard.young);
        shard.young.clear();
    }
    shard.young[digest] = std::move(token);
}

}  // namespace gateway::auth
