// Whatever bytes come as a preview's token: no crash, and none is good but the one that was given out, for the request that it was given
// out for. The input is tried as a token, laid over a good one, and as each part of the request.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "gateway/auth/base64url.h"
#include "gateway/preview/token.h"

namespace {

using namespace gateway::preview;

void require(bool is_true) {
    if (!is_true) {
        std::abort();
    }
}

const gateway::auth::Instant kNow{std::chrono::seconds(1'800'000'000)};

struct Request {
    gateway::auth::Subject caller = {"org", "project", "space", "user", {"users"}, {}, "", nullptr};
    std::vector<std::string> segments = {"acme", "demo", "sl", "shop", "articles"};
    std::string filter = "id=gt.5";
    std::string body;

    [[nodiscard]] BoundRequest bound() const { return {caller, segments, "DELETE", filter, "", body}; }
};

void require_refused(const TokenKey& key, const std::string& forged, const std::string& good, const Request& request) {
    require(forged == good || !verify_token(key, forged, request.bound(), kNow));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const TokenKey kKey = TokenKey::random();
    const std::string input(data, data + size);
    const Request request;
    const std::string good = issue_token(kKey, request.bound(), {2, "1 2"}, kNow + std::chrono::seconds(1));
    require(good.size() < kTokenBytesMax && verify_token(kKey, good, request.bound(), kNow));
    require_refused(kKey, input, good, request);
    require_refused(kKey, "p1." + gateway::auth::encode_base64url(input), good, request);
    require_refused(kKey, good + input, good, request);
    std::string forged = good;
    for (std::size_t i = 0; i < forged.size() && i < input.size(); ++i) {
        forged[i] = static_cast<char>(static_cast<unsigned char>(forged[i]) ^ static_cast<unsigned char>(input[i]));
    }
    require_refused(kKey, forged, good, request);
    Request other;
    other.filter = input;
    require(input == request.filter || !verify_token(kKey, good, other.bound(), kNow));
    other = request;
    other.body = input;
    require(input.empty() || !verify_token(kKey, good, other.bound(), kNow));
    other = request;
    other.segments.push_back(input);
    require(!verify_token(kKey, good, other.bound(), kNow));
    other = request;
    other.caller.roles = {input};
    require(input == "users" || !verify_token(kKey, good, other.bound(), kNow));
    return 0;
}
