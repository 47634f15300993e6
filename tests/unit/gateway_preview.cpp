#include <doctest/doctest.h>

#include <sys/stat.h>

#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "filters/parse.h"
#include "gateway/auth/base64url.h"
#include "gateway/auth/hmac.h"
#include "gateway/preview/token.h"
#include "gateway/preview/token_key.h"
#include "tests/unit/scratch_folder.h"

namespace {

using namespace gateway::preview;
using gateway::auth::Instant;
using gateway::auth::Subject;
using std::chrono::seconds;

const Instant kNow{seconds(1'800'000'000)};
const Instant kExpires = kNow + seconds(300);

// A request that owns what a BoundRequest views.
struct Request {
    Subject caller = {"org-1", "project-1", "space-1", "user-1", {"users", "admin"}, {{"team", "red"}}, "abcd2345", nullptr};
    std::vector<std::string> segments = {"acme", "demo", "ms", "shop", "articles"};
    std::string method = "DELETE";
    std::string filter = "id=gt.5";
    std::string keys = "1,2";
    std::string body = "{\"ids\":[1,2]}";

    [[nodiscard]] BoundRequest bound() const { return {caller, segments, method, filter, keys, body}; }
};

const TokenKey& key() {
    static const TokenKey kKey = TokenKey::random();
    return kKey;
}

std::string token_of(const Request& request) {
    return issue_token(key(), request.bound(), {3, "17 4"}, kExpires);
}

class File {
public:
    explicit File(const std::string& text, mode_t mode = 0600) {
        std::ofstream(path, std::ios::binary) << text;
        REQUIRE(::chmod(path.c_str(), mode) == 0);
    }

private:
    ScratchFolder folder_;

public:
    const std::string path = folder_.file("key");
};

filters::Query query_of(const std::string& text) {
    auto query = filters::parse(text, 0, filters::Limits{});
    REQUIRE(query);
    return *query;
}

}  // namespace

TEST_CASE("HMAC-SHA-256 is over a message in which each field has its length") {
    const std::string secret(20, '\x0b');
    const auto mac = gateway::auth::hmac_of(secret, {"Hi There"});
    CHECK(mac != gateway::auth::hmac_of(secret, {"Hi ", "There"}));
    CHECK(mac != gateway::auth::hmac_of(secret, {"Hi There", ""}));
    CHECK(mac != gateway::auth::hmac_of(secret + "\x0b", {"Hi There"}));
    CHECK(gateway::auth::hmac_of(secret, {"a", "bc"}) != gateway::auth::hmac_of(secret, {"ab", "c"}));
    std::string hex;
    for (const unsigned char byte : mac) {
        constexpr char kDigits[] = "0123456789abcdef";
        hex += kDigits[byte >> 4];
        hex += kDigits[byte & 15];
    }
    // By another implementation: Python's hmac, of 0x0000000000000008 and `Hi There`.
    CHECK(hex == "70454c00e162637b41588d34d6e73e7ab2fb58fdde827b1e084ecaeb378dca60");
}

TEST_CASE("equal in constant time means equal") {
    using gateway::auth::is_equal_in_constant_time;
    CHECK(is_equal_in_constant_time("", ""));
    CHECK(is_equal_in_constant_time("abc", "abc"));
    CHECK(!is_equal_in_constant_time("abc", "abd"));
    CHECK(!is_equal_in_constant_time("abc", "ab"));
    CHECK(!is_equal_in_constant_time("", "a"));
}

TEST_CASE("a token says what was shown, until it expires") {
    const Request request;
    const std::string token = token_of(request);
    CHECK(token.size() < kTokenBytesMax);
    CHECK(token.starts_with("p1."));
    const auto shown = verify_token(key(), token, request.bound(), kNow);
    REQUIRE(shown);
    CHECK(shown->rows == 3);
    CHECK(is_same_set(key(), *shown, {3, "17 4"}));
    CHECK(!is_same_set(key(), *shown, {4, "17 4"}));
    CHECK(!is_same_set(key(), *shown, {3, "17 5"}));
    CHECK(!is_same_set(key(), *shown, {3, ""}));
    CHECK(verify_token(key(), token, request.bound(), kExpires - seconds(1)));
    CHECK(!verify_token(key(), token, request.bound(), kExpires));
    CHECK(!verify_token(key(), token, request.bound(), kExpires + seconds(1'000'000)));
    CHECK(!verify_token(TokenKey::random(), token, request.bound(), kNow));
}

TEST_CASE("a token of an empty set says so") {
    const Request request;
    const std::string token = issue_token(key(), request.bound(), {0, ""}, kExpires);
    const auto shown = verify_token(key(), token, request.bound(), kNow);
    REQUIRE(shown);
    CHECK(shown->rows == 0);
    CHECK(is_same_set(key(), *shown, {0, ""}));
    CHECK(!is_same_set(key(), *shown, {1, "17 4"}));
}

TEST_CASE("a token is refused when any part of the request is another") {
    const std::string token = token_of(Request());
    const std::vector<std::function<void(Request&)>> changes = {
        [](Request& r) { r.caller.org_id = "org-2"; },
        [](Request& r) { r.caller.project_id = "project-2"; },
        [](Request& r) { r.caller.space_id = "space-2"; },
        [](Request& r) { r.caller.user_id = "user-2"; },
        [](Request& r) { r.caller.roles = {"users"}; },
        [](Request& r) { r.caller.roles = {"users", "admin", "more"}; },
        [](Request& r) { r.caller.roles = {"usersadmin"}; },
        [](Request& r) { r.caller.roles = {}; },
        [](Request& r) { r.caller.key_id = "abcd2346"; },
        [](Request& r) { r.caller.key_id = ""; },
        [](Request& r) { r.caller.org_id = "org-1project-1"; r.caller.project_id = ""; },
        [](Request& r) { r.segments[0] = "acme2"; },
        [](Request& r) { r.segments[1] = "demo2"; },
        [](Request& r) { r.segments[2] = "sl"; },
        [](Request& r) { r.segments[3] = "shop2"; },
        [](Request& r) { r.segments[4] = "authors"; },
        [](Request& r) { r.segments.push_back("7"); },
        [](Request& r) { r.segments.pop_back(); },
        [](Request& r) { r.segments[3] = "shoparticles"; r.segments[4] = ""; },
        [](Request& r) { r.method = "PUT"; },
        [](Request& r) { r.method = "PATCH"; },
        [](Request& r) { r.filter = "id=gt.6"; },
        [](Request& r) { r.filter = ""; },
        [](Request& r) { r.keys = "1,3"; },
        [](Request& r) { r.keys = ""; },
        [](Request& r) { r.filter = "id=gt.51,2"; r.keys = ""; },
        [](Request& r) { r.body = "{\"ids\":[1,3]}"; },
        [](Request& r) { r.body = ""; },
    };
    for (std::size_t i = 0; i < changes.size(); ++i) {
        CAPTURE(i);
        Request other;
        changes[i](other);
        CHECK(!verify_token(key(), token, other.bound(), kNow));
        const auto shown = verify_token(key(), token_of(other), other.bound(), kNow);
        CHECK(shown);  // the change alone was what was refused
    }
}

TEST_CASE("roles count in any order, and claims, which bear times, not at all") {
    const std::string token = token_of(Request());
    Request other;
    other.caller.roles = {"admin", "users", "users"};
    other.caller.claims = {{"iat", "5"}};
    CHECK(verify_token(key(), token, other.bound(), kNow));
}

TEST_CASE("10,000 tokens with bits turned, cut, grown or made up are all refused") {
    const Request request;
    const std::string token = token_of(request);
    std::minstd_rand random(20261121);
    const auto below = [&](std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random); };
    std::size_t tried = 0;
    const auto refuse = [&](const std::string& forged) {
        if (forged != token) {
            ++tried;
            REQUIRE(!verify_token(key(), forged, request.bound(), kNow));
        }
    };
    for (std::size_t i = 0; i < token.size(); ++i) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            std::string forged = token;
            forged[i] = static_cast<char>(static_cast<unsigned char>(forged[i]) ^ (1u << bit));
            refuse(forged);
        }
        refuse(token.substr(0, i));
        refuse(token.substr(i + 1));
        refuse(token.substr(0, i) + token.substr(i + 1));
    }
    // The payload's bits, under a spelling that is good.
    const std::string payload = *gateway::auth::decode_base64url(token.substr(3));
    for (std::size_t i = 0; i < payload.size(); ++i) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            std::string forged = payload;
            forged[i] = static_cast<char>(static_cast<unsigned char>(forged[i]) ^ (1u << bit));
            refuse("p1." + gateway::auth::encode_base64url(forged));
        }
    }
    while (tried < 10'000) {
        std::string forged = payload;
        const std::size_t changes = 1 + below(8);
        for (std::size_t i = 0; i < changes; ++i) {
            forged[below(forged.size())] = static_cast<char>(below(256));
        }
        if (below(4) == 0) {
            forged.resize(below(200));
        }
        refuse("p1." + gateway::auth::encode_base64url(forged));
    }
    for (const std::string& other : {std::string(), "p1." + std::string(), "p2." + token.substr(3), "P1." + token.substr(3), " " + token, token + " ", token + "=",
                                     token + "A", token + token, std::string(10'000, 'A'), "p1." + std::string(86, 'A')}) {
        refuse(other);
    }
}

TEST_CASE("a filter's canonical form is of the rows that it means") {
    CHECK(canonical_filter(query_of("b=eq.2&a=in.1,2")) == canonical_filter(query_of("a=in.1,2&b=eq.2")));
    CHECK(canonical_filter(query_of("a=eq.%41")) == canonical_filter(query_of("a=eq.A&select=b")));
    CHECK(canonical_filter(query_of("a=eq.1&order=a&limit=3")) == "a=eq.1&order=a&limit=3");
    CHECK(canonical_filter(query_of("")).empty());
    const char* const others[] = {"a=eq.1", "a=eq.2", "a=ne.1", "b=eq.1", "a=eq.1&a=eq.2", "a=eq.1&order=a", "a=eq.1&order=a.desc", "a=eq.1&order=a&limit=3",
                                  "a=eq.1&order=a&limit=4", "a=eq.1&b=eq.1", "a=eq.1%26b=eq.1"};
    for (const char* const one : others) {
        for (const char* const other : others) {
            CAPTURE(one);
            CAPTURE(other);
            CHECK((canonical_filter(query_of(one)) == canonical_filter(query_of(other))) == (one == other));
        }
    }
}

TEST_CASE("the key is the file's bytes without one line's end, at least 32 of them") {
    const std::string secret(32, 's');
    const auto read = [](const File& file) { return TokenKey::read(file.path); };
    const auto plain = read(File(secret));
    REQUIRE(plain);
    CHECK(plain->secret() == secret);
    CHECK(read(File(secret + "\n"))->secret() == secret);
    CHECK(read(File(secret + "\r\n"))->secret() == secret);
    CHECK(read(File(secret + "\n\n"))->secret() == secret + "\n");
    CHECK(read(File(std::string(31, '\0') + "\r"))->secret().size() == 32);
    CHECK(*plain == *read(File(secret + "\n")));
    CHECK(!(*plain == *read(File(secret + "x"))));
    CHECK(read(File(secret.substr(1))).error() == "holds 31 bytes, and must hold at least 32");
    CHECK(read(File(secret.substr(1) + "\n")).error() == "holds 31 bytes, and must hold at least 32");
    CHECK(read(File("")).error() == "holds 0 bytes, and must hold at least 32");
    CHECK(read(File(std::string(TokenKey::kBytesMax + 1, 's'))).error() == "is larger than 65536 bytes");
    CHECK(read(File(secret, 0620)).error() == "may be written by others (mode 0620); chmod 600 it");
    CHECK(read(File(secret, 0602)).error() == "may be written by others (mode 0602); chmod 600 it");
    CHECK(TokenKey::read("/nowhere/at/all").error() == "cannot be read: No such file or directory");
    CHECK(TokenKey::read("/").error() == "is not a file");
}

TEST_CASE("two gateways with one file know each other's tokens, and two random keys do not") {
    const File file(std::string(40, 'k'));
    const auto one = load_token_key(file.path);
    const auto other = load_token_key(file.path);
    REQUIRE(one);
    REQUIRE(other);
    const Request request;
    const std::string token = issue_token(**one, request.bound(), {3, "17 4"}, kExpires);
    CHECK(verify_token(**other, token, request.bound(), kNow));
    CHECK((*one)->salt() == (*other)->salt());
    CHECK((*one)->salt().size() == 32);
    CHECK((*one)->salt().find_first_not_of("0123456789abcdef") == std::string::npos);
    const auto random = load_token_key("");
    const auto next = load_token_key("");
    REQUIRE(random);
    REQUIRE(next);
    CHECK((*random)->salt() != (*next)->salt());
    CHECK(!verify_token(**random, token, request.bound(), kNow));
    CHECK(load_token_key("/nowhere").error() == "token_key_file: /nowhere cannot be read: No such file or directory");
}
