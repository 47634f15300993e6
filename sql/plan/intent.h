// What the client asked for, in names and text: not yet checked against any schema.
// Made by gateway/request, consumed by bind. Names and literals here never reach SQL.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "filters/ast.h"
#include "sql/plan/asks.h"

namespace sql::plan {

enum class Verb { read, insert, update, erase };

// One member of a row object, as places in the Body that owns it: there may be a million of them.
struct BodyCell {
    using Column = std::uint16_t;
    static constexpr std::uint32_t kVerbatim = UINT32_MAX;

    std::uint32_t position = 0;  // byte offset in the body where the value begins
    std::uint32_t size = 0;      // of the JSON text, quotes included
    std::uint32_t unescaped = kVerbatim;  // index into Body::unescaped, for a string that holds escapes
    Column column = 0;                    // index into Body::columns
    JsonKind kind = JsonKind::null;
};

// A parsed body: rows of cells, flat.
struct Body {
    // The JSON text exactly as sent, quotes included; what a JSON column stores. Views into the body.
    [[nodiscard]] std::string_view raw(const BodyCell& cell) const {
        return std::string_view(source).substr(cell.position, cell.size);
    }
    // A string's unescaped content (valid UTF-8), else the JSON text exactly as sent. Views into the body.
    [[nodiscard]] std::string_view text(const BodyCell& cell) const {
        if (cell.unescaped != BodyCell::kVerbatim) {
            return unescaped[cell.unescaped];
        }
        const std::string_view json = raw(cell);
        return cell.kind == JsonKind::string ? json.substr(1, json.size() - 2) : json;
    }

    std::vector<std::string> columns;  // distinct member names in order of appearance
    std::vector<BodyCell> cells;
    std::vector<std::size_t> row_ends;  // row i is cells [row_ends[i-1], row_ends[i])
    std::vector<std::uint32_t> row_positions;
    bool is_array = false;

    std::string source;                  // the body's bytes
    std::vector<std::string> unescaped;  // the strings that held escapes
};

struct Intent {
    Verb verb = Verb::read;
    filters::Query query;
    Body body;  // insert: one row or more; update: exactly one
    // More conditions, joined with AND: of the path and of a body that names rows. Positions of the last two are in that body.
    std::optional<PathKey> key = {};
    std::optional<BodyKeys> body_keys = {};
    std::vector<filters::Condition> body_where = {};
    bool awaits_body = false;  // a body that names rows is still to be read: no other condition is asked for yet
    Asks asks = {};
    Standing standing = {};
};

}  // namespace sql::plan
