// What HTTP says about single bytes and tokens (RFC 9110 section 5.6), without locale. No parsing: head.cpp and chunked.cpp do
// that. Pure. Called inside gateway/http and by gateway/request.
#pragma once

#include <algorithm>
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

constexpr bool is_token_character(char byte) {
    return is_digit(byte) || is_letter(byte) || std::string_view("!#$%&'*+-.^_`|~").find(byte) != std::string_view::npos;
}

constexpr bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

constexpr bool is_equal_ignoring_case(std::string_view left, std::string_view right) {
    return left.size() == right.size() &&
           std::equal(left.begin(), left.end(), right.begin(), [](char a, char b) { return to_lower(a) == to_lower(b); });
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
