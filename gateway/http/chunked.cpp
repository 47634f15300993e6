#include "gateway/http/chunked.h"

#include <algorithm>

#include "gateway/http/ascii.h"

namespace gateway::http {
namespace {

constexpr int kSizeDigitsMax = 16;
constexpr std::size_t kDroppedBytesMax = 16384;

// The value of a hex digit, or -1.
constexpr int hex_value(char byte) {
    if (is_digit(byte)) {
        return byte - '0';
    }
    const char lower = to_lower(byte);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

std::string_view ChunkedDecoder::drop_byte() {
    ++dropped_;
    return dropped_ > kDroppedBytesMax ? "the chunked body has too many bytes of extensions and trailers" : std::string_view{};
}

std::string_view ChunkedDecoder::step_over_size(char byte) {
    const int value = hex_value(byte);
    if (value >= 0) {
        ++digits_;
        if (digits_ > kSizeDigitsMax) {
            return "a chunk's size has too many digits";
        }
        size_ = size_ * 16 + static_cast<std::size_t>(value);
        return {};
    }
    if (digits_ == 0) {
        return "a chunk's size is not a hexadecimal number";
    }
    if (byte == '\r') {
        step_ = Step::size_line_feed;
        return {};
    }
    if (byte == ';') {
        step_ = Step::extension;
        return drop_byte();
    }
    return "a chunk's size is followed by something other than CRLF or an extension";
}

std::string_view ChunkedDecoder::step_over_trailer(char byte) {
    switch (step_) {
        case Step::trailer_begin:
            if (byte == '\r') {
                step_ = Step::last_line_feed;
                return {};
            }
            if (!is_token_character(byte)) {
                return "a trailer of the chunked body is not a header line";
            }
            step_ = Step::trailer_name;
            return drop_byte();
        case Step::trailer_name:
            if (byte == ':') {
                step_ = Step::trailer_value;
            } else if (!is_token_character(byte)) {
                return "a trailer of the chunked body is not a header line";
            }
            return drop_byte();
        case Step::trailer_value:
            if (byte == '\r') {
                step_ = Step::trailer_line_feed;
                return {};
            }
            if (is_control(byte)) {
                return "a trailer of the chunked body holds a control character";
            }
            return drop_byte();
        case Step::size:
        case Step::extension:
        case Step::size_line_feed:
        case Step::data:
        case Step::data_return:
        case Step::data_line_feed:
        case Step::trailer_line_feed:
        case Step::last_line_feed:
        case Step::done:
            break;
    }
    return "the chunked body is malformed";
}

std::string_view ChunkedDecoder::step_over(char byte) {
    constexpr std::string_view kNoCrlf = "a line of the chunked body does not end with CRLF";
    switch (step_) {
        case Step::size:
            return step_over_size(byte);
        case Step::extension:
            if (byte == '\r') {
                step_ = Step::size_line_feed;
                return {};
            }
            return is_control(byte) ? "a chunk's extension holds a control character" : drop_byte();
        case Step::size_line_feed:
            step_ = size_ == 0 ? Step::trailer_begin : Step::data;
            return byte == '\n' ? std::string_view{} : kNoCrlf;
        case Step::data_return:
            step_ = Step::data_line_feed;
            return byte == '\r' ? std::string_view{} : "a chunk's data is longer than its size";
        case Step::data_line_feed:
            step_ = Step::size;
            digits_ = 0;
            return byte == '\n' ? std::string_view{} : kNoCrlf;
        case Step::trailer_line_feed:
            step_ = Step::trailer_begin;
            return byte == '\n' ? std::string_view{} : kNoCrlf;
        case Step::last_line_feed:
            step_ = Step::done;
            return byte == '\n' ? std::string_view{} : kNoCrlf;
        case Step::trailer_begin:
        case Step::trailer_name:
        case Step::trailer_value:
            return step_over_trailer(byte);
        case Step::data:
        case Step::done:
            break;
    }
    return "the chunked body is malformed";
}

tl::expected<ChunkedDecoder::Progress, Refusal> ChunkedDecoder::decode(std::string_view bytes, std::string& body) {
    std::size_t index = 0;
    while (index < bytes.size() && step_ != Step::done) {
        if (step_ == Step::data) {
            const std::size_t count = std::min(size_, bytes.size() - index);
            body.append(bytes.substr(index, count));
            size_ -= count;
            index += count;
            position_ += count;
            if (size_ == 0) {
                step_ = Step::data_return;
            }
            continue;
        }
        const std::string_view fault = step_over(bytes[index]);
        if (!fault.empty()) {
            return tl::unexpected(Refusal{400, std::string(fault), position_});
        }
        ++index;
        ++position_;
        if (step_ == Step::data && size_ > body_bytes_max_ - std::min(body.size(), body_bytes_max_)) {
            return Progress{State::too_large, index};
        }
    }
    return Progress{step_ == Step::done ? State::complete : State::wants_bytes, index};
}

}  // namespace gateway::http
