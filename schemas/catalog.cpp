#include "schemas/catalog.h"

#include <algorithm>
#include <utility>

#include "filters/distance.h"
#include "filters/text.h"

namespace schemas {
namespace {

constexpr std::size_t kNameMax = 256;  // bytes; no database has longer names

}  // namespace

const Column* Table::find(std::string_view column) const {
    const auto found = std::find_if(columns.begin(), columns.end(), [&](const Column& one) { return one.name.text() == column; });
    return found == columns.end() ? nullptr : &*found;
}

std::optional<std::size_t> Table::index_of(std::string_view column) const {
    const Column* found = find(column);
    return found == nullptr ? std::nullopt : std::optional(static_cast<std::size_t>(found - columns.data()));
}

std::optional<std::size_t> Table::auto_increment() const {
    const auto found = std::find_if(columns.begin(), columns.end(), [](const Column& one) { return one.is_auto_increment; });
    return found == columns.end() ? std::nullopt : std::optional(static_cast<std::size_t>(found - columns.begin()));
}

std::string Table::nearest(std::string_view column, const std::vector<bool>* hidden) const {
    if (column.empty() || column.size() > kNameMax) {
        return "";
    }
    const std::size_t near = std::max<std::size_t>(1, filters::count_characters(column) / 3);
    std::size_t best = near + 1;
    std::string nearest_name;
    for (const Column& one : columns) {
        if (hidden != nullptr && (*hidden)[static_cast<std::size_t>(&one - columns.data())]) {
            continue;
        }
        const std::size_t found = filters::edit_distance(column, one.name.text());
        if (found < best) {
            best = found;
            nearest_name = one.name.text();
        }
    }
    return nearest_name;
}

}  // namespace schemas
