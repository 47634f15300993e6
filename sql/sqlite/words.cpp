#include "sql/sqlite/words.h"

#include <algorithm>

namespace sql::sqlite {
namespace {

bool is_word_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           static_cast<unsigned char>(c) >= 0x80;
}

bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

}  // namespace

std::string Words::next() {
    skip_blanks();
    if (rest_.empty()) {
        return {};
    }
    std::size_t size = 1;
    if (is_word_byte(rest_[0])) {
        size = static_cast<std::size_t>(std::find_if_not(rest_.begin(), rest_.end(), is_word_byte) - rest_.begin());
    }
    std::string word(rest_.substr(0, size));
    const char first = rest_[0];
    rest_.remove_prefix(size);
    if (first == '\'' || first == '"' || first == '`') {
        // A doubled quote ends one string and begins the next: the same for us.
        skip_past(std::string_view(&first, 1));
    } else if (first == '[') {
        skip_past("]");
    }
    std::transform(word.begin(), word.end(), word.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return word;
}

void Words::skip_past(std::string_view end) {
    const auto at = rest_.find(end);
    rest_.remove_prefix(at == std::string_view::npos ? rest_.size() : at + end.size());
}

void Words::skip_blanks() {
    while (!rest_.empty()) {
        if (is_space(rest_[0])) {
            rest_.remove_prefix(1);
        } else if (rest_.starts_with("--")) {
            skip_past("\n");
        } else if (rest_.starts_with("/*")) {
            rest_.remove_prefix(2);
            skip_past("*/");
        } else {
            return;
        }
    }
}

}  // namespace sql::sqlite
