#include "sql/exec/key_tree.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "schemas/computed.h"
#include "sql/exec/keys.h"
#include "sql/render/children.h"

namespace sql::exec {
namespace {

using schemas::ReferentialAction;

// Keys from the written table down: the rows of each but the last go, and so on.
using Path = std::vector<std::size_t>;

std::vector<std::size_t> columns_at(const MapTable& table, const std::vector<std::size_t>& places) {
    std::vector<std::size_t> columns;
    for (const std::size_t place : places) {
        columns.push_back(table.columns[place]);
    }
    return columns;
}

bool leads_on(const ReferenceMap& map, const MapKey& key) {
    return std::any_of(map.keys.begin(), map.keys.end(), [&](const MapKey& next) {
        return next.parent == key.child && std::any_of(next.parent_columns.begin(), next.parent_columns.end(), [&](std::size_t place) {
                   return std::find(key.child_columns.begin(), key.child_columns.end(), place) != key.child_columns.end();
               });
    });
}

class Tree {
public:
    Tree(const ReferenceMap& map, const render::CascadeRules& rules) : map_(map), rules_(rules) {}

    // Every key that a delete follows, or nothing when one of them does not belong into a tree.
    std::optional<std::vector<Path>> paths() {
        std::vector<bool> is_met(map_.tables.size(), false);
        is_met.front() = true;
        for (const MapKey& key : map_.keys) {
            if (is_met[key.child]) {
                return std::nullopt;
            }
            is_met[key.child] = true;
        }
        return rules_.compares_as_columns && grow(0, {}) ? std::optional(std::move(paths_)) : std::nullopt;
    }

private:
    bool grow(std::size_t table, const Path& path) {
        if (path.size() >= rules_.depth_max) {
            return false;
        }
        for (std::size_t i = 0; i < map_.keys.size(); ++i) {
            const MapKey& key = map_.keys[i];
            if (key.parent != table) {
                continue;
            }
            const MapTable& parent = map_.tables[key.parent];
            Path longer = path;
            longer.push_back(i);
            if (!parent.is_unique(columns_at(parent, key.parent_columns)) || !is_simple(key)) {
                return false;
            }
            if (key.key.on_delete == ReferentialAction::cascade && !grow(key.child, longer)) {
                return false;
            }
            paths_.push_back(std::move(longer));
        }
        return true;
    }

    [[nodiscard]] bool is_simple(const MapKey& key) const {
        switch (key.key.on_delete) {
            case ReferentialAction::no_action:
            case ReferentialAction::restrict:
            case ReferentialAction::cascade:
                return true;
            case ReferentialAction::set_null:
                return !rules_.null_may_be_refused && !leads_on(map_, key);
            case ReferentialAction::set_default:
                return false;
        }
        return false;
    }

    const ReferenceMap& map_;
    const render::CascadeRules& rules_;
    std::vector<Path> paths_;
};

DbResult<std::uint64_t> read_count(Connection& connection, const render::Statement& statement, Deadline deadline) {
    static const schemas::Column kCount = schemas::computed_column(schemas::TypeClass::integer);
    KeyRows count;
    if (auto done = connection.query(statement, {&kCount}, deadline, count); !done) {
        return tl::unexpected(std::move(done.error()));
    }
    const auto* const rows = count.values().empty() ? nullptr : std::get_if<std::int64_t>(&count.values().front());
    if (rows == nullptr) {
        return tl::unexpected(DbError{DbFault::unknown, Fate::keep, {}, {}, "a count came without a number"});
    }
    return static_cast<std::uint64_t>(*rows);
}

}  // namespace

DbResult<std::optional<Consequences>> consequences_in_tree(Connection& connection, const render::Dialect& dialect, const ReferenceMap& map,
                                                           const plan::Plan& plan, Deadline deadline) {
    const auto* const erase = std::get_if<plan::DeletePlan>(&plan);
    const render::CascadeRules rules = dialect.cascade_rules();
    const auto paths = erase != nullptr && !erase->precautions.limit ? Tree(map, rules).paths() : std::nullopt;
    if (!paths) {
        return std::nullopt;
    }
    Consequences found;
    for (const Path& path : *paths) {
        // The columns that the steps view.
        std::vector<std::vector<std::size_t>> columns;
        std::vector<render::Children> steps;
        columns.reserve(2 * path.size());
        for (const std::size_t i : path) {
            const MapKey& key = map.keys[i];
            columns.push_back(columns_at(map.tables[key.child], key.child_columns));
            columns.push_back(columns_at(map.tables[key.parent], key.parent_columns));
            steps.push_back({*map.tables[key.child].table, {}, columns[columns.size() - 2], *map.tables[key.parent].table, columns.back()});
        }
        const auto statement = render::render_count_of_children(*erase, steps, dialect, !erase->precautions.is_preview);
        if (!statement) {
            return std::nullopt;
        }
        const auto rows = read_count(connection, *statement, deadline);
        if (!rows) {
            return tl::unexpected(rows.error());
        }
        if (*rows == 0) {
            continue;
        }
        const ReferentialAction action = map.keys[path.back()].key.on_delete;
        if (action == ReferentialAction::no_action || action == ReferentialAction::restrict) {
            found.obstacles.push_back({path.back(), action, *rows});
        } else {
            found.effects.push_back({path.back(), action, *rows});
            found.rows += *rows;
        }
    }
    const auto by_key = [](const Reached& a, const Reached& b) { return a.key < b.key; };
    std::sort(found.effects.begin(), found.effects.end(), by_key);
    std::sort(found.obstacles.begin(), found.obstacles.end(), by_key);
    return found;
}

}  // namespace sql::exec
