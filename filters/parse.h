// Query string in, tree or one located error out. GRAMMAR.md beside this file is the language in prose.
// Pure: no schema, no SQL, no HTTP status. Called by gateway/request.
#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "filters/ast.h"

namespace filters {

struct Limits {
    std::size_t conditions_max = 64;
    std::size_t list_items_max = 1000;
    std::size_t keys_max = 10'000;
    // ids, confirm, _preview and _no-content are read, as of a request; else they are reported as undelivered, whatever their value.
    bool reads_asks = false;
};

enum class Fault {
    encoding_invalid,  // bad percent escape, invalid UTF-8, NUL
    name_invalid,      // empty name, stray or unclosed quote in a name
    operator_unknown,  // unknown operator, or none at all
    value_invalid,     // bad list, bad bounds, empty pattern, `is.` with something else
    control_unknown,   // a name with `_` in front or a `.` inside that is no control
    control_invalid,   // a control whose value does not parse, or one sent twice
    limit_exceeded,    // more conditions or list items than allowed; the detail names the limit
};

// `detail` is one sentence for the client; `hint` says what to write instead, or is empty.
// `parameter` is the decoded parameter name as sent (quotes kept), or empty where it could not be decoded.
struct ParseError {
    Fault fault = Fault::value_invalid;
    std::string detail;
    std::string hint;
    std::string parameter;
    Position position = 0;
};

// `query` is the raw text after the first `?` of the target (may be empty); `offset` is where it begins in the target,
// so that positions count from the target's first byte. Fails with the first error from the left.
[[nodiscard]] tl::expected<Query, ParseError> parse(std::string_view query, Position offset, const Limits& limits);

// The operator's name as written in a URL ("eq"), and the list of all of them for messages.
[[nodiscard]] std::string_view name_of(Operator op);
[[nodiscard]] std::string operator_list();

}  // namespace filters
