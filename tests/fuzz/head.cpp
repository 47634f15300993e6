// Whatever bytes come in: no crash; the head's end does not depend on how the bytes are cut; an accepted head, written out
// plainly, parses to the same head. The rest of the input goes through the chunked decoder, whole and byte by byte, with one
// result.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "gateway/http/chunked.h"
#include "gateway/http/head.h"

namespace {

using gateway::http::ChunkedDecoder;
using gateway::http::Head;

void require(bool is_true) {
    if (!is_true) {
        std::abort();
    }
}

std::string canonical(const Head& head) {
    std::string text = head.method + " " + head.target + (head.is_http_1_0 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
    for (const auto& header : head.headers) {
        text += header.name + ": " + header.value + "\r\n";
    }
    return text + "\r\n";
}

void require_same(const Head& left, const Head& right) {
    require(left.method == right.method && left.target == right.target && left.framing == right.framing);
    require(left.content_length == right.content_length && left.keeps_alive == right.keeps_alive);
    require(left.expects_continue == right.expects_continue && left.is_http_1_0 == right.is_http_1_0);
    require(left.headers.size() == right.headers.size());
    for (std::size_t index = 0; index < left.headers.size(); ++index) {
        require(left.headers[index].name == right.headers[index].name && left.headers[index].value == right.headers[index].value);
    }
}

void require_same_end(const std::string& text, const gateway::http::ServerOptions& options) {
    const auto whole = gateway::http::find_head_end(text, 0, options);
    for (std::size_t size = 1; size <= text.size(); ++size) {
        const auto part = gateway::http::find_head_end(std::string_view(text).substr(0, size), size - 1, options);
        if (!part) {
            require(!whole && part.error().status == whole.error().status);
            return;
        }
        if (*part != 0) {
            require(whole && *whole == *part && *part == size);
            return;
        }
    }
    require(whole && *whole == 0);
}

void require_same_body(std::string_view bytes) {
    ChunkedDecoder whole(64);
    ChunkedDecoder cut(64);
    std::string whole_body;
    std::string cut_body;
    const auto expected = whole.decode(bytes, whole_body);
    std::size_t consumed = 0;
    while (consumed < bytes.size()) {
        const auto progress = cut.decode(bytes.substr(consumed, 1), cut_body);
        if (!progress) {
            require(!expected && expected.error().position == progress.error().position && consumed == progress.error().position);
            return;
        }
        consumed += progress->consumed;
        if (progress->state != ChunkedDecoder::State::wants_bytes) {
            require(expected && expected->state == progress->state && expected->consumed == consumed && cut_body == whole_body);
            return;
        }
    }
    require(expected && expected->state == ChunkedDecoder::State::wants_bytes && cut_body == whole_body && cut_body.size() <= 64);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    gateway::http::ServerOptions options;
    options.target_bytes_max = 64;
    options.head_bytes_max = 512;
    options.headers_max = 8;
    require_same_end(text, options);
    const std::size_t end = text.find("\r\n\r\n");
    const std::string bytes = end == std::string::npos ? text : text.substr(0, end + 4);
    require_same_body(end == std::string::npos ? std::string_view(text) : std::string_view(text).substr(end + 4));
    const auto head = gateway::http::parse_head(bytes, options);
    if (!head) {
        require(head.error().status >= 400 && head.error().status <= 505 && head.error().position <= bytes.size() &&
                !head.error().detail.empty());
        return 0;
    }
    // Plain writing adds a blank after each colon, so a head at its limit may grow past it.
    options.head_bytes_max *= 2;
    const auto again = gateway::http::parse_head(canonical(*head), options);
    require(again.has_value());
    require_same(*head, *again);
    return 0;
}
