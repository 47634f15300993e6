// What the client asked for, in names and text: not yet checked against any schema.
// Made by gateway/request, consumed by bind. Names and literals here never reach SQL.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "filters/ast.h"

namespace sql::plan {

enum class Verb { read, insert, update, erase };

enum class JsonKind { null, boolean, number, string, object, array };

// One member of a row object. `text` views into the Body that owns the cell: a string's unescaped content (valid UTF-8),
// else the JSON text exactly as sent. `position` is the byte offset in the body where the value begins.
struct BodyCell {
    std::uint32_t column = 0;  // index into Body::columns
    std::uint32_t position = 0;
    JsonKind kind = JsonKind::null;
    std::string_view text;
    std::string_view raw;  // the JSON text exactly as sent, quotes included; what a JSON column stores
};

// A parsed body: rows of cells, flat. Movable, not copyable, for the cells view into its own storage.
struct Body {
    Body() = default;
    Body(Body&&) = default;
    Body& operator=(Body&&) = default;
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;

    std::vector<std::string> columns;  // distinct member names in order of appearance
    std::vector<BodyCell> cells;
    std::vector<std::size_t> row_ends;  // row i is cells [row_ends[i-1], row_ends[i])
    std::vector<std::uint32_t> row_positions;
    bool is_array = false;

    std::vector<char> source;           // the body's bytes; a vector keeps its buffer when moved
    std::deque<std::string> unescaped;  // strings that held escapes; a deque keeps its elements when moved
};

struct Intent {
    Verb verb = Verb::read;
    filters::Query query;
    Body body;  // insert: one row or more; update: exactly one
};

}  // namespace sql::plan
