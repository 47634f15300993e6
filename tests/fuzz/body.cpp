// Whatever bytes come in: no crash; every cell lies in the body, its raw text is JSON of its kind again, and our own reader and
// RapidJSON agree on all of it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "filters/text.h"
#include "gateway/request/body.h"

namespace {

using gateway::request::BodyShape;
using gateway::request::parse_body;
using sql::plan::Body;
using sql::plan::BodyCell;
using sql::plan::JsonKind;

void require(bool is_true) {
    if (!is_true) {
        std::abort();
    }
}

void require_storage(const Body& body, const BodyCell& cell) {
    require(cell.column < body.columns.size());
    require(cell.position < body.source.size() && cell.size <= body.source.size() - cell.position);
    require(cell.unescaped == BodyCell::kVerbatim || cell.unescaped < body.unescaped.size());
    require(filters::is_utf8(body.text(cell)));
}

void require_rows(const Body& body) {
    require(!body.row_ends.empty() && body.row_ends.size() == body.row_positions.size());
    require(body.row_ends.back() == body.cells.size());
    std::size_t begin = 0;
    for (std::size_t row = 0; row < body.row_ends.size(); ++row) {
        require(body.row_ends[row] > begin);
        require(body.source.at(body.row_positions[row]) == '{');
        for (std::size_t index = begin; index < body.row_ends[row]; ++index) {
            for (std::size_t other = begin; other < index && body.cells.size() < 100; ++other) {
                require(body.cells[other].column != body.cells[index].column);
            }
        }
        begin = body.row_ends[row];
    }
}

// Alone in an object, the raw text of a cell parses to the same cell.
void require_same_again(const Body& body, const BodyCell& cell) {
    const auto again = parse_body("{\"a\":" + std::string(body.raw(cell)) + "}", BodyShape::object, {});
    require(again && again->cells.size() == 1);
    const BodyCell& same = again->cells.front();
    require(same.kind == cell.kind && again->text(same) == body.text(cell) && again->raw(same) == body.raw(cell));
    require(same.position == 5);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(data, data + size);
    const auto object = parse_body(text, BodyShape::object, {});
    const auto body = parse_body(text, BodyShape::object_or_array, {});
    require(!object || body);
    if (!body) {
        require(body.error().position <= size && !body.error().detail.empty());
        require(filters::is_utf8(body.error().detail) && filters::is_utf8(body.error().parameter));
        return 0;
    }
    require(object.has_value() == !body->is_array);
    require_rows(*body);
    for (const std::string& column : body->columns) {
        require(filters::is_utf8(column) && column.find('\0') == std::string::npos);
    }
    for (const BodyCell& cell : body->cells) {
        require_storage(*body, cell);
        require_same_again(*body, cell);
    }
    return 0;
}
