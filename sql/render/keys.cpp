#include "sql/render/keys.h"

#include <algorithm>
#include <utility>

#include "sql/render/check.h"

namespace sql::render {
namespace {

// What a statement may hold besides: its limit, the proof of its version.
constexpr std::size_t kPlaceholdersBeside = 16;
// No dialect writes a value more often.
constexpr std::size_t kPlaceholdersAValue = 2;

std::size_t count_values(const std::vector<plan::Predicate>& predicates) {
    std::size_t count = 0;
    for (const plan::Predicate& predicate : predicates) {
        count += predicate.kind == plan::PredicateKind::key_in ? 0 : predicate.values.size();
    }
    return count;
}

}  // namespace

void write_key_list(Writer& writer, const Dialect& dialect, const schemas::Table& table, std::span<const schemas::Value> values) {
    dialect.keys(writer, key_columns(table), values);
}

std::vector<std::vector<plan::Predicate>> split_keys(const std::vector<plan::Predicate>& where, const plan::RowFilters& one_of,
                                                     std::size_t placeholders_max, const schemas::Table& table) {
    const auto largest = std::max_element(where.begin(), where.end(), [](const plan::Predicate& a, const plan::Predicate& b) {
        const auto keys_of = [](const plan::Predicate& one) { return one.kind == plan::PredicateKind::key_in ? one.values.size() : 0; };
        return keys_of(a) < keys_of(b);
    });
    if (largest == where.end() || largest->kind != plan::PredicateKind::key_in) {
        return {};
    }
    std::size_t others = count_values(where);
    for (const std::vector<plan::Predicate>& filter : one_of) {
        others += count_values(filter);
    }
    others = others * kPlaceholdersAValue + kPlaceholdersBeside;
    for (const plan::Predicate& predicate : where) {
        others += predicate.kind == plan::PredicateKind::key_in && &predicate != &*largest ? predicate.values.size() : 0;
    }
    const std::size_t width = table.primary_key->columns.size();
    const std::size_t room = others < placeholders_max ? (placeholders_max - others) / width * width : 0;
    if (largest->values.size() + others <= placeholders_max || room == 0) {
        return {};
    }
    std::vector<std::vector<plan::Predicate>> parts;
    for (std::size_t begin = 0; begin < largest->values.size(); begin += room) {
        const std::size_t size = std::min(room, largest->values.size() - begin);
        std::vector<plan::Predicate>& part = parts.emplace_back();
        part.reserve(where.size());
        for (const plan::Predicate& predicate : where) {
            if (&predicate != &*largest) {
                part.push_back(predicate);
                continue;
            }
            const auto first = largest->values.begin() + static_cast<std::ptrdiff_t>(begin);
            part.push_back({largest->column, largest->kind, {first, first + static_cast<std::ptrdiff_t>(size)}});
        }
    }
    return parts;
}

}  // namespace sql::render
