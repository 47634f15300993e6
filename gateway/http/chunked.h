// The chunked transfer coding (RFC 9112 section 7.1), decoded strictly and in bounded memory, however the bytes are cut.
// Extensions and trailers are read, bounded and dropped. Reads no socket: receive.cpp feeds it; one decoder a body.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "gateway/http/server.h"

namespace gateway::http {

class ChunkedDecoder {
public:
    enum class State { wants_bytes, complete, too_large };

    struct Progress {
        State state = State::wants_bytes;
        std::size_t consumed = 0;  // of the bytes given; the rest belongs to the next request
    };

    explicit ChunkedDecoder(std::size_t body_bytes_max) : body_bytes_max_(body_bytes_max) {}

    // Appends what `bytes` hold of the body to `body`. too_large as soon as a chunk's size says so, before its data.
    // Refuses (400): a size that is not 1 to 16 hex digits, a blank or another byte after it, lines not ended by CRLF, control
    // characters, chunk data not followed by CRLF, more than 16 KiB of extensions or of trailers, a trailer that is no header
    // line. `Refusal::position` is the byte in the chunked body. After a refusal or too_large the connection is of no more use.
    [[nodiscard]] tl::expected<Progress, Refusal> decode(std::string_view bytes, std::string& body);

private:
    enum class Step {
        size,
        extension,
        size_line_feed,
        data,
        data_return,
        data_line_feed,
        trailer_begin,
        trailer_name,
        trailer_value,
        trailer_line_feed,
        last_line_feed,
        done,
    };

    [[nodiscard]] std::string_view step_over(char byte);
    [[nodiscard]] std::string_view step_over_size(char byte);
    [[nodiscard]] std::string_view step_over_trailer(char byte);
    [[nodiscard]] std::string_view drop_byte();

    std::size_t body_bytes_max_;
    std::size_t position_ = 0;
    Step step_ = Step::size;
    std::size_t size_ = 0;  // of the chunk; then what is left of it
    int digits_ = 0;
    std::size_t dropped_ = 0;  // bytes of extensions and trailers
};

}  // namespace gateway::http
