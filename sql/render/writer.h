// The only way into SQL text: keyword(literal of ours) | ident(catalog name) | param(value).
// `SqlLiteral` has a consteval constructor, so a run-time string cannot become SQL; tests/compile_fail proves it.
// Used by render, by the dialects and by the backends' own statements.
#pragma once

#include <cstdint>
#include <span>
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

// The values for a statement's placeholders, in order. A view: lives no longer than the statement.
class Params {
public:
    class Iterator {
    public:
        Iterator(const Params& params, std::size_t index) : params_(&params), index_(index) {}
        const schemas::Value& operator*() const { return (*params_)[index_]; }
        Iterator& operator++() {
            ++index_;
            return *this;
        }
        friend bool operator==(const Iterator& a, const Iterator& b) { return a.index_ == b.index_; }

    private:
        const Params* params_;
        std::size_t index_;
    };

    Params(std::span<const schemas::Value> owned, std::span<const schemas::Value* const> in_place)
        : owned_(owned), in_place_(in_place) {}

    [[nodiscard]] std::size_t size() const { return owned_.size() + in_place_.size(); }
    [[nodiscard]] const schemas::Value& operator[](std::size_t i) const { return in_place_.empty() ? owned_[i] : *in_place_[i]; }
    [[nodiscard]] Iterator begin() const { return {*this, 0}; }
    [[nodiscard]] Iterator end() const { return {*this, size()}; }

private:
    std::span<const schemas::Value> owned_;  // one of the two is empty
    std::span<const schemas::Value* const> in_place_;
};

// One statement: text of literals, catalog names and `?`, and the values for the placeholders in order.
// Only Writer makes one. The values of an INSERT of many rows stay where the plan has them: see Program::plan.
class Statement {
public:
    [[nodiscard]] const std::string& text() const { return text_; }
    [[nodiscard]] Params params() const { return {params_, params_in_place_}; }
    // Another value of the same kind for one of the placeholders: the statement is asked again. Of one that owns its values.
    void replace_param(std::size_t index, schemas::Value value) { params_.at(index) = std::move(value); }
    [[nodiscard]] bool owns_params() const { return params_in_place_.empty(); }

private:
    friend class Writer;
    std::string text_;
    std::vector<schemas::Value> params_;
    std::vector<const schemas::Value*> params_in_place_;  // instead of params_
};

enum class Quote : char { backtick = '`', double_quote = '"' };

class Writer {
public:
    explicit Writer(Quote quote) : quote_(static_cast<char>(quote)) { statement_.text_.reserve(kTextUsual); }

    Writer& keyword(SqlLiteral literal) {
        statement_.text_ += literal.text();
        return *this;
    }
    // Quoted, the quote character doubled.
    Writer& ident(const schemas::Ident& name);
    // A `?` and its value.
    Writer& param(const schemas::Value& value);
    Writer& param(schemas::Value&& value);
    // The same for a value of the plan: it is not copied, and must live as long as the statement.
    Writer& param_in_place(const schemas::Value& value);
    // Room for a long statement.
    void reserve(std::size_t text_bytes, std::size_t params);
    // A small number of ours, as digits: a precision or scale from the catalog.
    Writer& number(std::uint64_t value);

    [[nodiscard]] Statement finish() && { return std::move(statement_); }

private:
    static constexpr std::size_t kTextUsual = 256;
    static constexpr std::size_t kParamsUsual = 8;

    void own_params();

    char quote_;
    Statement statement_;
};

}  // namespace sql::render
