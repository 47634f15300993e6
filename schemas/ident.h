// A name that the database itself told us: the only kind of name that may enter SQL text.
// Made by `schemas::build` from introspection rows, never from a request; tests/check counts the callers.
#pragma once

#include <string>
#include <utility>

namespace schemas {

class Ident {
public:
    // Only for names read from a database's own catalog, or written by the operator in the registry.
    [[nodiscard]] static Ident from_catalog(std::string name) { return Ident(std::move(name)); }

    [[nodiscard]] const std::string& text() const { return text_; }
    friend bool operator==(const Ident& a, const Ident& b) { return a.text_ == b.text_; }

private:
    explicit Ident(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

}  // namespace schemas
