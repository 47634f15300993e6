// Mode jwt: a bearer token to its Subject, with the keys of a JwksSource, the cache before it and a wait for newer keys behind.
// Chooses no mode and makes no answer. Thread safe. Owned by Identity.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "gateway/auth/jwks_source.h"
#include "gateway/auth/settings.h"
#include "gateway/auth/token_cache.h"

namespace gateway::auth {

class JwtMode {
public:
    struct Refusal {
        std::string reason;           // for the log
        bool is_unavailable = false;  // the issuer's keys could not be had yet: nothing is known of the token
    };

    // The errors name the setting.
    [[nodiscard]] static tl::expected<std::unique_ptr<JwtMode>, std::vector<std::string>> make(const Settings& settings);

    void start(JwksSource::Note note) { source_->start(std::move(note)); }
    void stop() { source_->stop(); }
    [[nodiscard]] tl::expected<Subject, Refusal> verify(std::string_view token, std::chrono::system_clock::time_point now);

private:
    JwtMode(const Settings& settings, std::unique_ptr<JwksSource> source);
    [[nodiscard]] tl::expected<std::shared_ptr<const CachedToken>, Refusal> verify_anew(std::string_view text,
                                                                                       std::chrono::system_clock::time_point now);

    [[nodiscard]] bool still_holds(const CachedToken& token, std::chrono::system_clock::time_point now) const;

    const std::uint64_t id_;  // of this object among all that there ever were
    const Settings settings_;
    std::unique_ptr<JwksSource> source_;
    TokenCache cache_;
};

}  // namespace gateway::auth
