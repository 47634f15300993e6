#include "gateway/auth/base64url.h"

#include <array>
#include <cstdint>

namespace gateway::auth {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::uint8_t kNone = 0xFF;

constexpr std::array<std::uint8_t, 256> kValues = [] {
    std::array<std::uint8_t, 256> values{};
    values.fill(kNone);
    for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
        values[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
    }
    return values;
}();

}  // namespace

std::optional<std::string> decode_base64url(std::string_view text) {
    if (text.size() % 4 == 1) {
        return std::nullopt;
    }
    std::string bytes;
    bytes.reserve(text.size() * 3 / 4);
    std::uint32_t held = 0;
    unsigned bits = 0;
    for (const char c : text) {
        const std::uint8_t value = kValues[static_cast<unsigned char>(c)];
        if (value == kNone) {
            return std::nullopt;
        }
        held = (held << 6u | value) & 0xFFFFu;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes += static_cast<char>(held >> bits & 0xFFu);
        }
    }
    if ((held & ((1u << bits) - 1)) != 0) {
        return std::nullopt;
    }
    return bytes;
}

std::string encode_base64url(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size() * 4 / 3 + 3);
    std::uint32_t held = 0;
    unsigned bits = 0;
    for (const char c : bytes) {
        held = (held << 8u | static_cast<unsigned char>(c)) & 0xFFFFu;
        bits += 8;
        while (bits >= 6) {
            bits -= 6;
            text += kAlphabet[held >> bits & 0x3Fu];
        }
    }
    if (bits > 0) {
        text += kAlphabet[held << (6 - bits) & 0x3Fu];
    }
    return text;
}

}  // namespace gateway::auth
