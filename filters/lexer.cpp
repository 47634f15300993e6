#include "filters/lexer.h"

#include <algorithm>
#include <utility>

namespace filters {
namespace {

constexpr std::string_view kEscapes("%+\0", 3);

// Not string_view::find_first_of, which calls memchr for each byte.
bool is_any_of(char byte, std::string_view stops) {
    bool is_found = false;
    for (const char stop : stops) {
        is_found |= byte == stop;
    }
    return is_found;
}

}  // namespace

tl::expected<Text, ParseError> decode(std::string_view raw, Position offset, Decoded& buffer) {
    // Most names and values hold neither escapes nor anything past ASCII, so one look saves the copy.
    if (is_plain(raw) || (raw.find_first_of(kEscapes) == std::string_view::npos && is_utf8(raw))) {
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
    std::size_t size = 0;
    while (size < remaining.size() && !is_any_of(remaining[size], stops)) {
        ++size;
    }
    index_ += size;
    return remaining.substr(0, size);
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
