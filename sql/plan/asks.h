// What a request asks beside its rows: by headers, by preferences and by the controls that only a write knows. And the ways to
// name rows by key that are no conditions of the filter language. Pure data, not yet checked against any table.
// Made by gateway/request, carried by Intent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "filters/ast.h"

namespace sql::plan {

enum class JsonKind : std::uint8_t { null, boolean, number, string, object, array };

// The `{key}` segment of the path as it was sent: into how many parts it is to be split only the table knows.
struct PathKey {
    std::string raw;
    filters::Position position = 0;
};

// One value of a key in a body: its text (a string's content, else the JSON text) and what it was written as.
struct KeyPart {
    filters::Literal literal;
    JsonKind kind = JsonKind::null;  // never object or array
};

// The keys of a body, flat: key i is parts [ends[i-1], ends[i]). At least one key, and no key without a part.
struct BodyKeys {
    std::vector<KeyPart> parts;
    std::vector<std::size_t> ends;
    std::vector<filters::Position> positions;  // where each key begins in the body
};

// What a write's answer holds.
enum class Return {
    unsaid,          // how many rows
    minimal,         // nothing: 204
    representation,  // the rows
    headers_only,    // Location alone
};

struct Asks {
    Return answer = Return::unsaid;
    std::optional<std::uint64_t> affected_max;  // 412 when more rows would be
    bool is_preview = false;                    // nothing is to be changed
    bool is_confirmed = false;
    bool removes_all = false;  // a filter that matches many rows is meant to
    std::string token;         // of a preview; empty: none
    // The preferences behind all this as Preference-Applied says them, should they be honoured; empty: none was sent.
    std::string preferences;
};

// What stands for a table whatever a request asks: of all that the caller's grants, his key's and the tenant's caps say, the
// strictest of each. Made by gateway/tenants for a write, met with Asks by bind.
struct Standing {
    std::optional<std::uint64_t> affected_max;  // rows that a write names and those that foreign keys take along
    std::optional<std::uint64_t> cascaded_max;  // of the latter alone
    bool deletes_one = false;                   // a filter that matches more rows is refused, unless the request says that it is meant
    bool needs_confirmation = false;            // of a delete
    bool missing_is_ok = false;                 // a delete by key of a row that is not there is no error
};

}  // namespace sql::plan
