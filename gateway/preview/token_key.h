// The secret that preview tokens are signed with, and what the digests of sets are salted with, which comes of it. Read from the
// file of the setting `token_key_file`, which all gateways of a deployment share, or made at random for one start. Immutable; a
// new file makes a new one. Made by app and by the reloader, used by gateway/preview/token and by whoever digests a set.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace gateway::preview {

class TokenKey {
public:
    static constexpr std::size_t kBytesMin = 32;
    static constexpr std::size_t kBytesMax = 64u << 10;

    // The bytes of the file; one line's end behind them, as an editor leaves it, does not count. The error is a predicate about the
    // file: it cannot be read, others may write it, it holds too little or too much.
    [[nodiscard]] static tl::expected<TokenKey, std::string> read(const std::string& path);
    // Of this start alone: no other gateway knows its tokens. Throws std::runtime_error when the system has no random bytes.
    [[nodiscard]] static TokenKey random();

    [[nodiscard]] std::string_view secret() const { return secret_; }
    // 32 hexadecimal digits. Whoever does not know the key cannot look for two sets of one digest.
    [[nodiscard]] const std::string& salt() const { return salt_; }

    friend bool operator==(const TokenKey& one, const TokenKey& other) { return one.secret_ == other.secret_; }

private:
    explicit TokenKey(std::string secret);

    std::string secret_;
    std::string salt_;
};

// `path` is the setting's, absolute; empty: a random key. The error names the setting and the file.
[[nodiscard]] tl::expected<std::shared_ptr<const TokenKey>, std::string> load_token_key(const std::string& path);

}  // namespace gateway::preview
