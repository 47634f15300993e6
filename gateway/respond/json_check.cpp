#include "gateway/respond/json_check.h"

#include <cstddef>
#include <string>

#include "filters/text.h"

namespace gateway::respond {
namespace {

class Scanner {
public:
    explicit Scanner(std::string_view text) : text_(text) {}

    bool scan() {
        do {
            if (!begin_value()) {
                return false;
            }
            while (is_after_value_) {
                skip_blanks();
                if (open_.empty()) {
                    return at_ == text_.size();
                }
                if (!continue_or_close()) {
                    return false;
                }
            }
        } while (true);
    }

private:
    [[nodiscard]] bool is_at(char c) const { return at_ < text_.size() && text_[at_] == c; }
    bool take(char c) {
        const bool is_there = is_at(c);
        at_ += is_there ? 1 : 0;
        return is_there;
    }
    void skip_blanks() {
        while (is_at(' ') || is_at('\t') || is_at('\n') || is_at('\r')) {
            ++at_;
        }
    }

    // A whole scalar or empty container, or the opening of one that is not empty (a member's name included).
    bool begin_value() {
        skip_blanks();
        is_after_value_ = true;
        if (is_at('{') || is_at('[')) {
            const bool is_object = text_[at_++] == '{';
            skip_blanks();
            if (take(is_object ? '}' : ']')) {
                return true;
            }
            open_ += is_object ? '{' : '[';
            is_after_value_ = false;
            return !is_object || take_name();
        }
        if (is_at('"')) {
            return take_string();
        }
        for (const std::string_view word : {"true", "false", "null"}) {
            if (text_.substr(at_).starts_with(word)) {
                at_ += word.size();
                return true;
            }
        }
        return take_number();
    }

    bool continue_or_close() {
        const bool is_object = open_.back() == '{';
        if (take(is_object ? '}' : ']')) {
            open_.pop_back();
            return true;
        }
        is_after_value_ = false;
        return take(',') && (!is_object || take_name());
    }

    bool take_name() {
        skip_blanks();
        if (!is_at('"') || !take_string()) {
            return false;
        }
        skip_blanks();
        return take(':');
    }

    bool take_string() {
        for (++at_; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '"') {
                ++at_;
                return true;
            }
            if (static_cast<unsigned char>(c) < 0x20) {
                return false;
            }
            if (c == '\\' && !take_escape()) {
                return false;
            }
        }
        return false;
    }

    // Leaves `at_` on the escape's last character.
    bool take_escape() {
        ++at_;
        if (at_ >= text_.size()) {
            return false;
        }
        if (text_[at_] != 'u') {
            return std::string_view("\"\\/bfnrt").find(text_[at_]) != std::string_view::npos;
        }
        const std::string_view hex = text_.substr(at_ + 1, 4);
        at_ += 4;
        return hex.size() == 4 && hex.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
    }

    bool take_digits() {
        const std::size_t begin = at_;
        while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
            ++at_;
        }
        return at_ > begin;
    }

    bool take_number() {
        take('-');
        if (!take('0') && !take_digits()) {
            return false;
        }
        if (take('.') && !take_digits()) {
            return false;
        }
        if (take('e') || take('E')) {
            if (!take('+')) {
                take('-');
            }
            return take_digits();
        }
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::string open_;  // the containers around `at_`
    bool is_after_value_ = false;
};

}  // namespace

bool is_json(std::string_view text) {
    return filters::is_utf8(text) && Scanner(text).scan();
}

}  // namespace gateway::respond
