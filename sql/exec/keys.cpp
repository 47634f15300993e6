#include "sql/exec/keys.h"

#include <limits>
#include <string>
#include <utility>
#include <variant>

namespace sql::exec {
namespace {

struct AsCell {
    Cell operator()(const schemas::Null&) const { return {}; }
    Cell operator()(std::int64_t number) const {
        Cell cell;
        cell.kind = Cell::Kind::integer;
        cell.integer = number;
        return cell;
    }
    Cell operator()(std::uint64_t number) const {
        Cell cell;
        cell.kind = Cell::Kind::unsigned_integer;
        cell.unsigned_integer = number;
        return cell;
    }
    Cell operator()(double number) const {
        Cell cell;
        cell.kind = Cell::Kind::real;
        cell.real = number;
        return cell;
    }
    Cell operator()(const schemas::Text& text) const {
        Cell cell;
        cell.kind = Cell::Kind::text;
        cell.text = text.text;
        return cell;
    }
    Cell operator()(const schemas::Bytes& bytes) const {
        Cell cell;
        cell.kind = Cell::Kind::bytes;
        cell.text = bytes.bytes;
        return cell;
    }
};

}  // namespace

Cell cell_of(const schemas::Value& value) {
    return std::visit(AsCell{}, value);
}

schemas::Value value_of(const Cell& cell) {
    switch (cell.kind) {
        case Cell::Kind::null:
            return schemas::Null{};
        case Cell::Kind::integer:
            return cell.integer;
        case Cell::Kind::unsigned_integer:
            // By contract of schemas::Value the unsigned alternative is for what the signed one does not hold.
            if (std::in_range<std::int64_t>(cell.unsigned_integer)) {
                return static_cast<std::int64_t>(cell.unsigned_integer);
            }
            return cell.unsigned_integer;
        case Cell::Kind::real:
            return cell.real;
        case Cell::Kind::text:
            return schemas::Text{std::string(cell.text)};
        case Cell::Kind::bytes:
            return schemas::Bytes{std::string(cell.text)};
    }
    return schemas::Null{};
}

void KeyRows::row(std::span<const Cell> cells) {
    if (++rows_ > kRowsMax) {
        return;
    }
    for (const Cell& cell : cells) {
        values_.push_back(value_of(cell));
    }
}

void KeyRows::restart() {
    rows_ = 0;
    values_.clear();
}

}  // namespace sql::exec
