// Tokens and the keys they are verified with: each refusal for its own reason. Signatures here are HS256, made by OpenSSL's HMAC;
// those of the other algorithms are made by another library in tests/auth.
#include <doctest/doctest.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "gateway/auth/base64url.h"
#include "gateway/auth/identity.h"
#include "gateway/auth/json.h"
#include "gateway/auth/jwks.h"
#include "gateway/auth/jwt.h"
#include "gateway/auth/token_cache.h"

namespace auth = gateway::auth;
using std::chrono::seconds;
using std::chrono::system_clock;

namespace {

const std::string kSecret(32, 's');
const system_clock::time_point kNow{seconds(1'800'000'000)};

std::string signed_token(const std::string& header, const std::string& payload) {
    const std::string text = auth::encode_base64url(header) + "." + auth::encode_base64url(payload);
    std::array<unsigned char, EVP_MAX_MD_SIZE> code{};
    unsigned size = 0;
    HMAC(EVP_sha256(), kSecret.data(), static_cast<int>(kSecret.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         code.data(), &size);
    return text + "." + auth::encode_base64url({reinterpret_cast<const char*>(code.data()), size});
}

auth::KeySet secret_set() {
    auth::KeySet set;
    set.keys.push_back(auth::VerifyKey::from_secret(kSecret).value());
    return set;
}

auth::Settings settings() {
    auth::Settings settings;
    settings.jwt_issuer = "https://issuer.example";
    settings.jwt_audiences = {"rowgate", "other"};
    return settings;
}

std::string claims(const std::string& more = R"("exp":1800000100)") {
    return R"({"iss":"https://issuer.example","aud":"rowgate","org_id":"o","project_id":"p","space_id":"s","sub":"u","roles":["r"],)" + more + "}";
}

std::string reason_of(const std::string& payload, const auth::Settings& with = settings()) {
    const auto read = auth::read_claims(payload, with, kNow);
    return read ? "" : read.error();
}

std::string replaced(std::string text, const std::string& part, const std::string& by) {
    REQUIRE(text.find(part) != std::string::npos);
    return text.replace(text.find(part), part.size(), by);
}

}  // namespace

TEST_CASE("base64url has one spelling of each byte string") {
    for (const std::string& bytes : {std::string(), std::string("f"), std::string("fo"), std::string("foo"), std::string("\0\xFF\x10", 3)}) {
        CHECK(auth::decode_base64url(auth::encode_base64url(bytes)) == bytes);
    }
    CHECK(auth::encode_base64url("\xFB\xFF") == "-_8");
    for (const char* text : {"A", "Zg==", "Zh", "Zm9", "Zm9v ", "Zm+v", "Zm/v", "AAAAA", "Z\n", "Z\xC3\xA9"}) {
        CAPTURE(text);
        CHECK_FALSE(auth::decode_base64url(text));
    }
    CHECK_FALSE(auth::decode_base64url(std::string_view("Zg\0", 3)));
}

TEST_CASE("an object with a member twice, however it is written and however deep, is not read") {
    CHECK(auth::parse_json_object(R"({"a":1,"b":{"a":[{"c":null}]}})", 100));
    for (const char* text : {R"({"a":1,"a":1})", R"({"a":1,"\u0061":2})", R"({"b":{"a":1,"a":2}})", R"({"b":[{"a":1,"a":2}]})", "[]", "1", "", "null",
                             R"({"a":1}x)", R"({"a":1}{})", R"({"a":1,})", R"({a:1})", R"({"a":NaN})", R"({"a":01})", "\xEF\xBB\xBF{}", "{\"a\":\"\xFF\"}",
                             R"({"a":"\ud800"})", R"({"a":/**/1})"}) {
        CAPTURE(text);
        CHECK_FALSE(auth::parse_json_object(text, 100));
    }
    CHECK_FALSE(auth::parse_json_object(std::string_view("{}\0", 3), 100));
    CHECK_FALSE(auth::parse_json_object(R"({"a":[1,2,3]})", 4));
    CHECK(auth::parse_json_object(R"({"a":[1,2,3]})", 5));
    const auto nested = [](std::size_t depth) { return R"({"a":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}"; };
    CHECK(auth::parse_json_object(nested(16), 100));
    CHECK_FALSE(auth::parse_json_object(nested(17), 100));
    CHECK(auth::parse_json_object(R"({"a":12345678901234567890123})", 9)->find("a")->text == "12345678901234567890123");
}

TEST_CASE("a token is three parts of strict base64url with a header that says nothing we do not know") {
    const std::string payload = claims();
    CHECK(auth::parse_token(signed_token(R"({"alg":"HS256"})", payload)));
    for (const char* type : {"JWT", "jwt", "at+jwt", "application/at+jwt"}) {
        CHECK(auth::parse_token(signed_token(std::string(R"({"alg":"HS256","typ":")") + type + "\"}", payload)));
    }
    for (const char* header : {R"({"alg":"none"})", R"({"alg":"None"})", R"({"alg":"nOnE"})", R"({"alg":""})", R"({"alg":null})", R"({"alg":["HS256"]})",
                               R"({"alg":"hs256"})", R"({"alg":"HS384"})", R"({"alg":"ES512"})", R"({"alg":"ES256K"})", R"({"alg":"RSA-OAEP"})", "{}",
                               R"({"typ":"JWT"})", R"({"alg":"HS256","crit":[]})", R"({"alg":"HS256","crit":["exp"],"exp":1})",
                               R"({"alg":"HS256","alg":"HS256"})", R"({"alg":"HS256","\u0061lg":"none"})", R"({"alg":"HS256","typ":"JWE"})",
                               R"({"alg":"HS256","typ":"dpop+jwt"})", R"({"alg":"HS256","typ":7})", R"({"alg":"HS256","kid":7})", "[]", "HS256"}) {
        CAPTURE(header);
        CHECK_FALSE(auth::parse_token(signed_token(header, payload)));
    }
    const std::string good = signed_token(R"({"alg":"HS256"})", payload);
    for (const std::string& text : {std::string(), std::string("."), std::string(".."), std::string("..."), good + ".", "." + good, good + "=", good + " ",
                                    good.substr(0, good.rfind('.')), good.substr(0, good.rfind('.') + 1), replaced(good, ".", ".."),
                                    good + "." + good}) {
        CAPTURE(text);
        CHECK_FALSE(auth::parse_token(text));
    }
    CHECK(auth::parse_token(std::string(1 << 20, 'a')).error() == "the token has more than 16384 bytes");
}

TEST_CASE("no flip of a bit, in any byte of a token, is a good signature of the same text") {
    const std::string good = signed_token(R"({"alg":"HS256"})", claims());
    const auth::KeySet keys = secret_set();
    CHECK(auth::check_signature(auth::parse_token(good).value(), keys) == auth::Signature::good);
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            std::string bad = good;
            bad[at] = static_cast<char>(static_cast<unsigned char>(bad[at]) ^ (1u << bit));
            const auto token = auth::parse_token(bad);
            CHECK((!token || auth::check_signature(*token, keys) != auth::Signature::good));
        }
    }
}

TEST_CASE("a secret is for HS256 alone, and has 32 bytes at least") {
    CHECK_FALSE(auth::VerifyKey::from_secret(std::string(31, 's')));
    CHECK_FALSE(auth::VerifyKey::from_secret("-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"));
    const auto key = auth::VerifyKey::from_secret(kSecret);
    REQUIRE(key);
    CHECK(key->is_for(auth::Algorithm::hs256));
    CHECK_FALSE(key->is_for(auth::Algorithm::rs256));
    // A token that names another algorithm has no key here, and a secret does not make its key id known.
    const auto token = auth::parse_token(signed_token(R"({"alg":"RS256","kid":"k"})", claims()));
    REQUIRE(token);
    CHECK(auth::check_signature(*token, secret_set()) == auth::Signature::key_unknown);
}

TEST_CASE("a key set leaves out what cannot verify, and is an error without a key that can") {
    const auth::Algorithms all{auth::Algorithm::eddsa, auth::Algorithm::es256, auth::Algorithm::rs256};
    const std::string ed = R"({"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})";
    CHECK(auth::KeySet::parse(R"({"keys":[)" + ed + "]}", all));
    const auto with = [&](const std::string& member) { return auth::KeySet::parse(R"({"keys":[)" + replaced(ed, "{", "{" + member + ",") + "]}", all); };
    CHECK(with(R"("alg":"EdDSA","use":"sig","key_ops":["verify"])"));
    for (const char* member : {R"("alg":"ES256")", R"("alg":"none")", R"("alg":"HS256")", R"("alg":7)", R"("use":"enc")", R"("key_ops":["sign"])",
                               R"("key_ops":[])", R"("d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")", R"("k":"AAAA")", R"("kid":7)"}) {
        CAPTURE(member);
        CHECK_FALSE(with(member));
    }
    for (const char* document : {"", "{}", "[]", R"({"keys":{}})", R"({"keys":[]})", R"({"keys":[7]})", R"({"keys":[{"kty":"oct","k":"AAAA"}]})",
                                 R"({"keys":[{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})",
                                 R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAA"}]})", R"({"keys":[{"kty":"RSA","n":"AAAA","e":"AQAB"}]})",
                                 // r, s of nothing: a point that is not on the curve
                                 R"({"keys":[{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}]})"}) {
        CAPTURE(document);
        CHECK_FALSE(auth::KeySet::parse(document, all));
    }
    const auto mixed = auth::KeySet::parse(R"({"keys":[{"kty":"oct","k":"AAAA"},)" + ed + "]}", all);
    REQUIRE(mixed);
    CHECK(mixed->keys.size() == 1);
    CHECK(mixed->left_out.size() == 1);
    CHECK_FALSE(auth::KeySet::parse(R"({"keys":[)" + ed + "]}", {auth::Algorithm::rs256}));
    std::string many = ed;
    for (int i = 0; i < 100; ++i) many += "," + ed;
    CHECK_FALSE(auth::KeySet::parse(R"({"keys":[)" + many + "]}", all));
}

TEST_CASE("iss, aud and exp must be there and fit; nbf and iat if they are there; all with the leeway") {
    CHECK(reason_of(claims()).empty());
    CHECK(reason_of(replaced(claims(), R"("aud":"rowgate")", R"("aud":["x","other"])")).empty());
    for (const char* bad : {R"("aud":"row")", R"("aud":["x"])", R"("aud":[])", R"("aud":{"rowgate":1})", R"("aud":null)", R"("audience":"rowgate")",
                            R"("aud":[["rowgate"]])"}) {
        CAPTURE(bad);
        CHECK(reason_of(replaced(claims(), R"("aud":"rowgate")", bad)).starts_with("aud"));
    }
    for (const char* bad : {R"("iss":"https://issuer.example/")", R"("iss":["https://issuer.example"])", R"("iss":"")", R"("x":1)"}) {
        CAPTURE(bad);
        CHECK(reason_of(replaced(claims(), R"("iss":"https://issuer.example")", bad)).starts_with("iss"));
    }
    // now is 1800000000, the leeway 30 s
    CHECK(reason_of(claims(R"("exp":1799999970.5)")).empty());
    CHECK(reason_of(claims(R"("exp":1799999970)")) == "the token has expired");
    CHECK(reason_of(claims(R"("exp":1.8e9)")).empty());
    for (const char* bad : {R"("exp":"1800000100")", R"("exp":null)", R"("exp":true)", R"("exp":-1)", R"("exp":1e30)", R"("x":1)"}) {
        CAPTURE(bad);
        CHECK(reason_of(claims(bad)) == "exp is missing or is no time");
    }
    CHECK_FALSE(reason_of(claims(R"("exp":1e400)")).empty());
    CHECK(reason_of(claims(R"("exp":253402300799)")).empty());
    CHECK(reason_of(claims(R"("exp":1800000100,"nbf":1800000030,"iat":1800000030)")).empty());
    CHECK(reason_of(claims(R"("exp":1800000100,"nbf":1800000031)")) == "nbf lies in the future");
    CHECK(reason_of(claims(R"("exp":1800000100,"iat":1800000031)")) == "iat lies in the future");
    CHECK(reason_of(claims(R"("exp":1800000100,"nbf":"1")")) == "nbf is no time");
    CHECK_FALSE(reason_of(claims(R"("exp":1800000100,"exp":1800000100)")).empty());
}

TEST_CASE("claims make the subject: ids are texts or integers, roles an array or one text, names lead into objects") {
    const auto read = auth::read_claims(claims(R"("exp":1800000100,"n":1.50,"b":true,"z":null,"o":{},"a":[1],"big":123456789012345678901)"), settings(), kNow);
    REQUIRE(read);
    CHECK(read->subject.org_id == "o");
    CHECK(read->subject.user_id == "u");
    CHECK(read->subject.roles == std::vector<std::string>{"r"});
    CHECK(*read->subject.claim("n") == "1.50");
    CHECK(*read->subject.claim("b") == "true");
    CHECK(*read->subject.claim("big") == "123456789012345678901");
    for (const char* name : {"z", "o", "a", "roles", "absent"}) CHECK(read->subject.claim(name) == nullptr);
    CHECK(read->expires == kNow + seconds(130));

    for (const char* bad : {R"("sub":"")", R"("sub":null)", R"("sub":["u"])", R"("sub":{"u":1})", R"("sub":1.5)", R"("sub":1e3)", R"("sub":true)",
                            R"("sub":"a\u0000b")", R"("sub":"a\nb")", R"("x":"u")"}) {
        CAPTURE(bad);
        CHECK(reason_of(replaced(claims(), R"("sub":"u")", bad)) == "the claim sub is missing or is no id");
    }
    CHECK(reason_of(replaced(claims(), R"("sub":"u")", R"("sub":")" + std::string(257, 'x') + "\"")) == "the claim sub is missing or is no id");
    CHECK(auth::read_claims(replaced(claims(), R"("sub":"u")", R"("sub":42)"), settings(), kNow)->subject.user_id == "42");
    for (const char* bad : {R"("roles":[])", R"("roles":"")", R"("roles":" , ")", R"("roles":[""])", R"("roles":["a",7])", R"("roles":{"a":1})",
                            R"("roles":7)", R"("roles":"a\tb")", R"("role":["r"])"}) {
        CAPTURE(bad);
        CHECK(reason_of(replaced(claims(), R"("roles":["r"])", bad)) == "the claim roles is missing or names no role");
    }
    for (const char* text : {R"("roles":"a b")", R"("roles":"a,b")", R"("roles":" a, b ")", R"("roles":["a","b"])"}) {
        CHECK(auth::read_claims(replaced(claims(), R"("roles":["r"])", text), settings(), kNow)->subject.roles == std::vector<std::string>{"a", "b"});
    }
    auth::Settings nested = settings();
    nested.claim_roles = "realm_access.roles";
    nested.claim_user = "https://example.com/user";
    CHECK(auth::read_claims(claims(R"("exp":1800000100,"realm_access":{"roles":["x"]},"https://example.com/user":"w")"), nested, kNow)
              ->subject.user_id == "w");
}

TEST_CASE("the cache forgets what was not used for long, and holds no more than it may") {
    auth::TokenCache cache(64);
    const auto digest = [](int i) { return auth::TokenCache::digest_of("token " + std::to_string(i)); };
    const auto entry = std::make_shared<const auth::CachedToken>();
    cache.insert(digest(0), entry);
    std::size_t found = 0;
    for (int i = 1; i < 2000; ++i) {
        cache.insert(digest(i), entry);
        CHECK(cache.find(digest(0)) == entry);  // used all the time
    }
    for (int i = 1; i < 2000; ++i) found += cache.find(digest(i)) == nullptr ? 0 : 1;
    CHECK(found > 16);
    CHECK(found <= 96);
    auth::TokenCache none(0);
    none.insert(digest(0), entry);
    CHECK(none.find(digest(0)) == nullptr);
}
