// The tree that the URL's query string becomes: names and literal text, nothing resolved.
// It knows no schema, no SQL and no HTTP; `sql::plan::bind` is the first to give it meaning.
// Every part carries where it stood, so that a later stage can point at it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace filters {

// Zero-based byte offset in the request target as it was sent (before percent-decoding).
using Position = std::size_t;

enum class Operator { eq, ne, lt, gt, le, ge, bw, in, nin, li, rli, lli, is };

// One value as the client wrote it, percent-decoded and unquoted; valid UTF-8 without NUL.
struct Literal {
    std::string text;
    Position position = 0;
};

// `column=operator.values`. How many values: in and nin one or more; bw exactly two (low, high);
// is none (`is_negated` tells `is.null` from `not.is.null`); every other operator exactly one.
struct Condition {
    std::string column;
    Position position = 0;
    Operator op = Operator::eq;
    bool is_negated = false;
    std::vector<Literal> values;
};

enum class Direction { ascending, descending };

struct OrderTerm {
    std::string column;
    Position position = 0;
    Direction direction = Direction::ascending;
};

struct SelectTerm {
    std::string column;
    Position position = 0;
};

struct Count {
    std::uint64_t value = 0;
    Position position = 0;
};

// `ids=1,2,3`: the rows with one of these primary keys, a key being one column. One item or more.
struct Ids {
    std::vector<Literal> items;
    Position position = 0;
};

// A control that the grammar knows and this version does not yet carry out (`ids`, `or`, …).
struct Undelivered {
    std::string name;
    Position position = 0;
    bool is_condition = false;  // would have narrowed the rows: ids, or, and, not, any, all, having
};

// The whole query string. An empty `select` means every column (also written `select=*`).
struct Query {
    std::vector<Condition> where;
    std::vector<SelectTerm> select;
    std::optional<Position> select_position;  // set when `select` was sent at all
    std::vector<OrderTerm> order;
    std::optional<Position> order_position;
    std::optional<Count> limit;
    std::optional<Count> offset;
    std::optional<Ids> ids;
    // `=true` was sent, and where.
    std::optional<Position> confirm;
    std::optional<Position> preview;
    std::optional<Position> no_content;
    std::vector<Undelivered> undelivered;
};

}  // namespace filters
