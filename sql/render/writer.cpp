#include "sql/render/writer.h"

#include <charconv>
#include <iterator>

namespace sql::render {

Writer& Writer::ident(const schemas::Ident& name) {
    statement_.text_ += quote_;
    for (const char c : name.text()) {
        if (c == quote_) {
            statement_.text_ += quote_;
        }
        statement_.text_ += c;
    }
    statement_.text_ += quote_;
    return *this;
}

Writer& Writer::param(schemas::Value value) {
    statement_.text_ += '?';
    statement_.params_.push_back(std::move(value));
    return *this;
}

Writer& Writer::number(std::uint64_t value) {
    char digits[20];
    const std::to_chars_result end = std::to_chars(std::begin(digits), std::end(digits), value);
    statement_.text_.append(std::begin(digits), end.ptr);
    return *this;
}

}  // namespace sql::render
