#include "gateway/auth/jwt.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "gateway/auth/base64url.h"
#include "gateway/auth/json.h"

namespace gateway::auth {
namespace {

using Kind = JsonValue::Kind;
using Clock = std::chrono::system_clock;
using Seconds = std::chrono::duration<double>;

constexpr std::size_t kValuesMax = 2000;
constexpr std::size_t kIdBytesMax = 256;
constexpr std::size_t kKeysTriedMax = 8;  // a forged token must not cost a hundred verifications
constexpr double kNumericDateMax = 253'402'300'799;  // the end of the year 9999

tl::unexpected<std::string> refuse(std::string reason) {
    return tl::unexpected<std::string>(std::move(reason));
}

bool equals_ignoring_case(std::string_view text, std::string_view lowered) {
    return std::equal(text.begin(), text.end(), lowered.begin(), lowered.end(),
                      [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b; });
}

// RFC 9068 and RFC 7519 name the two; media types do not mind case (RFC 7515 section 4.1.9).
bool is_token_type(const JsonValue& type) {
    static constexpr std::array<std::string_view, 4> kTypes{"jwt", "at+jwt", "application/jwt", "application/at+jwt"};
    return type.kind == Kind::string &&
           std::ranges::any_of(kTypes, [&](std::string_view each) { return equals_ignoring_case(type.text, each); });
}

// A member by its whole name, else by the path that the dots make of it: names may hold dots of their own.
const JsonValue* find_path(const JsonValue& claims, std::string_view path) {
    if (const JsonValue* whole = claims.find(path)) {
        return whole;
    }
    const JsonValue* at = &claims;
    while (at != nullptr) {
        const std::size_t dot = path.find('.');
        at = at->find(path.substr(0, dot));
        if (dot == std::string_view::npos) {
            return at;
        }
        path.remove_prefix(dot + 1);
    }
    return nullptr;
}

bool has_control_character(std::string_view text) {
    return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

bool is_integer(std::string_view number) {
    return number.find_first_not_of("0123456789", number.starts_with('-') ? 1 : 0) == std::string_view::npos;
}

// What an X- header could hold as well; empty when the claim does not.
std::string id_text(const JsonValue* claim) {
    if (claim == nullptr || claim->text.size() > kIdBytesMax || has_control_character(claim->text)) {
        return {};
    }
    const bool is_id = claim->kind == Kind::string || (claim->kind == Kind::number && is_integer(claim->text));
    return is_id ? claim->text : std::string{};
}

// An array of texts, or one text with blanks or commas between the roles. Nothing when it is something else or names none.
std::optional<std::vector<std::string>> roles_of(const JsonValue* claim) {
    std::vector<std::string> roles;
    if (claim != nullptr && claim->kind == Kind::array) {
        for (const JsonValue& item : claim->items) {
            if (item.kind != Kind::string || item.text.empty() || item.text.size() > kIdBytesMax || has_control_character(item.text)) {
                return std::nullopt;
            }
            roles.push_back(item.text);
        }
    } else if (claim != nullptr && claim->kind == Kind::string && !has_control_character(claim->text)) {
        for (std::string_view rest = claim->text; !rest.empty();) {
            const std::size_t end = rest.find_first_of(" ,");
            if (end != 0) {
                roles.emplace_back(rest.substr(0, end));
            }
            rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        }
    }
    return roles.empty() ? std::nullopt : std::optional(std::move(roles));
}

// RFC 7519 section 2: seconds since 1970, not always whole. Nothing when it is not one that a clock can show.
std::optional<Clock::time_point> numeric_date(const JsonValue& claim) {
    double seconds = 0;
    const char* end = claim.text.data() + claim.text.size();
    if (claim.kind != Kind::number) {
        return std::nullopt;
    }
    const auto [at, fault] = std::from_chars(claim.text.data(), end, seconds);
    if (fault != std::errc{} || at != end || !(seconds >= 0) || seconds > kNumericDateMax) {
        return std::nullopt;
    }
    // The clock counts nanoseconds, and those of a time beyond the year 2262 do not fit.
    const Seconds fit(std::min(seconds, 9'000'000'000.0));
    return Clock::time_point(std::chrono::duration_cast<Clock::duration>(fit));
}

bool is_audience(const JsonValue* claim, const std::vector<std::string>& wanted) {
    const auto is_wanted = [&](const JsonValue& each) {
        return each.kind == Kind::string && std::ranges::find(wanted, each.text) != wanted.end();
    };
    if (claim == nullptr) {
        return false;
    }
    return claim->kind == Kind::array ? std::ranges::any_of(claim->items, is_wanted) : is_wanted(*claim);
}

// The times of a token, leeway included; the reason when `now` is not between them.
tl::expected<std::pair<Clock::time_point, Clock::time_point>, std::string> times_of(const JsonValue& claims, std::chrono::seconds leeway,
                                                                                   Clock::time_point now) {
    const JsonValue* exp = claims.find("exp");
    const auto expires = exp == nullptr ? std::nullopt : numeric_date(*exp);
    if (!expires) {
        return refuse("exp is missing or is no time");
    }
    if (now >= *expires + leeway) {
        return refuse("the token has expired");
    }
    Clock::time_point begins{};
    for (const char* name : {"nbf", "iat"}) {
        const JsonValue* claim = claims.find(name);
        if (claim == nullptr) {
            continue;
        }
        const auto time = numeric_date(*claim);
        if (!time) {
            return refuse(fmt::format("{} is no time", name));
        }
        if (now < *time - leeway) {
            return refuse(fmt::format("{} lies in the future", name));
        }
        begins = std::max(begins, *time - leeway);
    }
    return std::pair(begins, *expires + leeway);
}

}  // namespace

tl::expected<UnverifiedToken, std::string> parse_token(std::string_view text) {
    if (text.size() > kTokenBytesMax) {
        return refuse(fmt::format("the token has more than {} bytes", kTokenBytesMax));
    }
    const std::size_t first = text.find('.');
    const std::size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
    if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos) {
        return refuse("the token has not three parts");
    }
    auto header_text = decode_base64url(text.substr(0, first));
    auto payload = decode_base64url(text.substr(first + 1, second - first - 1));
    auto signature = decode_base64url(text.substr(second + 1));
    if (!header_text || !payload || !signature || signature->empty()) {
        return refuse("a part of the token is empty or not base64url");
    }
    const auto header = parse_json_object(*header_text, kValuesMax);
    if (!header) {
        return refuse("the header is no JSON object, or names a member twice");
    }
    const std::string* name = header->find_string("alg");
    const auto algorithm = name == nullptr ? std::nullopt : parse_algorithm(*name);
    if (!algorithm) {
        return refuse("alg is missing or is none that is supported");
    }
    if (header->find("crit") != nullptr) {
        return refuse("the header has crit, of which nothing is supported");
    }
    if (const JsonValue* type = header->find("typ"); type != nullptr && !is_token_type(*type)) {
        return refuse("typ is neither JWT nor at+jwt");
    }
    UnverifiedToken token;
    if (const JsonValue* id = header->find("kid")) {
        if (id->kind != Kind::string) {
            return refuse("kid is no string");
        }
        token.key_id = id->text;
    }
    token.algorithm = *algorithm;
    token.signed_text = text.substr(0, second);
    token.payload = std::move(*payload);
    token.signature = std::move(*signature);
    return token;
}

Signature check_signature(const UnverifiedToken& token, const KeySet& keys) {
    bool is_known = false;
    std::size_t tried = 0;
    for (const VerifyKey& key : keys.keys) {
        // A secret is for any key id, and must not make those of other algorithms known.
        if (!key.may_be(token.key_id) || (key.is_secret() && !key.is_for(token.algorithm))) {
            continue;
        }
        is_known = is_known || key.is_secret() || token.key_id;
        if (key.is_for(token.algorithm) && tried++ < kKeysTriedMax && key.verify(token.algorithm, token.signed_text, token.signature)) {
            return Signature::good;
        }
    }
    return is_known ? Signature::bad : Signature::key_unknown;
}

tl::expected<VerifiedToken, std::string> read_claims(std::string_view payload, const Settings& settings, Clock::time_point now) {
    const auto claims = parse_json_object(payload, kValuesMax);
    if (!claims) {
        return refuse("the payload is no JSON object, or names a member twice");
    }
    if (const std::string* issuer = claims->find_string("iss"); issuer == nullptr || *issuer != settings.jwt_issuer) {
        return refuse("iss is missing or is not the setting auth.jwt_issuer");
    }
    if (!is_audience(claims->find("aud"), settings.jwt_audiences)) {
        return refuse("aud is missing or holds none of the setting auth.jwt_audiences");
    }
    const auto times = times_of(*claims, std::chrono::seconds(settings.jwt_leeway_s), now);
    if (!times) {
        return tl::unexpected(times.error());
    }
    VerifiedToken token;
    token.not_before = times->first;
    token.expires = times->second;
    Subject& subject = token.subject;
    const std::array<std::pair<const std::string*, std::string*>, 4> ids{{{&settings.claim_org, &subject.org_id},
                                                                        {&settings.claim_project, &subject.project_id},
                                                                        {&settings.claim_space, &subject.space_id},
                                                                        {&settings.claim_user, &subject.user_id}}};
    for (const auto& [name, id] : ids) {
        *id = id_text(find_path(*claims, *name));
        if (id->empty()) {
            return refuse(fmt::format("the claim {} is missing or is no id", *name));
        }
    }
    auto roles = roles_of(find_path(*claims, settings.claim_roles));
    if (!roles) {
        return refuse(fmt::format("the claim {} is missing or names no role", settings.claim_roles));
    }
    subject.roles = std::move(*roles);
    for (const auto& [name, value] : claims->members) {
        if (value.kind == Kind::string || value.kind == Kind::number || value.kind == Kind::boolean) {
            subject.claims.push_back({name, value.text});
        }
    }
    return token;
}

}  // namespace gateway::auth
