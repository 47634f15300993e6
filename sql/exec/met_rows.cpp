#include "sql/exec/met_rows.h"

#include <type_traits>
#include <variant>

namespace sql::exec {
namespace {

void append_bytes(std::string& out, const void* bytes, std::size_t size) {
    out.append(reinterpret_cast<const char*>(&size), sizeof size);
    out.append(static_cast<const char*>(bytes), size);
}

}  // namespace

void append_cell(std::string& out, const schemas::Value& cell) {
    out += static_cast<char>(cell.index());
    std::visit(
        [&out](const auto& held) {
            using Held = std::decay_t<decltype(held)>;
            if constexpr (std::is_same_v<Held, schemas::Text>) {
                append_bytes(out, held.text.data(), held.text.size());
            } else if constexpr (std::is_same_v<Held, schemas::Bytes>) {
                append_bytes(out, held.bytes.data(), held.bytes.size());
            } else if constexpr (!std::is_same_v<Held, schemas::Null>) {
                append_bytes(out, &held, sizeof held);
            }
        },
        cell);
}

std::pair<RowId, bool> MetRows::find_or_add(std::size_t table, std::span<const schemas::Value> cells) {
    std::string identity;
    for (const schemas::Value& value : cells) {
        append_cell(identity, value);
    }
    Rows& rows = tables_[table];
    const auto [place, is_new] = rows.by_identity.emplace(std::move(identity), static_cast<RowId>(rows_.size()));
    if (is_new) {
        MetRow& row = rows_.emplace_back();
        row.table = table;
        row.first = rows.cells.size();
        rows.cells.insert(rows.cells.end(), cells.begin(), cells.end());
    }
    return {place->second, is_new};
}

bool MetRows::has_way_longer_than(std::size_t depth) const {
    if (rows_.size() <= depth) {
        return false;
    }
    std::vector<std::size_t> reached(rows_.size(), 0);
    for (bool is_changing = true; is_changing;) {
        is_changing = false;
        for (const auto& [parent, child] : edges_) {
            if (reached[child] < reached[parent] + 1) {
                reached[child] = reached[parent] + 1;
                is_changing = true;
                if (reached[child] > depth) {
                    return true;
                }
            }
        }
    }
    return false;
}

}  // namespace sql::exec
