// The bytes below the grammar: decoded text that knows where it came from, and a cursor that reads names, quotes and items.
// Private to filters/; it knows neither operators nor controls.
#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "filters/ast.h"
#include "filters/parse.h"
#include "filters/text.h"

namespace filters {

// A decoded name or value beside its raw form. Views into the query string or into the buffer that `decode` was given.
struct Text {
    std::string_view view;
    std::string_view raw;
    Position base = 0;                    // where `raw` begins in the target
    const Position* positions = nullptr;  // as in Decoded; null when nothing was escaped

    // Where decoded byte `index` was sent; `view.size()` gives the end.
    [[nodiscard]] Position at(std::size_t index) const { return positions != nullptr ? positions[index] : base + index; }
    // The raw bytes of everything from decoded byte `index` on.
    [[nodiscard]] std::string_view raw_from(std::size_t index) const { return raw.substr(at(index) - base); }
};

// Decodes `+` and percent escapes; text without any is not copied. Fails with encoding_invalid.
[[nodiscard]] tl::expected<Text, ParseError> decode(std::string_view raw, Position offset, Decoded& buffer);

// Reads a Text from left to right. Every error it makes has the fault that it was built with.
class Cursor {
public:
    Cursor(const Text& text, std::size_t begin, Fault fault) : text_(text), index_(begin), fault_(fault) {}

    [[nodiscard]] bool is_at_end() const { return index_ == text_.view.size(); }
    [[nodiscard]] bool is_at(char expected) const { return !is_at_end() && text_.view[index_] == expected; }
    [[nodiscard]] Position position() const { return text_.at(index_); }
    [[nodiscard]] std::string_view rest() const { return text_.view.substr(index_); }
    [[nodiscard]] const Text& text() const { return text_; }

    // Steps over one byte; not at the end.
    void skip() { ++index_; }
    // The longest run without any of `stops`; may be empty.
    [[nodiscard]] std::string_view take_until(std::string_view stops);
    // At an opening quote: reads to behind the closing one and gives the content, `\"` and `\\` unescaped.
    // Fails on a quote that is not closed and on any other escape.
    [[nodiscard]] tl::expected<std::string, ParseError> take_quoted();

    // An error at the current byte.
    [[nodiscard, gnu::cold]] tl::unexpected<ParseError> refuse(std::string detail, std::string hint = {}) const;
    [[nodiscard, gnu::cold]] tl::unexpected<ParseError> refuse_at(Position position, std::string detail, std::string hint = {}) const;

private:
    Text text_;
    std::size_t index_;
    Fault fault_;
};

// The name in quotes, `"` and `\` escaped: how a quoted name or item is written before percent-encoding.
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace filters
