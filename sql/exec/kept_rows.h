// Rows that were read by their keys, kept until they can be shown in the order in which the keys were asked for: that of the request,
// which statements of several keys do not keep. Private to this folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "schemas/value.h"
#include "sql/exec/row.h"

namespace sql::exec {

class KeptRows final : public RowSink {
public:
    // The first `key_width` cells of each row are its key. No more is read once the other cells' text is more than bytes_max: no
    // answer of them could be smaller. How many rows there are is for the caller to bound.
    KeptRows(std::size_t key_width, std::size_t bytes_max) : key_width_(key_width), bytes_max_(bytes_max) {}

    void row(std::span<const Cell> cells) override;
    // Never called: rows of a transaction are not read twice.
    void restart() override;

    [[nodiscard]] bool is_too_large() const { return !wants_more_; }
    // Each row once, without its key; those of `keys` (one key's values after another) first, in that order. A row whose key the
    // database writes in another way than it was asked for comes behind them.
    void show(std::span<const schemas::Value> keys, RowSink& sink) const;

private:
    std::size_t key_width_;
    std::size_t bytes_max_;
    std::size_t bytes_ = 0;
    std::vector<std::vector<schemas::Value>> rows_;
    std::unordered_map<std::string, std::size_t> by_key_;
};

}  // namespace sql::exec
