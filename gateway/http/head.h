// The one judge of a request head's bytes (RFC 9112 section 2 to 6): what it accepts can be read in one way only.
// Pure: it reads no socket. Called by receive.cpp on each head; fuzzed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "gateway/http/message.h"
#include "gateway/http/server.h"

namespace gateway::http {

enum class BodyFraming { none, length, chunked };

struct Head {
    std::string method;
    std::string target;
    std::vector<Header> headers;
    BodyFraming framing = BodyFraming::none;
    std::size_t content_length = 0;
    bool keeps_alive = true;
    bool expects_continue = false;
    bool is_http_1_0 = false;
};

// Where the head ends (one past its empty line), or 0 when more bytes are needed; `bytes` begins at the request line, and its
// first `scanned` bytes were looked at before. Refuses what no further byte can mend, so that nobody waits for it: a bare LF or
// CR or another control character (400), no method (400), a target over `target_bytes_max` (414), more than `head_bytes_max`
// (431).
[[nodiscard]] tl::expected<std::size_t, Refusal> find_head_end(std::string_view bytes, std::size_t scanned,
                                                               const ServerOptions& options);

// `bytes` is everything up to and including the empty line. Refuses (400 unless said): bare LF or CR, obs-fold, space before the
// colon, NUL and other control characters, names that are no tokens, no or several Hosts, several Content-Lengths, one that is
// not digits, one with Transfer-Encoding, Transfer-Encoding other than `chunked` (501) or in HTTP/1.0, absolute-, authority- and
// asterisk-form targets, a `#` in the target, an Expect other than `100-continue`, more than `headers_max` (431), a target over
// `target_bytes_max` (414), HTTP other than 1.0 and 1.1 (505). HTTP/1.0 may leave Host out. A Content-Length past what a size_t
// holds becomes its maximum: too large, in its turn. `Refusal::position` is the byte in the head. The detail is a fixed sentence:
// it holds no byte of the client's.
[[nodiscard]] tl::expected<Head, Refusal> parse_head(std::string_view bytes, const ServerOptions& options);
// The same for bytes that find_head_end has looked at already, up to the end that it found.
[[nodiscard]] tl::expected<Head, Refusal> parse_found_head(std::string_view bytes, const ServerOptions& options);

}  // namespace gateway::http
