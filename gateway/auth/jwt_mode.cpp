#include "gateway/auth/jwt_mode.h"

#include <array>
#include <atomic>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "gateway/auth/jwks_fetch.h"

namespace gateway::auth {
namespace {

// The token that a thread saw last in each of a few places: the same client's next request most likely comes with it again, and so
// costs neither a hash nor a lock.
struct Recent {
    std::uint64_t mode = 0;
    std::string text;
    std::shared_ptr<const CachedToken> token;
};
constexpr std::size_t kRecentMax = 16;
constexpr std::size_t kRecentBytesMax = 2048;  // of one token's text

// A signature's end is as good as random.
Recent& recent_place(std::string_view token) {
    thread_local std::array<Recent, kRecentMax> places;
    const auto last = token.size() < 2 ? 0u : static_cast<unsigned>(static_cast<unsigned char>(token[token.size() - 2]));
    return places[last % kRecentMax];
}

// Takes as long whatever differs: a token must not be guessed piece by piece.
bool is_same(std::string_view one, std::string_view other) {
    if (one.size() != other.size()) {
        return false;
    }
    std::uint64_t differs = 0;
    std::size_t at = 0;
    for (; at + sizeof differs <= one.size(); at += sizeof differs) {
        std::uint64_t a = 0;
        std::uint64_t b = 0;
        std::memcpy(&a, one.data() + at, sizeof a);
        std::memcpy(&b, other.data() + at, sizeof b);
        differs |= a ^ b;
    }
    for (; at < one.size(); ++at) {
        differs |= static_cast<unsigned char>(one[at]) ^ static_cast<unsigned>(static_cast<unsigned char>(other[at]));
    }
    return differs == 0;
}

std::atomic<std::uint64_t> modes_made{0};

std::vector<std::string> problems_of(const Settings& settings) {
    std::vector<std::string> problems;
    const std::array<std::pair<const char*, bool>, 7> needed{{{"jwt_issuer", settings.jwt_issuer.empty()},
                                                            {"jwt_audiences", settings.jwt_audiences.empty()},
                                                            {"claim_org", settings.claim_org.empty()},
                                                            {"claim_project", settings.claim_project.empty()},
                                                            {"claim_space", settings.claim_space.empty()},
                                                            {"claim_user", settings.claim_user.empty()},
                                                            {"claim_roles", settings.claim_roles.empty()}}};
    for (const auto& [name, is_empty] : needed) {
        if (is_empty) {
            problems.push_back(fmt::format("auth.{}: must not be empty in mode jwt", name));
        }
    }
    if (settings.jwks_file.empty() && settings.jwks_url.empty() && settings.jwt_secret_file.empty()) {
        problems.emplace_back("auth.modes: jwt needs keys: auth.jwks_url, auth.jwks_file or auth.jwt_secret_file");
    }
    if (!settings.jwks_file.empty() && !settings.jwks_url.empty()) {
        problems.emplace_back("auth.jwks_url: keys come from auth.jwks_file already; one of them");
    }
    bool has_secret_algorithm = false;
    for (const std::string& name : settings.jwt_algorithms) {
        has_secret_algorithm = has_secret_algorithm || name == name_of(Algorithm::hs256);
        if (!parse_algorithm(name)) {
            problems.push_back(fmt::format("auth.jwt_algorithms: \"{}\" is none of RS256, RS384, RS512, PS256, PS384, PS512, ES256, "
                                           "ES384, EdDSA, HS256",
                                           name));
        }
    }
    if (!settings.jwt_secret_file.empty() && !has_secret_algorithm) {
        problems.emplace_back("auth.jwt_secret_file: is for HS256, which auth.jwt_algorithms does not name");
    }
    if (std::string problem = settings.jwks_url.empty() ? "" : check_fetch_url(settings.jwks_url); !problem.empty()) {
        problems.push_back(fmt::format("auth.jwks_url: {}", problem));
    }
    return problems;
}

}  // namespace

JwtMode::JwtMode(const Settings& settings, std::unique_ptr<JwksSource> source)
    : id_(modes_made.fetch_add(1) + 1), settings_(settings), source_(std::move(source)), cache_(settings.jwt_tokens_cached) {}

tl::expected<std::unique_ptr<JwtMode>, std::vector<std::string>> JwtMode::make(const Settings& settings) {
    if (std::vector<std::string> problems = problems_of(settings); !problems.empty()) {
        return tl::unexpected(std::move(problems));
    }
    auto source = JwksSource::make(settings);
    if (!source) {
        return tl::unexpected(std::move(source).error());
    }
    return std::unique_ptr<JwtMode>(new JwtMode(settings, std::move(*source)));
}

tl::expected<Subject, JwtMode::Refusal> JwtMode::verify(std::string_view token, std::chrono::system_clock::time_point now) {
    if (token.size() > kTokenBytesMax) {  // before it is hashed
        return tl::unexpected(Refusal{parse_token(token).error(), false});
    }
    Recent& recent = recent_place(token);
    if (recent.mode == id_ && is_same(recent.text, token) && still_holds(*recent.token, now)) {
        return recent.token->token.subject;
    }
    const TokenCache::Digest digest = TokenCache::digest_of(token);
    std::shared_ptr<const CachedToken> cached = cache_.find(digest);
    if (!cached || !still_holds(*cached, now)) {
        auto verified = verify_anew(token, now);
        if (!verified) {
            return tl::unexpected(std::move(verified).error());
        }
        cached = std::move(*verified);
        cache_.insert(digest, cached);
    }
    if (token.size() <= kRecentBytesMax && settings_.jwt_tokens_cached != 0) {
        recent.mode = id_;
        recent.text = token;
        recent.token = cached;
    }
    return cached->token.subject;
}

bool JwtMode::still_holds(const CachedToken& token, std::chrono::system_clock::time_point now) const {
    return token.generation == source_->generation() && now >= token.token.not_before && now < token.token.expires;
}

tl::expected<std::shared_ptr<const CachedToken>, JwtMode::Refusal> JwtMode::verify_anew(std::string_view text,
                                                                                       std::chrono::system_clock::time_point now) {
    const auto token = parse_token(text);
    if (!token) {
        return tl::unexpected(Refusal{token.error(), false});
    }
    JwksSource::Keys keys = source_->keys();
    Signature signature = check_signature(*token, *keys);
    if (signature == Signature::key_unknown) {
        keys = source_->keys_after(keys);
        signature = check_signature(*token, *keys);
    }
    switch (signature) {
        case Signature::good: break;
        case Signature::bad: return tl::unexpected(Refusal{"the signature is not one of the key that the token names", false});
        case Signature::key_unknown:
            return tl::unexpected(Refusal{keys->is_complete ? "the token's key is not known" : "the issuer's keys could not be had yet",
                                          !keys->is_complete});
    }
    auto claims = read_claims(token->payload, settings_, now);
    if (!claims) {
        return tl::unexpected(Refusal{std::move(claims).error(), false});
    }
    auto verified = std::make_shared<CachedToken>();
    verified->token = std::move(*claims);
    verified->generation = keys->generation;
    return verified;
}

}  // namespace gateway::auth
