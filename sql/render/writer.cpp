#include "sql/render/writer.h"

#include <charconv>
#include <iterator>

namespace sql::render {

Writer& Writer::ident(const schemas::Ident& name) {
    std::string& text = statement_.text_;
    text += quote_;
    std::string_view rest = name.text();
    for (std::size_t at = rest.find(quote_); at != std::string_view::npos; at = rest.find(quote_)) {
        text += rest.substr(0, at + 1);
        text += quote_;
        rest.remove_prefix(at + 1);
    }
    text += rest;
    text += quote_;
    return *this;
}

Writer& Writer::param(const schemas::Value& value) {
    own_params();
    statement_.text_ += '?';
    statement_.params_.push_back(value);
    return *this;
}

Writer& Writer::param(schemas::Value&& value) {
    own_params();
    statement_.text_ += '?';
    statement_.params_.push_back(std::move(value));
    return *this;
}

Writer& Writer::param_in_place(const schemas::Value& value) {
    if (!statement_.params_.empty()) {
        return param(value);
    }
    statement_.text_ += '?';
    statement_.params_in_place_.push_back(&value);
    return *this;
}

// A statement whose values are of both sorts owns them all.
void Writer::own_params() {
    if (!statement_.params_.empty()) {
        return;
    }
    statement_.params_.reserve(statement_.params_in_place_.size() + kParamsUsual);
    for (const schemas::Value* value : statement_.params_in_place_) {
        statement_.params_.push_back(*value);
    }
    statement_.params_in_place_.clear();
}

void Writer::reserve(std::size_t text_bytes, std::size_t params) {
    statement_.text_.reserve(text_bytes);
    statement_.params_in_place_.reserve(params);
}

Writer& Writer::number(std::uint64_t value) {
    char digits[20];
    const std::to_chars_result end = std::to_chars(std::begin(digits), std::end(digits), value);
    statement_.text_.append(std::begin(digits), end.ptr);
    return *this;
}

}  // namespace sql::render
