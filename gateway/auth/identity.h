// Who is asking, by whatever the request carries: a JWT, an API key, or the X- headers of a trusted proxy. It chooses the mode,
// and holds that headers which are sent agree with what was verified; the modes themselves are elsewhere. Thread safe.
// Made by app, called by the pipeline for every request.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "gateway/auth/headers.h"
#include "gateway/auth/settings.h"
#include "gateway/auth/subject.h"
#include "gateway/error.h"
#include "gateway/http/message.h"

namespace gateway::auth {

class JwtMode;

// What Identity asks of API keys.
class ApiKeySource {
public:
    ApiKeySource() = default;
    ApiKeySource(const ApiKeySource&) = delete;
    ApiKeySource& operator=(const ApiKeySource&) = delete;
    virtual ~ApiKeySource() = default;
    // Whose key this is. The error is the reason, for the log alone: to the client every refusal is the same. Thread safe.
    [[nodiscard]] virtual tl::expected<Subject, std::string> find(std::string_view key,
                                                                  std::chrono::system_clock::time_point now) const = 0;
};

class Identity {
public:
    // What there is to say in the log: keys that could not be had, and that they are there again. Called from any thread.
    using Note = std::function<void(const std::string&)>;

    // Reads the files of keys and opens nothing else: no thread, no connection. The errors name the setting. `api_keys` is needed
    // in mode api_key.
    [[nodiscard]] static tl::expected<std::shared_ptr<Identity>, std::vector<std::string>> make(
        const Settings& settings, const TrustedProxies& trusted, std::shared_ptr<const ApiKeySource> api_keys = nullptr);
    ~Identity();
    Identity(const Identity&) = delete;
    Identity& operator=(const Identity&) = delete;

    // Mode headers as `authenticate` says. Of a verified identity: 401 credential_invalid for whatever is wrong with a token or
    // key, always the same; 401 identity_missing when there is none; 400 request_malformed for more than one; 403
    // identity_mismatch when an X- header says otherwise; 503 identity_unavailable while no keys could be had.
    // A token whose key is not known may wait for a fetch, a second at most.
    [[nodiscard]] tl::expected<Subject, Problem> identify(const http::Request& request, std::chrono::system_clock::time_point now) const;

    // True when tokens and keys are not looked at: the subject depends on the peer and the headers alone, whatever the time.
    [[nodiscard]] bool takes_headers_alone() const { return jwt_ == nullptr && api_keys_ == nullptr; }

    // RFC 9728, when the setting auth.resource names this resource and `path` is the metadata's: the document.
    [[nodiscard]] const std::string* resource_metadata(std::string_view path) const;

private:
    friend class IdentityWatch;
    Identity(const Settings& settings, const TrustedProxies& trusted, std::shared_ptr<const ApiKeySource> api_keys);

    enum class Carried { nothing, jwt, api_key, bearer_key, other_bearer, too_many };
    struct Credential {
        Carried kind = Carried::nothing;
        std::string_view text;
    };
    [[nodiscard]] Credential credential(const http::Request& request) const;
    [[nodiscard]] Problem invalid(std::string reason, bool is_bearer) const;
    [[nodiscard]] tl::expected<Subject, Problem> verify(const Credential& credential, std::chrono::system_clock::time_point now) const;
    [[nodiscard]] tl::expected<Subject, Problem> identify_without(const http::Request& request) const;

    TrustedProxies trusted_;
    bool has_headers_ = true;
    std::shared_ptr<const ApiKeySource> api_keys_;  // null: not a mode
    std::unique_ptr<JwtMode> jwt_;                  // null: not a mode
    std::string challenge_;                         // WWW-Authenticate when nothing was sent
    std::string challenge_bearer_;                  // when a bearer token is no good
    std::string metadata_path_;
    std::string metadata_;
};

// Keeps an identity's keys as their file or URL has them, from a thread of its own, until it is destroyed. Without it the keys
// stay what Identity::make read.
class IdentityWatch {
public:
    // `identity` may be null. `note` is called until the destructor returns.
    IdentityWatch(std::shared_ptr<Identity> identity, Identity::Note note);
    ~IdentityWatch();
    IdentityWatch(const IdentityWatch&) = delete;
    IdentityWatch& operator=(const IdentityWatch&) = delete;

private:
    std::shared_ptr<Identity> identity_;
};

}  // namespace gateway::auth
