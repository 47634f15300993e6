#include "filters/text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace filters {
namespace {

// Table 3-7 of the Unicode standard: what may follow a lead byte. Only the second byte's range differs from 80..BF.
struct Lead {
    unsigned char continuation_count = 0;  // 0: not a lead byte
    unsigned char second_min = 0x80;
    unsigned char second_max = 0xBF;
};

constexpr std::array<Lead, 256> make_leads() {
    std::array<Lead, 256> leads{};
    for (std::size_t byte = 0xC2; byte <= 0xDF; ++byte) {
        leads[byte].continuation_count = 1;
    }
    for (std::size_t byte = 0xE0; byte <= 0xEF; ++byte) {
        leads[byte].continuation_count = 2;
    }
    for (std::size_t byte = 0xF0; byte <= 0xF4; ++byte) {
        leads[byte].continuation_count = 3;
    }
    leads[0xE0].second_min = 0xA0;  // below: overlong
    leads[0xED].second_max = 0x9F;  // above: surrogates
    leads[0xF0].second_min = 0x90;  // below: overlong
    leads[0xF4].second_max = 0x8F;  // above: past U+10FFFF
    return leads;
}

constexpr std::array<Lead, 256> kLeads = make_leads();

constexpr unsigned char to_byte(char character) {
    return static_cast<unsigned char>(character);
}

constexpr bool is_continuation(char character) {
    return (to_byte(character) & 0xC0U) == 0x80U;
}

constexpr std::size_t kChunk = sizeof(std::uint64_t);

constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
constexpr std::uint64_t kHighBits = 0x8080808080808080ULL;

// Not zero when one of the eight bytes is zero (exact for that question, whatever the other bytes are).
constexpr std::uint64_t has_zero(std::uint64_t chunk) {
    return (chunk - kOnes) & ~chunk & kHighBits;
}

// The next eight bytes; where the text ends before, blanks stand for what is missing.
std::uint64_t chunk_at(std::string_view text, std::size_t index) {
    std::uint64_t chunk = kOnes * ' ';
    if (text.size() - index >= kChunk) {
        std::memcpy(&chunk, text.data() + index, kChunk);
    } else if (index < text.size()) {
        std::memcpy(&chunk, text.data() + index, text.size() - index);
    }
    return chunk;
}

// How many bytes the well-formed multi-byte sequence at `index` has; 0 when it is malformed or cut off.
std::size_t sequence_length(std::string_view text, std::size_t index) {
    const Lead& lead = kLeads[to_byte(text[index])];
    const std::size_t count = lead.continuation_count;
    if (count == 0 || text.size() - index <= count) {
        return 0;
    }
    const unsigned char second = to_byte(text[index + 1]);
    if (second < lead.second_min || second > lead.second_max) {
        return 0;
    }
    for (std::size_t i = 2; i <= count; ++i) {
        if (!is_continuation(text[index + i])) {
            return 0;
        }
    }
    return count + 1;
}

// The value of a hex digit, or 16 for anything else.
constexpr unsigned hex_value(char digit) {
    if (digit >= '0' && digit <= '9') {
        return static_cast<unsigned>(digit - '0');
    }
    if (digit >= 'a' && digit <= 'f') {
        return static_cast<unsigned>(digit - 'a') + 10U;
    }
    if (digit >= 'A' && digit <= 'F') {
        return static_cast<unsigned>(digit - 'A') + 10U;
    }
    return 16U;
}

}  // namespace

std::size_t find_invalid_utf8(std::string_view text) {
    std::size_t index = 0;
    while (index < text.size()) {
        if ((chunk_at(text, index) & kHighBits) == 0) {
            index += kChunk;
            continue;
        }
        if (to_byte(text[index]) < 0x80) {
            ++index;
            continue;
        }
        const std::size_t length = sequence_length(text, index);
        if (length == 0) {
            return index;
        }
        index += length;
    }
    return std::string_view::npos;
}

bool is_utf8(std::string_view text) {
    return find_invalid_utf8(text) == std::string_view::npos;
}

bool is_plain(std::string_view text) {
    for (std::size_t index = 0; index < text.size(); index += kChunk) {
        const std::uint64_t chunk = chunk_at(text, index);
        const std::uint64_t special = (chunk & kHighBits) | has_zero(chunk) | has_zero(chunk ^ (kOnes * '%')) | has_zero(chunk ^ (kOnes * '+'));
        if (special != 0) {
            return false;
        }
    }
    return true;
}

std::size_t count_characters(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) { return !is_continuation(byte); }));
}

tl::expected<void, DecodeError> percent_decode_into(Decoded& decoded, std::string_view raw, Position offset, Plus plus) {
    decoded.text.clear();
    decoded.positions.clear();
    decoded.text.reserve(raw.size());
    decoded.positions.reserve(raw.size() + 1);

    // The first error from the left wins, so what stands before a bad escape is still checked as UTF-8 below.
    const char* refusal = nullptr;
    std::size_t index = 0;
    while (index < raw.size()) {
        char byte = raw[index];
        std::size_t width = 1;
        if (byte == '%') {
            const unsigned high = index + 2 < raw.size() ? hex_value(raw[index + 1]) : 16U;
            const unsigned low = high < 16U ? hex_value(raw[index + 2]) : 16U;
            if (low == 16U) {
                refusal = "a % must be followed by two hex digits; a % itself is written %25";
                break;
            }
            byte = static_cast<char>(static_cast<unsigned char>(high << 4U | low));
            width = 3;
        } else if (byte == '+' && plus == Plus::is_space) {
            byte = ' ';
        }
        if (byte == '\0') {
            refusal = "a NUL byte is not allowed";
            break;
        }
        decoded.text.push_back(byte);
        decoded.positions.push_back(offset + index);
        index += width;
    }
    decoded.positions.push_back(offset + index);

    const std::size_t invalid = find_invalid_utf8(decoded.text);
    if (invalid != std::string_view::npos) {
        return tl::unexpected(DecodeError{"the text is not valid UTF-8", decoded.positions[invalid]});
    }
    if (refusal != nullptr) {
        return tl::unexpected(DecodeError{refusal, offset + index});
    }
    return {};
}

tl::expected<Decoded, DecodeError> percent_decode(std::string_view raw, Position offset, Plus plus) {
    Decoded decoded;
    if (auto outcome = percent_decode_into(decoded, raw, offset, plus); !outcome) {
        return tl::unexpected(std::move(outcome.error()));
    }
    return decoded;
}

}  // namespace filters
