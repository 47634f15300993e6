#include "filters/lexer.h"

#include <algorithm>
#include <utility>

namespace filters {
namespace {

enum class Shape { plain, raw_utf8, escaped };

// Most names and values hold neither escapes nor anything past ASCII, so one look saves the copy.
Shape shape_of(std::string_view raw) {
    Shape shape = Shape::plain;
    for (const char byte : raw) {
        if (byte == '%' || byte == '+' || byte == '\0') {
            return Shape::escaped;
        }
        if ((static_cast<unsigned char>(byte) & 0x80U) != 0) {
            shape = Shape::raw_utf8;
        }
    }
    return shape;
}

}  // namespace

tl::expected<Text, ParseError> decode(std::string_view raw, Position offset, Decoded& buffer) {
    const Shape shape = shape_of(raw);
    if (shape == Shape::plain || (shape == Shape::raw_utf8 && is_utf8(raw))) {
        return Text{raw, raw, offset, nullptr};
    }
    if (auto outcome = percent_decode_into(buffer, raw, offset, Plus::is_space); !outcome) {
        DecodeError& error = outcome.error();
        return tl::unexpected(ParseError{Fault::encoding_invalid, std::move(error.detail), {}, {}, error.position});
    }
    return Text{buffer.text, raw, offset, buffer.positions.data()};
}

std::string_view Cursor::take_until(std::string_view stops) {
    const std::string_view remaining = rest();
    const std::string_view run = remaining.substr(0, remaining.find_first_of(stops));
    index_ += run.size();
    return run;
}

tl::expected<std::string, ParseError> Cursor::take_quoted() {
    const Position opening = position();
    skip();
    std::string content;
    while (true) {
        content += take_until("\"\\");
        if (is_at_end()) {
            return refuse_at(opening, "the quote that opens here is not closed",
                             "inside quotes an & is written %26 and, in a name, an = is written %3D");
        }
        if (is_at('"')) {
            skip();
            return content;
        }
        const Position escape = position();
        skip();
        if (!is_at('"') && !is_at('\\')) {
            return refuse_at(escape, "inside quotes a backslash stands only before a quote or another backslash",
                             "write \\\\ for one backslash");
        }
        content += is_at('"') ? '"' : '\\';
        skip();
    }
}

tl::unexpected<ParseError> Cursor::refuse(std::string detail, std::string hint) const {
    return refuse_at(position(), std::move(detail), std::move(hint));
}

tl::unexpected<ParseError> Cursor::refuse_at(Position position, std::string detail, std::string hint) const {
    return tl::unexpected(ParseError{fault_, std::move(detail), std::move(hint), {}, position});
}

std::string quote(std::string_view text) {
    std::string quoted;
    quoted.reserve(text.size() + 2);
    quoted += '"';
    for (const char byte : text) {
        if (byte == '"' || byte == '\\') {
            quoted += '\\';
        }
        quoted += byte;
    }
    quoted += '"';
    return quoted;
}

}  // namespace filters
