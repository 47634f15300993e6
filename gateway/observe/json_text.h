// Text to a JSON string: the one escaper of answers, problems and log lines. Header-only, so that the log needs no other
// library of the gateway. Called by gateway/respond and by the log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace gateway::observe {

namespace json_text {

// The length of the well-formed UTF-8 sequence (RFC 3629) of two to four bytes at `at`; 0 when there is none.
inline std::size_t sequence_length(std::string_view text, std::size_t at) {
    const auto byte = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    const auto continues = [&byte](std::size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
    const unsigned lead = byte(at);
    const unsigned second = byte(at + 1);
    if (lead >= 0xC2 && lead <= 0xDF) {
        return continues(at + 1) ? 2 : 0;
    }
    if (lead >= 0xE0 && lead <= 0xEF) {
        const bool is_overlong = lead == 0xE0 && second < 0xA0;
        const bool is_surrogate = lead == 0xED && second > 0x9F;
        return continues(at + 1) && continues(at + 2) && !is_overlong && !is_surrogate ? 3 : 0;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        const bool is_overlong = lead == 0xF0 && second < 0x90;
        const bool is_too_high = lead == 0xF4 && second > 0x8F;
        return continues(at + 1) && continues(at + 2) && continues(at + 3) && !is_overlong && !is_too_high ? 4 : 0;
    }
    return 0;
}

// True when all eight bytes are ASCII that goes out as it is.
inline bool is_plain_word(std::uint64_t word) {
    constexpr std::uint64_t kOnes = 0x0101010101010101u;
    constexpr std::uint64_t kHigh = 0x8080808080808080u;
    // (x - n) & ~x & 0x80 in each byte: set in some byte exactly when some byte is less than n (n up to 128).
    const auto has_less = [](std::uint64_t x, std::uint64_t n) { return (x - kOnes * n) & ~x & kHigh; };
    const std::uint64_t quote = word ^ (kOnes * std::uint64_t{'"'});
    const std::uint64_t backslash = word ^ (kOnes * std::uint64_t{'\\'});
    return ((word & kHigh) | has_less(word, 0x20) | has_less(quote, 1) | has_less(backslash, 1)) == 0;
}

inline bool is_plain_byte(unsigned char byte) {
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

// How many bytes from `at` on are ASCII that goes out as it is.
inline std::size_t plain_run(std::string_view text, std::size_t at) {
    std::size_t end = at;
    for (; text.size() - end >= 8; end += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + end, 8);
        if (!is_plain_word(word)) {
            break;
        }
    }
    while (end < text.size() && is_plain_byte(static_cast<unsigned char>(text[end]))) {
        ++end;
    }
    return end - at;
}

inline void append_escape(std::string& out, unsigned char byte) {
    constexpr std::string_view kHex = "0123456789abcdef";
    out += '\\';
    switch (byte) {
        case '"':
            out += '"';
            return;
        case '\\':
            out += '\\';
            return;
        case '\b':
            out += 'b';
            return;
        case '\f':
            out += 'f';
            return;
        case '\n':
            out += 'n';
            return;
        case '\r':
            out += 'r';
            return;
        case '\t':
            out += 't';
            return;
        default:
            break;
    }
    out += "u00";
    out += kHex[byte >> 4u];
    out += kHex[byte & 15u];
}

}  // namespace json_text

// With its quotes. Each byte that is not part of well-formed UTF-8 becomes U+FFFD.
inline void append_json_string(std::string& out, std::string_view text) {
    std::size_t at = json_text::plain_run(text, 0);
    if (at == text.size()) {
        const std::size_t begin = out.size();
        out.append(text.size() + 2, '"');
        text.copy(out.data() + begin + 1, text.size());
        return;
    }
    out += '"';
    std::size_t written = 0;
    const auto flush = [&](std::size_t skipped) {
        out.append(text.data() + written, at - written);
        at += skipped;
        written = at;
    };
    while (at < text.size()) {
        at += json_text::plain_run(text, at);
        // What is not plain seldom comes alone: a word's length byte by byte.
        for (std::size_t stop = at + 8; at < text.size() && at < stop;) {
            const auto byte = static_cast<unsigned char>(text[at]);
            if (byte >= 0x80) {
                const std::size_t length = json_text::sequence_length(text, at);
                if (length == 0) {
                    flush(1);
                    out += "\xEF\xBF\xBD";
                } else {
                    at += length;
                }
            } else if (byte < 0x20 || byte == '"' || byte == '\\') {
                flush(1);
                json_text::append_escape(out, byte);
            } else {
                ++at;
            }
        }
    }
    flush(0);
    out += '"';
}

}  // namespace gateway::observe
