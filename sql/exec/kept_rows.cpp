#include "sql/exec/kept_rows.h"

#include <utility>

#include "sql/exec/keys.h"
#include "sql/exec/met_rows.h"

namespace sql::exec {
namespace {

std::string identity_of(std::span<const schemas::Value> key) {
    std::string identity;
    for (const schemas::Value& value : key) {
        append_cell(identity, value);
    }
    return identity;
}

}  // namespace

void KeptRows::row(std::span<const Cell> cells) {
    std::vector<schemas::Value> values;
    values.reserve(cells.size());
    for (const Cell& cell : cells) {
        // A key that only finds the row is no part of the answer.
        bytes_ += values.size() < key_width_ ? 0 : cell.text.size();
        values.push_back(value_of(cell));
    }
    wants_more_ = bytes_ <= bytes_max_;
    by_key_.emplace(identity_of(std::span(values).first(key_width_)), rows_.size());
    rows_.push_back(std::move(values));
}

void KeptRows::restart() {
    rows_.clear();
    by_key_.clear();
    bytes_ = 0;
    wants_more_ = true;
}

void KeptRows::show(std::span<const schemas::Value> keys, RowSink& sink) const {
    std::vector<bool> is_shown(rows_.size(), false);
    std::vector<Cell> cells;
    const auto show_row = [&](std::size_t row) {
        if (is_shown[row] || !sink.wants_more()) {
            return;
        }
        is_shown[row] = true;
        cells.clear();
        for (const schemas::Value& value : std::span(rows_[row]).subspan(key_width_)) {
            cells.push_back(cell_of(value));
        }
        sink.row(cells);
    };
    for (std::size_t at = 0; key_width_ != 0 && at + key_width_ <= keys.size(); at += key_width_) {
        const auto found = by_key_.find(identity_of(keys.subspan(at, key_width_)));
        if (found != by_key_.end()) {
            show_row(found->second);
        }
    }
    for (std::size_t row = 0; row < rows_.size(); ++row) {
        show_row(row);
    }
}

}  // namespace sql::exec
