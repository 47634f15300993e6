// A reader for the JSON that bodies mostly are: one pass, nothing copied but strings with escapes. What it does not read whole
// (a fault, a lone surrogate, a number that may be past 1e308) is for RapidJSON, whose judgement and wording count; so it must
// never take what RapidJSON would not. Private to gateway/request, called by body.cpp; fuzzed against RapidJSON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "sql/plan/intent.h"

namespace gateway::request {

// `Events` has, each false to stop: scalar(kind, begin, end), string(begin, end, decoded), name(begin, end, decoded), open(kind,
// begin), close(end). Bytes are counted from the text's first one, quotes and braces belong to their token.
template <typename Events>
class PlainJson {
public:
    // `text` is UTF-8. `events` outlives the reader.
    PlainJson(std::string_view text, Events& events) : text_(text), events_(events) {}

    // True when the text is one JSON value and every event was taken.
    [[nodiscard]] bool read() {
        while (begin_value()) {
            while (is_after_value_) {
                skip_blanks();
                if (open_.empty()) {
                    return at_ == text_.size();
                }
                if (!continue_or_close()) {
                    return false;
                }
            }
        }
        return false;
    }

private:
    using Kind = sql::plan::JsonKind;
    static constexpr std::size_t kDigitsMax = 300;        // fewer than any number past 1e308 has
    static constexpr std::size_t kExponentDigitsMax = 2;  // with so many digits before it

    [[nodiscard]] bool is_at(char c) const { return at_ < text_.size() && text_[at_] == c; }
    bool take(char c) {
        const bool is_there = is_at(c);
        at_ += is_there ? 1 : 0;
        return is_there;
    }
    void skip_blanks() {
        while (is_at(' ') || is_at('\n') || is_at('\r') || is_at('\t')) {
            ++at_;
        }
    }

    // A scalar, or the opening of a container and the name of its first member.
    bool begin_value() {
        skip_blanks();
        is_after_value_ = true;
        const std::size_t begin = at_;
        if (is_at('"')) {
            return take_string() && events_.string(begin, at_, content_);
        }
        if (is_at('{') || is_at('[')) {
            return begin_container(text_[at_] == '{' ? Kind::object : Kind::array);
        }
        return (take_word("null") && events_.scalar(Kind::null, begin, at_)) ||
               ((take_word("true") || take_word("false")) && events_.scalar(Kind::boolean, begin, at_)) ||
               (at_ == begin && take_number() && events_.scalar(Kind::number, begin, at_));
    }

    bool begin_container(Kind kind) {
        if (!events_.open(kind, at_)) {
            return false;
        }
        ++at_;
        open_.push_back(kind == Kind::object ? '}' : ']');
        skip_blanks();
        if (is_at(open_.back())) {
            return close();
        }
        is_after_value_ = false;
        return kind == Kind::array || take_name();
    }

    bool close() {
        ++at_;
        open_.pop_back();
        return events_.close(at_);
    }

    bool continue_or_close() {
        if (is_at(open_.back())) {
            return close();
        }
        is_after_value_ = false;
        return take(',') && (open_.back() == ']' || take_name());
    }

    bool take_name() {
        skip_blanks();
        const std::size_t begin = at_;
        if (!is_at('"') || !take_string() || !events_.name(begin, at_, content_)) {
            return false;
        }
        skip_blanks();
        return take(':');
    }

    bool take_word(std::string_view word) {
        const bool is_there = text_.substr(at_, word.size()) == word;
        at_ += is_there ? word.size() : 0;
        return is_there;
    }

    // At an opening quote; `content_` is then what stood between the quotes, decoded.
    bool take_string() {
        const std::size_t begin = ++at_;
        skip_plain();
        if (is_at('"')) {
            content_ = text_.substr(begin, at_ - begin);
            ++at_;
            return true;
        }
        decoded_.assign(text_, begin, at_ - begin);
        while (is_at('\\')) {
            if (!take_escape()) {
                return false;
            }
            const std::size_t run = at_;
            skip_plain();
            decoded_.append(text_, run, at_ - run);
        }
        content_ = decoded_;
        return take('"');
    }

    // Over everything but quotes, backslashes and control characters.
    void skip_plain() {
        constexpr std::uint64_t kOnes = 0x0101010101010101u;
        constexpr std::uint64_t kHigh = 0x8080808080808080u;
        // Not zero when some byte of `word` is less than n; n is at most 128.
        const auto has_less = [](std::uint64_t word, std::uint64_t n) { return (word - kOnes * n) & ~word & kHigh; };
        std::uint64_t word = 0;
        for (; text_.size() - at_ >= sizeof(word); at_ += sizeof(word)) {
            std::memcpy(&word, text_.data() + at_, sizeof(word));
            if ((has_less(word, 0x20) | has_less(word ^ (kOnes * '"'), 1) | has_less(word ^ (kOnes * '\\'), 1)) != 0) {
                break;
            }
        }
        while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' && static_cast<unsigned char>(text_[at_]) >= 0x20) {
            ++at_;
        }
    }

    // At a backslash.
    bool take_escape() {
        constexpr std::string_view kLetters = "\"\\/bfnrt";
        constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
        ++at_;
        const char letter = at_ < text_.size() ? text_[at_++] : '\0';
        if (letter == 'u') {
            return take_code_point();
        }
        const std::size_t index = kLetters.find(letter);
        if (index == std::string_view::npos) {
            return false;
        }
        decoded_ += kMeanings[index];
        return true;
    }

    // Behind `\u`. A pair of surrogates is one code point; a lone one is refused.
    bool take_code_point() {
        unsigned code = take_unit();
        if (code >= 0xD800 && code <= 0xDBFF) {
            const unsigned low = take('\\') && take('u') ? take_unit() : kNoUnit;
            if (low < 0xDC00 || low > 0xDFFF) {
                return false;
            }
            code = 0x10000 + ((code - 0xD800) << 10u) + (low - 0xDC00);
        } else if (code == kNoUnit || (code >= 0xDC00 && code <= 0xDFFF)) {
            return false;
        }
        const auto put = [this](unsigned byte) { decoded_ += static_cast<char>(byte); };
        if (code < 0x80) {
            put(code);
            return true;
        }
        if (code < 0x800) {
            put(0xC0u | code >> 6u);
        } else {
            if (code < 0x10000) {
                put(0xE0u | code >> 12u);
            } else {
                put(0xF0u | code >> 18u);
                put(0x80u | (code >> 12u & 0x3Fu));
            }
            put(0x80u | (code >> 6u & 0x3Fu));
        }
        put(0x80u | (code & 0x3Fu));
        return true;
    }

    static constexpr unsigned kNoUnit = 0x110000;

    // Four hex digits.
    unsigned take_unit() {
        unsigned unit = 0;
        for (int i = 0; i < 4; ++i) {
            const char digit = at_ < text_.size() ? text_[at_++] : '\0';
            if (digit >= '0' && digit <= '9') {
                unit = unit * 16 + static_cast<unsigned>(digit - '0');
            } else if ((digit >= 'a' && digit <= 'f') || (digit >= 'A' && digit <= 'F')) {
                unit = unit * 16 + static_cast<unsigned>((digit | 0x20) - 'a') + 10;
            } else {
                return kNoUnit;
            }
        }
        return unit;
    }

    // How many digits stand here.
    std::size_t take_digits() {
        const std::size_t begin = at_;
        while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
            ++at_;
        }
        return at_ - begin;
    }

    bool take_number() {
        const std::size_t begin = at_;
        take('-');
        if (!take('0') && take_digits() == 0) {
            return false;
        }
        if (take('.') && take_digits() == 0) {
            return false;
        }
        if (at_ - begin > kDigitsMax) {
            return false;
        }
        if (take('e') || take('E')) {
            if (!take('+')) {
                take('-');
            }
            const std::size_t digits = take_digits();
            return digits > 0 && digits <= kExponentDigitsMax && at_ - begin <= kDigitsMax / 2;
        }
        return true;
    }

    const std::string_view text_;
    Events& events_;
    std::size_t at_ = 0;
    std::string open_;  // what closes each open container
    std::string decoded_;
    std::string_view content_;
    bool is_after_value_ = false;
};

}  // namespace gateway::request
