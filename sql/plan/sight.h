// Which columns of a table exist for a caller: a hidden one is refused in the very words that a missing one is.
// It says nothing of what may be done with a column that exists; that is the guard's. Made by the binding of a policy, read by bind.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "schemas/catalog.h"

namespace sql::plan {

// The columns that are hidden in one use; none by default.
class Hidden {
public:
    Hidden() = default;
    // One flag a column.
    explicit Hidden(std::vector<bool> flags) : flags_(std::move(flags)) {}

    [[nodiscard]] bool contains(std::size_t column) const { return !flags_.empty() && flags_[column]; }
    // Null when nothing is hidden.
    [[nodiscard]] const std::vector<bool>* flags() const { return flags_.empty() ? nullptr : &flags_; }
    // The column of this name, unless it is hidden.
    [[nodiscard]] std::optional<std::size_t> find(const schemas::Table& table, std::string_view name) const {
        const auto index = table.index_of(name);
        return index && contains(*index) ? std::nullopt : index;
    }

private:
    std::vector<bool> flags_;
};

struct Sight {
    Hidden in_select;
    Hidden in_filter;  // and in order
    Hidden in_body;
    std::vector<bool> filled_in;  // columns that a grant gives a value to, so that an insert may leave them out; empty: none
};

// Everything exists.
inline const Sight kClearSight{};

}  // namespace sql::plan
