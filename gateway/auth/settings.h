// How callers are identified, as the configuration says it: pure data, read and printed by gateway/config, judged by
// Identity::make. It is not the identity of anybody. Every time is a duration, every path absolute once loaded.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gateway::auth {

struct Settings {
    std::vector<std::string> modes{"headers"};  // of headers, jwt, api_key
    std::string jwt_issuer;                     // what `iss` must be
    std::vector<std::string> jwt_audiences;     // one of them must be in `aud`
    std::vector<std::string> jwt_algorithms{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "HS256"};
    std::size_t jwt_leeway_s = 30;
    std::string jwt_secret_file;
    std::size_t jwt_tokens_cached = 4096;
    std::string jwks_file;
    std::string jwks_url;
    std::chrono::milliseconds jwks_cooldown{30'000};   // between two fetches, whatever asks for them
    std::chrono::milliseconds jwks_refresh{600'000};   // age at which the keys are fetched anew
    std::chrono::milliseconds jwks_timeout{5'000};     // of one fetch
    std::string claim_org = "org_id";  // a member's name, or a dotted path
    std::string claim_project = "project_id";
    std::string claim_space = "space_id";
    std::string claim_user = "sub";
    std::string claim_roles = "roles";
    std::string resource;  // RFC 9728; empty: no metadata
    std::string keys_folder = "keys";  // of the API keys' files

    [[nodiscard]] bool has_mode(std::string_view mode) const {
        for (const std::string& each : modes) {
            if (each == mode) {
                return true;
            }
        }
        return false;
    }
};

}  // namespace gateway::auth
