// The only way into SQL text: keyword(literal of ours) | ident(catalog name) | param(value).
// `SqlLiteral` has a consteval constructor, so a run-time string cannot become SQL; tests/compile_fail proves it.
// Used by render, by the dialects and by the backends' own statements.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/ident.h"
#include "schemas/value.h"

namespace sql::render {

// Text that stood in our source when we compiled.
class SqlLiteral {
public:
    template <std::size_t N>
    consteval SqlLiteral(const char (&text)[N]) : text_(text, N - 1) {}  // NOLINT(google-explicit-constructor)
    [[nodiscard]] constexpr std::string_view text() const { return text_; }

private:
    std::string_view text_;
};

// One statement: text of literals, catalog names and `?`, and the values for the placeholders in order.
// Only Writer makes one.
class Statement {
public:
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] const std::vector<schemas::Value>& params() const { return params_; }

private:
    friend class Writer;
    std::string text_;
    std::vector<schemas::Value> params_;
};

enum class Quote : char { backtick = '`', double_quote = '"' };

class Writer {
public:
    explicit Writer(Quote quote) : quote_(static_cast<char>(quote)) {}

    Writer& keyword(SqlLiteral literal) {
        statement_.text_ += literal.text();
        return *this;
    }
    // Quoted, the quote character doubled.
    Writer& ident(const schemas::Ident& name);
    // A `?` and its value.
    Writer& param(schemas::Value value);
    // A small number of ours, as digits: a precision or scale from the catalog.
    Writer& number(std::uint64_t value);

    [[nodiscard]] Statement finish() && { return std::move(statement_); }

private:
    char quote_;
    Statement statement_;
};

}  // namespace sql::render
