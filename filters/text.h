// Percent-decoding that remembers positions, and UTF-8 validation: the two things every reader of client text needs.
// Pure. Called by filters/parse and by gateway/request.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "filters/ast.h"

namespace filters {

// True when `text` is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
[[nodiscard]] bool is_utf8(std::string_view text);

// Where the first malformed sequence of `text` begins; npos when there is none.
[[nodiscard]] std::size_t find_invalid_utf8(std::string_view text);

// True when `text` is ASCII without NUL, `%` and `+`: percent-decoding leaves it as it is, whatever a `+` stands for.
[[nodiscard]] bool is_plain(std::string_view text);

// How many characters (code points) valid UTF-8 holds.
[[nodiscard]] std::size_t count_characters(std::string_view text);

// Decoded text with, for each decoded byte, the position of the raw byte it came from (one more entry marks the end).
struct Decoded {
    std::string text;
    std::vector<Position> positions;
};

enum class Plus { is_space, is_plus };  // a query reads `+` as a space, a path does not

struct DecodeError {
    std::string detail;  // "a % must be followed by two hex digits", …
    Position position = 0;
};

// Decodes once. Refuses `%` without two hex digits, NUL (raw or encoded) and a result that is not UTF-8.
[[nodiscard]] tl::expected<Decoded, DecodeError> percent_decode(std::string_view raw, Position offset, Plus plus);

// The same into a buffer that is used again: `decoded` is overwritten and keeps its capacity; after an error it holds no meaning.
[[nodiscard]] tl::expected<void, DecodeError> percent_decode_into(Decoded& decoded, std::string_view raw, Position offset,
                                                                  Plus plus);

}  // namespace filters
