// The rows that are met while foreign keys are followed: each once, however many keys lead to it, with what becomes of it and who
// leads to whom. It knows cells and numbers, no foreign keys. Private to this folder; filled by cascade.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "schemas/value.h"

namespace sql::exec {

using RowId = std::uint32_t;

struct MetRow {
    std::size_t table = 0;
    std::size_t first = 0;    // its first cell among the table's
    std::uint64_t copies = 1;  // rows in which all that is read is equal
    bool is_own = false;       // the write itself names it
    bool is_deleted = false;
    std::vector<std::size_t> changed_by;  // numbers of keys
};

// Bytes that are equal for equal cells, and for no others.
void append_cell(std::string& out, const schemas::Value& cell);

class MetRows {
public:
    explicit MetRows(std::size_t tables) : tables_(tables) {}

    // The row with these cells, and whether it is new.
    std::pair<RowId, bool> find_or_add(std::size_t table, std::span<const schemas::Value> cells);
    [[nodiscard]] MetRow& operator[](RowId id) { return rows_[id]; }
    [[nodiscard]] const MetRow& operator[](RowId id) const { return rows_[id]; }
    [[nodiscard]] const schemas::Value& cell(RowId id, std::size_t place) const {
        return tables_[rows_[id].table].cells[rows_[id].first + place];
    }
    [[nodiscard]] const std::vector<MetRow>& all() const { return rows_; }

    void lead(RowId parent, RowId child) { edges_.emplace_back(parent, child); }
    // Whether there is a way along the edges of more than `depth` steps; round and round counts as one.
    [[nodiscard]] bool has_way_longer_than(std::size_t depth) const;

private:
    struct Rows {
        std::vector<schemas::Value> cells;
        std::unordered_map<std::string, RowId> by_identity;
    };

    std::vector<Rows> tables_;
    std::vector<MetRow> rows_;
    std::vector<std::pair<RowId, RowId>> edges_;
};

}  // namespace sql::exec
