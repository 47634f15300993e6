// Tokens that were verified a moment ago, by their SHA-256: what makes a token that comes again cost little. Bounded; what was not
// used for long goes first. It only keeps: whether an entry still holds is for its reader to judge. Thread safe.
// Owned by JwtMode.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "gateway/auth/jwt.h"

namespace gateway::auth {

struct CachedToken {
    VerifiedToken token;
    std::uint64_t generation = 0;  // of the keys that it was verified with
};

class TokenCache {
public:
    using Digest = std::array<unsigned char, 32>;

    // 0: none is kept.
    explicit TokenCache(std::size_t tokens_max);

    [[nodiscard]] static Digest digest_of(std::string_view token);
    // Null when it is not here.
    [[nodiscard]] std::shared_ptr<const CachedToken> find(const Digest& digest);
    void insert(const Digest& digest, std::shared_ptr<const CachedToken> token);

private:
    struct Hash {
        std::size_t operator()(const Digest& digest) const {
            std::size_t hash = 0;
            std::memcpy(&hash, digest.data(), sizeof hash);
            return hash;
        }
    };
    using Tokens = std::unordered_map<Digest, std::shared_ptr<const CachedToken>, Hash>;
    // Used lately, and used before that: when the first is full, the second is forgotten and takes its place.
    struct Shard {
        std::mutex mutex;
        Tokens young;
        Tokens old;
    };
    static constexpr std::size_t kShards = 16;

    [[nodiscard]] Shard& shard_of(const Digest& digest) { return shards_[digest[31] % kShards]; }
    void keep(Shard& shard, const Digest& digest, std::shared_ptr<const CachedToken> token) const;

    const std::size_t young_max_;
    std::array<Shard, kShards> shards_;
};

}  // namespace gateway::auth
