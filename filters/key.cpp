#include "filters/key.h"

#include <string>
#include <utility>

#include "filters/lexer.h"
#include "filters/print.h"
#include "filters/text.h"

namespace filters {
namespace {

tl::unexpected<ParseError> refuse(Position position, std::string detail, std::string hint = {}) {
    return tl::unexpected(ParseError{Fault::value_invalid, std::move(detail), std::move(hint), {}, position});
}

// Reads the parts of a decoded segment from the left.
class PartReader {
public:
    explicit PartReader(const Text& text) : text_(text) {}

    tl::expected<std::vector<Literal>, ParseError> read() {
        std::vector<Literal> parts;
        for (;;) {
            auto part = index_ < text_.view.size() && text_.view[index_] == '"' ? quoted() : bare();
            if (!part) {
                return tl::unexpected(std::move(part.error()));
            }
            parts.push_back(std::move(*part));
            if (index_ == text_.view.size()) {
                return parts;
            }
            ++index_;
        }
    }

private:
    [[nodiscard]] bool is_at_separator() const {
        return text_.view[index_] == ',' && text_.raw[text_.at(index_) - text_.base] == ',';
    }

    tl::expected<Literal, ParseError> quoted() {
        const Position opening = text_.at(index_);
        Cursor cursor(text_, index_, Fault::value_invalid);
        auto content = cursor.take_quoted();
        if (!content) {
            return tl::unexpected(std::move(content.error()));
        }
        index_ = text_.view.size() - cursor.rest().size();
        if (index_ != text_.view.size() && !is_at_separator()) {
            return refuse(text_.at(index_), "after a closing quote only a comma may follow", "inside a quoted part a quote is written \\\"");
        }
        return Literal{std::move(*content), opening};
    }

    tl::expected<Literal, ParseError> bare() {
        const std::size_t begin = index_;
        while (index_ < text_.view.size() && !is_at_separator()) {
            if (text_.view[index_] == '"') {
                return refuse(text_.at(index_), "a quote stands only at both ends of a part of a key",
                              "write the part as \"…\" and a quote inside it as \\\"");
            }
            ++index_;
        }
        if (index_ == begin) {
            return refuse(text_.at(begin), "a part of the key is empty", "the empty text is written \"\"");
        }
        return Literal{std::string(text_.view.substr(begin, index_ - begin)), text_.at(begin)};
    }

    Text text_;
    std::size_t index_ = 0;
};

}  // namespace

tl::expected<std::vector<Literal>, ParseError> parse_key(std::string_view raw, Position offset, KeyForm form) {
    auto decoded = percent_decode(raw, offset, Plus::is_plus);
    if (!decoded) {
        return tl::unexpected(ParseError{Fault::encoding_invalid, std::move(decoded.error().detail), {}, {}, decoded.error().position});
    }
    if (form == KeyForm::whole) {
        std::vector<Literal> parts;
        parts.push_back({std::move(decoded->text), offset});
        return parts;
    }
    return PartReader(Text{decoded->text, raw, offset, decoded->positions.data()}).read();
}

std::optional<std::string> print_key(const std::vector<std::string>& texts) {
    const bool is_whole = texts.size() == 1;
    std::string segment;
    for (const std::string& text : texts) {
        // No path leads to such a segment: it would be another path.
        const bool is_lost = is_whole && (text.empty() || text == "." || text == "..");
        if (is_lost || text.find('\0') != std::string::npos) {
            return std::nullopt;
        }
        const bool is_quoted = !is_whole && (text.empty() || text.find_first_of(",\"") != std::string::npos);
        segment += segment.empty() ? "" : ",";
        segment += percent_encode(is_quoted ? quote(text) : text);
    }
    return segment;
}

}  // namespace filters
