// What HTTP says about single bytes and tokens (RFC 9110 section 5.6), without locale. No parsing: head.cpp and chunked.cpp do
// that. Pure. Called inside gateway/http and by gateway/request.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace gateway::http {

constexpr bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

constexpr char to_lower(char byte) {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
}

constexpr bool is_letter(char byte) {
    return to_lower(byte) >= 'a' && to_lower(byte) <= 'z';
}

constexpr bool is_blank(char byte) {
    return byte == ' ' || byte == '\t';
}

// A control character other than the tab: never allowed in a head but as the CRLF that ends a line.
constexpr bool is_control(char byte) {
    return (static_cast<unsigned char>(byte) < 0x20 && byte != '\t') || byte == '\x7F';
}

inline constexpr std::array<bool, 256> kTokenCharacters = [] {
    std::array<bool, 256> table{};
    for (std::size_t byte = 0; byte < table.size(); ++byte) {
        const char character = static_cast<char>(byte);
        table[byte] = is_digit(character) || is_letter(character) ||
                      std::string_view("!#$%&'*+-.^_`|~").find(character) != std::string_view::npos;
    }
    return table;
}();

constexpr bool is_token_character(char byte) {
    return kTokenCharacters[static_cast<unsigned char>(byte)];
}

constexpr bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

// The index of the first control character or tab in `text` from `at` on, or its size.
inline std::size_t find_control_or_tab(std::string_view text, std::size_t at) {
    constexpr std::uint64_t kOnes = 0x0101010101010101u;
    constexpr std::uint64_t kHigh = 0x8080808080808080u;
    for (; text.size() - at >= 8; at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, 8);
        // Some byte below 0x20, or some byte 0x7F; bytes with the high bit count for neither.
        const std::uint64_t below = (word - kOnes * 0x20u) & ~word;
        const std::uint64_t deletes = word ^ (kOnes * 0x7Fu);
        const std::uint64_t is_delete = (deletes - kOnes) & ~deletes;
        if (((below | is_delete) & kHigh) != 0) {
            break;
        }
    }
    while (at < text.size() && static_cast<unsigned char>(text[at]) >= 0x20 && text[at] != '\x7F') {
        ++at;
    }
    return at;
}

constexpr bool is_equal_ignoring_case(std::string_view left, std::string_view right) {
    // Nearly everybody writes a name as we do.
    return left.size() == right.size() &&
           (left == right ||
            std::equal(left.begin(), left.end(), right.begin(), [](char a, char b) { return to_lower(a) == to_lower(b); }));
}

// Without the blanks and tabs at both ends.
constexpr std::string_view trim_blanks(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

}  // namespace gateway::http
