#include "gateway/auth/jwks_fetch.h"

#include <algorithm>
#include <memory>
#include <string_view>

#include <curl/curl.h>
#include <fmt/format.h>

namespace gateway::auth {
namespace {

constexpr std::size_t kDocumentBytesMax = 512u << 10;

struct FreeUrl {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
struct FreeTransfer {
    void operator()(CURL* transfer) const { curl_easy_cleanup(transfer); }
};

std::string part_of(CURLU* url, CURLUPart part) {
    char* text = nullptr;
    if (curl_url_get(url, part, &text, 0) != CURLUE_OK) {
        return {};
    }
    std::string copy(text);
    curl_free(text);
    return copy;
}

// 127.0.0.0/8 by its four numbers, not by a name that begins so.
bool is_loopback(const std::string& host) {
    const bool is_ipv4 = host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos;
    return is_ipv4 || host == "[::1]" || host == "localhost";
}

std::size_t take(char* data, std::size_t size, std::size_t count, void* into) {
    std::string& text = *static_cast<std::string*>(into);
    const std::size_t bytes = size * count;
    if (text.size() + bytes > kDocumentBytesMax) {
        return 0;  // ends the transfer
    }
    text.append(data, bytes);
    return bytes;
}

int is_over(void* is_stopping, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<const std::atomic<bool>*>(is_stopping)->load() ? 1 : 0;
}

}  // namespace

std::string check_fetch_url(const std::string& url) {
    const std::unique_ptr<CURLU, FreeUrl> parsed(curl_url());
    if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
        return "is no URL";
    }
    if (!part_of(parsed.get(), CURLUPART_USER).empty() || !part_of(parsed.get(), CURLUPART_PASSWORD).empty()) {
        return "must not hold a user name or password";
    }
    const std::string scheme = part_of(parsed.get(), CURLUPART_SCHEME);
    if (scheme != "https" && (scheme != "http" || !is_loopback(part_of(parsed.get(), CURLUPART_HOST)))) {
        return "must be https, or http to a loopback address";
    }
    return {};
}

tl::expected<std::string, std::string> fetch(const std::string& url, std::chrono::milliseconds timeout,
                                             const std::atomic<bool>& is_stopping) {
    // Once, and before any transfer; the order in which threads come here does not matter.
    static const CURLcode kStarted = curl_global_init(CURL_GLOBAL_DEFAULT);
    const std::unique_ptr<CURL, FreeTransfer> transfer(kStarted == CURLE_OK ? curl_easy_init() : nullptr);
    if (!transfer) {
        return tl::unexpected<std::string>("libcurl does not start");
    }
    std::string text;
    const auto milliseconds = static_cast<long>(timeout.count());
    CURL* const it = transfer.get();
    curl_easy_setopt(it, CURLOPT_URL, url.c_str());
    curl_easy_setopt(it, CURLOPT_PROTOCOLS_STR, url.starts_with("http:") ? "http" : "https");
    curl_easy_setopt(it, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(it, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(it, CURLOPT_TIMEOUT_MS, milliseconds);
    curl_easy_setopt(it, CURLOPT_CONNECTTIMEOUT_MS, std::min(milliseconds, 2000L));
    curl_easy_setopt(it, CURLOPT_USERAGENT, "rowgate");
    curl_easy_setopt(it, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(it, CURLOPT_WRITEDATA, &text);
    curl_easy_setopt(it, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(it, CURLOPT_XFERINFOFUNCTION, is_over);
    curl_easy_setopt(it, CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(&is_stopping));
    if (url.starts_with("http:")) {
        curl_easy_setopt(it, CURLOPT_NOPROXY, "*");
    }
    if (const CURLcode code = curl_easy_perform(it); code != CURLE_OK) {
        const bool is_too_large = code == CURLE_WRITE_ERROR;
        return tl::unexpected(is_too_large ? fmt::format("the answer has more than {} bytes", kDocumentBytesMax)
                                           : std::string(curl_easy_strerror(code)));
    }
    long status = 0;
    curl_easy_getinfo(it, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) {
        return tl::unexpected(fmt::format("the answer's status is {}", status));
    }
    return text;
}

}  // namespace gateway::auth
