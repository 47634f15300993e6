#include "schemas/catalog.h"

#include <algorithm>
#include <utility>

namespace schemas {
namespace {

constexpr std::size_t kNameMax = 256;  // bytes; no database has longer names

// Bytes that begin a character stand for it; what follows them is folded in, which is enough to tell characters apart.
std::u32string characters(std::string_view text) {
    std::u32string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (!out.empty() && (byte & 0xc0) == 0x80) {
            out.back() = (out.back() << 8) | byte;
        } else {
            out.push_back(byte);
        }
    }
    return out;
}

// Optimal string alignment: insertions, deletions, substitutions, and swaps of neighbours, one each.
std::size_t distance(const std::u32string& a, const std::u32string& b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> previous(b.size() + 1);
    std::vector<std::size_t> current(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        previous[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        current[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t substituted = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            current[j] = std::min({previous[j] + 1, current[j - 1] + 1, substituted});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                current[j] = std::min(current[j], before[j - 2] + 1);
            }
        }
        std::swap(before, previous);
        std::swap(previous, current);
    }
    return previous[b.size()];
}

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

std::string Table::nearest(std::string_view column) const {
    if (column.empty() || column.size() > kNameMax) {
        return "";
    }
    const std::u32string asked = characters(column);
    const std::size_t near = std::max<std::size_t>(1, asked.size() / 3);
    std::size_t best = near + 1;
    std::string nearest_name;
    for (const Column& one : columns) {
        const std::size_t found = distance(asked, characters(one.name.text()));
        if (found < best) {
            best = found;
            nearest_name = one.name.text();
        }
    }
    return nearest_name;
}

}  // namespace schemas
