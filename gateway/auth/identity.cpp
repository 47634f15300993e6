#include "gateway/auth/identity.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "gateway/auth/jwt_mode.h"
#include "gateway/observe/json_text.h"

namespace gateway::auth {
namespace {

constexpr std::array<std::string_view, 5> kIdentityHeaders{"X-Org-Id", "X-Project-Id", "X-Space-Id", "X-User-Id", "X-User-Roles"};
constexpr std::string_view kMetadataPath = "/.well-known/oauth-protected-resource";
constexpr std::string_view kKeyPrefix = "rg_";

// The rest of `value` when it begins with the scheme, whose case does not count (RFC 9110 section 11.1).
std::optional<std::string_view> bearer_text(std::string_view value) {
    constexpr std::string_view kScheme = "bearer";
    const auto equals = [](char ours, char sent) { return ours == (sent | 0x20); };
    if (value.size() < kScheme.size() || !std::equal(kScheme.begin(), kScheme.end(), value.begin(), equals)) {
        return std::nullopt;
    }
    value.remove_prefix(kScheme.size());
    if (!value.empty() && value.front() != ' ') {
        return std::nullopt;
    }
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    return value;
}

// Does the X- header, if it was sent, say what is known? Twice, or empty, it says nothing that can agree.
bool agrees(const http::Request& request, std::string_view name, const std::string& verified) {
    const http::Request::Found sent = request.find(name);
    return sent.count == 0 || (sent.count == 1 && sent.value == verified);
}

bool roles_agree(const http::Request& request, const std::vector<std::string>& verified) {
    const http::Request::Found sent = request.find("X-User-Roles");
    if (sent.count == 0) {
        return true;
    }
    const std::vector<std::string> roles = split_roles(sent.value);
    return sent.count == 1 && !roles.empty() && std::ranges::all_of(roles, [&](const std::string& role) {
        return std::ranges::find(verified, role) != verified.end();
    });
}

bool agrees(const http::Request& request, const Subject& subject) {
    return agrees(request, "X-Org-Id", subject.org_id) && agrees(request, "X-Project-Id", subject.project_id) &&
           agrees(request, "X-Space-Id", subject.space_id) && agrees(request, "X-User-Id", subject.user_id) &&
           roles_agree(request, subject.roles);
}

struct Resource {
    std::string origin;  // https://host:port
    std::string path;    // empty, or begins with /
};

// Nothing unless it is an https or http URL without query and fragment, of characters that a quoted string can hold.
std::optional<Resource> parse_resource(std::string_view url) {
    const std::size_t scheme = url.starts_with("https://") ? 8 : url.starts_with("http://") ? 7 : 0;
    const bool is_plain = std::ranges::all_of(url, [](char c) { return c > 0x20 && c < 0x7F && c != '"' && c != '\\' && c != '?' && c != '#'; });
    const std::size_t slash = std::min(url.find('/', scheme), url.size());
    if (scheme == 0 || !is_plain || slash == scheme) {
        return std::nullopt;
    }
    Resource resource{std::string(url.substr(0, slash)), std::string(url.substr(slash))};
    if (resource.path == "/") {
        resource.path.clear();
    }
    return resource;
}

}  // namespace

Identity::Identity(const Settings& settings, const TrustedProxies& trusted, std::shared_ptr<const ApiKeySource> api_keys)
    : trusted_(trusted), has_headers_(settings.has_mode("headers")), api_keys_(std::move(api_keys)) {
    std::string metadata_url;
    if (const auto resource = parse_resource(settings.resource)) {
        metadata_path_ = std::string(kMetadataPath) + resource->path;
        metadata_url = resource->origin + metadata_path_;
        metadata_ = R"({"resource":)";
        observe::append_json_string(metadata_, settings.resource);
        if (!settings.jwt_issuer.empty()) {
            metadata_ += R"(,"authorization_servers":[)";
            observe::append_json_string(metadata_, settings.jwt_issuer);
            metadata_ += ']';
        }
        metadata_ += R"(,"bearer_methods_supported":["header"]})";
    }
    const std::string where = metadata_url.empty() ? "" : fmt::format(", resource_metadata=\"{}\"", metadata_url);
    challenge_ = R"(Bearer realm="rowgate")" + where + (has_headers_ ? ", Rowgate-Headers" : "");
    challenge_bearer_ = R"(Bearer error="invalid_token")" + where;
}

Identity::~Identity() = default;

tl::expected<std::shared_ptr<Identity>, std::vector<std::string>> Identity::make(const Settings& settings, const TrustedProxies& trusted,
                                                                                std::shared_ptr<const ApiKeySource> api_keys) {
    std::vector<std::string> problems;
    if (settings.has_mode("api_key") && api_keys == nullptr) {
        problems.emplace_back("auth.modes: api_key is not delivered yet");
    }
    if (!settings.has_mode("api_key")) {
        api_keys = nullptr;
    }
    const bool has_jwt = settings.has_mode("jwt");
    const bool has_keys = !settings.jwks_file.empty() || !settings.jwks_url.empty() || !settings.jwt_secret_file.empty();
    if (!has_jwt && has_keys) {
        problems.emplace_back("auth.modes: without jwt nothing reads auth.jwks_file, auth.jwks_url and auth.jwt_secret_file");
    }
    if (!settings.resource.empty() && !has_jwt && api_keys == nullptr) {
        problems.emplace_back("auth.resource: in mode headers there are no tokens to say anything about");
    }
    if (!settings.resource.empty() && !parse_resource(settings.resource)) {
        problems.emplace_back("auth.resource: must be an https or http URL without query and fragment");
    }
    std::unique_ptr<JwtMode> jwt;
    if (has_jwt) {
        auto made = JwtMode::make(settings);
        if (made) {
            jwt = std::move(*made);
        } else {
            problems.insert(problems.end(), made.error().begin(), made.error().end());
        }
    }
    if (!problems.empty()) {
        return tl::unexpected(std::move(problems));
    }
    std::shared_ptr<Identity> identity(new Identity(settings, trusted, std::move(api_keys)));
    identity->jwt_ = std::move(jwt);
    return identity;
}

IdentityWatch::IdentityWatch(std::shared_ptr<Identity> identity, Identity::Note note) : identity_(std::move(identity)) {
    if (identity_ && identity_->jwt_) {
        identity_->jwt_->start(std::move(note));
    }
}

IdentityWatch::~IdentityWatch() {
    if (identity_ && identity_->jwt_) {
        identity_->jwt_->stop();
    }
}

Identity::Credential Identity::credential(const http::Request& request) const {
    Credential found;
    if (takes_headers_alone()) {
        return found;
    }
    const http::Request::Found authorization = request.find("Authorization");
    const http::Request::Found key = api_keys_ == nullptr ? http::Request::Found{} : request.find("X-API-Key");
    const auto bearer = authorization.count == 1 ? bearer_text(authorization.value) : std::nullopt;
    if (authorization.count > 1 || key.count > 1 || (bearer && key.count != 0)) {
        found.kind = Carried::too_many;
    } else if (key.count != 0) {
        found = {Carried::api_key, key.value};
    } else if (bearer && bearer->starts_with(kKeyPrefix)) {
        found = {api_keys_ != nullptr ? Carried::bearer_key : Carried::other_bearer, *bearer};
    } else if (bearer) {
        found = {jwt_ != nullptr ? Carried::jwt : Carried::other_bearer, *bearer};
    }
    return found;
}

Problem Identity::invalid(std::string reason, bool is_bearer) const {
    Problem problem;
    problem.code = Code::credential_invalid;
    problem.detail = "the token or key is not valid";
    problem.authenticate = is_bearer ? challenge_bearer_ : challenge_;
    problem.internal = std::move(reason);
    return problem;
}

tl::expected<Subject, Problem> Identity::identify_without(const http::Request& request) const {
    if (has_headers_ && (takes_headers_alone() ||
                         std::ranges::any_of(kIdentityHeaders, [&](std::string_view name) { return request.has(name); }))) {
        return authenticate(request, trusted_);
    }
    Problem problem;
    problem.code = Code::identity_missing;
    problem.detail = "the request carries no token or key";
    problem.hint = "send Authorization: Bearer with an access token";
    problem.authenticate = challenge_;
    return tl::unexpected(std::move(problem));
}

tl::expected<Subject, Problem> Identity::verify(const Credential& credential, std::chrono::system_clock::time_point now) const {
    if (credential.kind == Carried::jwt) {
        auto verified = jwt_->verify(credential.text, now);
        if (verified) {
            return std::move(*verified);
        }
        Problem problem = invalid(std::move(verified.error().reason), true);
        if (verified.error().is_unavailable) {
            problem.code = Code::identity_unavailable;
            problem.detail = "the keys that tokens are verified with could not be had yet; nothing was done";
            problem.authenticate.clear();
        }
        return tl::unexpected(std::move(problem));
    }
    const bool is_bearer = credential.kind != Carried::api_key;
    if (credential.kind == Carried::other_bearer) {
        return tl::unexpected(invalid("no mode that is enabled takes this bearer token", is_bearer));
    }
    auto verified = api_keys_->find(credential.text, now);
    if (!verified) {
        return tl::unexpected(invalid(std::move(verified).error(), is_bearer));
    }
    return std::move(*verified);
}

tl::expected<Subject, Problem> Identity::identify(const http::Request& request, std::chrono::system_clock::time_point now) const {
    const Credential carried = credential(request);
    if (carried.kind == Carried::nothing) {
        return identify_without(request);
    }
    Problem problem;
    if (carried.kind == Carried::too_many) {
        problem.code = Code::request_malformed;
        problem.detail = "more than one token or key is sent";
        problem.hint = "send one Authorization or X-API-Key header";
        problem.authenticate = R"(Bearer error="invalid_request")";
        return tl::unexpected(std::move(problem));
    }
    auto subject = verify(carried, now);
    if (subject && !agrees(request, *subject)) {
        problem.code = Code::identity_mismatch;
        problem.detail = "an X- identity header is not that of the token or key";
        problem.hint = "leave out X-Org-Id, X-Project-Id, X-Space-Id, X-User-Id and X-User-Roles";
        return tl::unexpected(std::move(problem));
    }
    return subject;
}

const std::string* Identity::resource_metadata(std::string_view path) const {
    return !metadata_.empty() && (path == metadata_path_ || path == kMetadataPath) ? &metadata_ : nullptr;
}

}  // namespace gateway::auth
