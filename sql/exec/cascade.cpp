#include "sql/exec/cascade.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "sql/exec/keys.h"
#include "sql/exec/met_rows.h"
#include "sql/render/children.h"

namespace sql::exec {
namespace {

using schemas::ReferentialAction;
using schemas::Value;

// Each fits the next whole number of times: any number of rows takes few statements of few shapes.
constexpr std::size_t kRowCounts[] = {256, 16, 1};

bool is_null(const Value& value) { return std::holds_alternative<schemas::Null>(value); }

bool overlap(const std::vector<std::size_t>& a, const std::vector<std::size_t>& b) {
    return std::any_of(a.begin(), a.end(), [&](std::size_t one) { return std::find(b.begin(), b.end(), one) != b.end(); });
}

constexpr std::size_t kByWrite = static_cast<std::size_t>(-1);  // in MetRow::changed_by

// Rows of one table that something happens to at the same depth.
struct Step {
    std::size_t table = 0;
    std::size_t depth = 0;
    bool is_delete = true;
    std::vector<RowId> rows;
    std::vector<std::optional<Value>> assigned;  // of an update: the new cells, by place
    std::vector<std::size_t> updated;            // tables that the chain of updates has come through
};

class Walk {
public:
    Walk(Connection& connection, const render::Dialect& dialect, const ReferenceMap& map, CascadeLimits limits, Deadline deadline)
        : connection_(connection),
          dialect_(dialect),
          rules_(dialect.cascade_rules()),
          map_(map),
          limits_(limits),
          deadline_(deadline),
          rows_(map.tables.size()),
          reached_(2 * map.keys.size()),
          in_the_way_(2 * map.keys.size()) {
        for (std::size_t i = 0; i < map.tables.size(); ++i) {
            columns_.push_back(map.columns_of(i));
        }
    }

    DbResult<Consequences> run(std::span<const Value> rows, const std::vector<plan::Assignment>* assignments) {
        steps_.push_back(first_step(rows, assignments));
        // Too deep a chain is followed to its end: rows that seem to be in the way may go by its last steps.
        while (!steps_.empty() && !result_.is_cut) {
            const Step step = std::move(steps_.front());
            steps_.pop_front();
            for (std::size_t key = 0; key < map_.keys.size(); ++key) {
                if (map_.keys[key].parent != step.table) {
                    continue;
                }
                if (auto done = follow(step, key); !done) {
                    return tl::unexpected(std::move(done.error()));
                }
            }
        }
        conclude();
        return std::move(result_);
    }

private:
    // Where a key's rows are kept: those of rows that go, and those of rows that change.
    [[nodiscard]] static std::size_t slot(std::size_t key, bool is_delete) { return 2 * key + (is_delete ? 0 : 1); }
    [[nodiscard]] std::size_t width(std::size_t table) const { return map_.tables[table].columns.size(); }
    [[nodiscard]] ReferentialAction action(std::size_t key, bool is_delete) const {
        return is_delete ? map_.keys[key].key.on_delete : map_.keys[key].key.on_update;
    }

    Step first_step(std::span<const Value> cells, const std::vector<plan::Assignment>* assignments) {
        Step step;
        step.is_delete = assignments == nullptr;
        const std::vector<std::size_t>& columns = map_.tables.front().columns;
        if (assignments != nullptr) {
            step.updated.push_back(0);
            step.assigned.resize(columns.size());
            for (const plan::Assignment& assignment : *assignments) {
                const auto place = std::find(columns.begin(), columns.end(), assignment.column);
                if (place != columns.end()) {
                    step.assigned[static_cast<std::size_t>(place - columns.begin())] = assignment.value;
                    own_places_.push_back(static_cast<std::size_t>(place - columns.begin()));
                }
            }
        }
        for (std::size_t at = 0; columns.size() != 0 && at + columns.size() <= cells.size(); at += columns.size()) {
            const auto [id, is_new] = rows_.find_or_add(0, cells.subspan(at, columns.size()));
            MetRow& row = rows_[id];
            row.copies += is_new ? 0 : 1;
            row.is_own = true;
            row.is_deleted = step.is_delete;
            if (is_new) {
                step.rows.push_back(id);
                if (!step.is_delete) {
                    row.changed_by.push_back(kByWrite);
                }
            }
        }
        return step;
    }

    // The rows of the step that somebody may refer to by this key, and whose referred cells go or change.
    [[nodiscard]] std::vector<RowId> let_go(const Step& step, const MapKey& key) const {
        std::vector<RowId> out;
        for (const RowId id : step.rows) {
            const bool refers = std::none_of(key.parent_columns.begin(), key.parent_columns.end(),
                                             [&](std::size_t place) { return is_null(rows_.cell(id, place)); });
            const bool moves = step.is_delete || std::any_of(key.parent_columns.begin(), key.parent_columns.end(), [&](std::size_t place) {
                                   return step.assigned[place] && *step.assigned[place] != rows_.cell(id, place);
                               });
            if (refers && moves) {
                out.push_back(id);
            }
        }
        return out;
    }

    DbResult<void> follow(const Step& step, std::size_t key) {
        const MapKey& link = map_.keys[key];
        const std::vector<RowId> parents = let_go(step, link);
        std::unordered_map<std::string, RowId> parent_by_cells;
        Step next = next_step(step, key);
        std::span<const RowId> rest(parents);
        for (const std::size_t count : kRowCounts) {
            for (; rest.size() >= count && !result_.is_cut; rest = rest.subspan(count)) {
                std::vector<Value> values;
                for (const RowId id : rest.first(count)) {
                    std::string cells;
                    for (const std::size_t place : link.parent_columns) {
                        values.push_back(rows_.cell(id, place));
                        append_cell(cells, values.back());
                    }
                    parent_by_cells.emplace(std::move(cells), id);
                }
                const auto children = read_children(link, values);
                if (!children) {
                    return tl::unexpected(children.error());
                }
                for (const RowId child : *children) {
                    reach(step, key, child, parent_by_cells, next);
                }
                result_.is_cut = result_.is_cut || result_.rows > limits_.rows_max;
            }
        }
        if (!next.rows.empty()) {
            if (next.depth > rules_.depth_max) {
                too_deep_.insert(too_deep_.end(), next.rows.begin(), next.rows.end());
            }
            steps_.push_back(std::move(next));
        }
        return {};
    }

    [[nodiscard]] Step next_step(const Step& step, std::size_t key) const {
        const MapKey& link = map_.keys[key];
        Step next;
        next.table = link.child;
        next.depth = step.depth + 1;
        next.is_delete = step.is_delete && action(key, true) == ReferentialAction::cascade;
        next.updated = step.updated;
        if (next.is_delete) {
            return next;
        }
        next.updated.push_back(link.child);
        next.assigned.resize(width(link.child));
        for (std::size_t part = 0; part < link.child_columns.size(); ++part) {
            std::optional<Value>& assigned = next.assigned[link.child_columns[part]];
            if (action(key, step.is_delete) == ReferentialAction::cascade) {
                assigned = step.assigned[link.parent_columns[part]];
            } else {
                assigned.emplace();  // NULL
            }
        }
        return next;
    }

    DbResult<std::vector<RowId>> read_children(const MapKey& link, std::span<const Value> values) {
        const MapTable& child = map_.tables[link.child];
        const MapTable& parent = map_.tables[link.parent];
        std::vector<std::size_t> child_columns;
        std::vector<std::size_t> parent_columns;
        for (std::size_t part = 0; part < link.child_columns.size(); ++part) {
            child_columns.push_back(child.columns[link.child_columns[part]]);
            parent_columns.push_back(parent.columns[link.parent_columns[part]]);
        }
        const render::Children step{*child.table, child.columns, child_columns, *parent.table, parent_columns, parent.is_unique(parent_columns)};
        KeyRows found;
        if (auto done = connection_.query(render::render_children(step, dialect_, values), columns_[link.child], deadline_, found); !done) {
            return tl::unexpected(std::move(done.error()));
        }
        if (found.is_overfull()) {
            return tl::unexpected(DbError{DbFault::set_too_large, Fate::keep, {}, {}, "more rows refer to these than can be followed"});
        }
        const std::vector<Value> cells = std::move(found).take();
        std::vector<RowId> ids;
        std::unordered_map<RowId, std::uint64_t> copies;
        for (std::size_t at = 0; at < cells.size(); at += child.columns.size()) {
            const auto [id, is_new] = rows_.find_or_add(link.child, std::span<const Value>(cells).subspan(at, child.columns.size()));
            const auto [place, is_first] = copies.emplace(id, is_new ? 1 : 0);
            if (is_first) {
                ids.push_back(id);
            } else if (place->second > 0) {
                ++place->second;  // another row with the same cells: without a primary key, or with NULL in it
            }
        }
        for (const RowId id : ids) {
            rows_[id].copies = std::max(rows_[id].copies, copies[id]);
        }
        if (!ids.empty() && !parent.is_unique(parent_columns)) {
            // InnoDB takes an index that is not unique: a child was found once for each parent, and may keep one of them.
            result_.is_decided = false;
        }
        return ids;
    }

    void reach(const Step& step, std::size_t key, RowId child, const std::unordered_map<std::string, RowId>& parent_by_cells, Step& next) {
        const ReferentialAction what = action(key, step.is_delete);
        MetRow& row = rows_[child];
        const bool is_repeated = std::find(step.updated.begin(), step.updated.end(), row.table) != step.updated.end();
        if (what == ReferentialAction::restrict || what == ReferentialAction::no_action ||
            (!next.is_delete && rules_.updates_a_table_once && is_repeated)) {
            in_the_way_[slot(key, step.is_delete)].push_back(child);
            return;
        }
        const bool is_from_itself = add_edge(key, child, parent_by_cells);
        reached_[slot(key, step.is_delete)].push_back(child);
        if (next.is_delete) {
            if (row.is_own && !is_from_itself) {
                is_own_reached_.push_back(child);
            }
            if (!row.is_deleted) {
                count(row);
                row.is_deleted = true;
                next.rows.push_back(child);
            }
            return;
        }
        if (std::find(row.changed_by.begin(), row.changed_by.end(), key) == row.changed_by.end()) {
            // What else may refuse it: keys and checks of the new value, the default's parent, NOT NULL.
            result_.is_decided = result_.is_decided && what == ReferentialAction::set_null && row.changed_by.empty() && !refuses_null(key);
            count(row);
            row.changed_by.push_back(key);
            next.rows.push_back(child);
        }
    }

    void count(const MetRow& row) {
        if (!row.is_own && !row.is_deleted && row.changed_by.empty()) {
            result_.rows += row.copies;
        }
    }

    [[nodiscard]] bool refuses_null(std::size_t key) const {
        const MapKey& link = map_.keys[key];
        return rules_.null_may_be_refused && std::any_of(link.child_columns.begin(), link.child_columns.end(), [&](std::size_t place) {
                   return !columns_[link.child][place]->is_nullable;
               });
    }

    // Whether the child refers to itself.
    bool add_edge(std::size_t key, RowId child, const std::unordered_map<std::string, RowId>& parent_by_cells) {
        std::string cells;
        for (const std::size_t place : map_.keys[key].child_columns) {
            append_cell(cells, rows_.cell(child, place));
        }
        const auto parent = parent_by_cells.find(cells);
        if (parent == parent_by_cells.end()) {
            knows_all_edges_ = false;  // equal as the column compares, not byte by byte
            return false;
        }
        if (parent->second != child) {
            rows_.lead(parent->second, child);
        }
        return parent->second == child;
    }

    [[nodiscard]] bool loses_reference(const MetRow& row, std::size_t key) const {
        return row.is_deleted || std::any_of(row.changed_by.begin(), row.changed_by.end(), [&](std::size_t by) {
                   return overlap(by == kByWrite ? own_places_ : map_.keys[by].child_columns, map_.keys[key].child_columns);
               });
    }

    void conclude() {
        for (const MetRow& row : rows_.all()) {
            result_.is_decided = result_.is_decided && !(row.is_deleted && !row.changed_by.empty());
        }
        for (std::size_t key = 0; key < map_.keys.size(); ++key) {
            conclude(key, true);
            conclude(key, false);
        }
        make_unique(is_own_reached_);
        for (const RowId id : is_own_reached_) {
            result_.own_rows_reached += rows_[id].copies;
        }
        // A row that two keys reach may be gone, or have let go, before the longer chain comes to it; and in another order of the rows
        // a chain may be longer than the shortest.
        const bool is_too_deep = std::any_of(too_deep_.begin(), too_deep_.end(), [&](RowId id) {
            return rows_[id].is_deleted != !rows_[id].changed_by.empty();
        });
        const bool may_be_longer = !too_deep_.empty() || rows_.has_way_longer_than(rules_.depth_max) ||
                                   (!knows_all_edges_ && rows_.all().size() > rules_.depth_max);
        result_.is_too_deep = result_.is_decided && is_too_deep;
        result_.is_decided = result_.is_decided && (is_too_deep || !may_be_longer);
    }

    void conclude(std::size_t key, bool is_delete) {
        std::vector<RowId>& reached = reached_[slot(key, is_delete)];
        std::vector<RowId>& in_the_way = in_the_way_[slot(key, is_delete)];
        const ReferentialAction what = action(key, is_delete);
        const bool deletes = is_delete && what == ReferentialAction::cascade;
        make_unique(reached);
        make_unique(in_the_way);
        std::uint64_t rows = 0;
        for (const RowId id : reached) {
            const bool counts = !rows_[id].is_own && rows_[id].is_deleted == deletes && told_.insert(id).second;
            rows += counts ? rows_[id].copies : 0;
        }
        if (rows > 0) {
            result_.effects.push_back({key, what, rows});
        }
        bool is_standing = false;
        std::uint64_t left = 0;
        const std::vector<RowId>& counted = in_the_way_[slot(key, true)];  // once, should a row be among those too
        for (const RowId id : in_the_way) {
            const bool is_counted = !is_delete && std::binary_search(counted.begin(), counted.end(), id);
            left += rows_[id].is_deleted || is_counted ? 0 : rows_[id].copies;
            if (!loses_reference(rows_[id], key) && !result_.is_cut) {
                is_standing = true;
            } else if (!rules_.no_action_waits || what != ReferentialAction::no_action) {
                result_.is_decided = false;
            }
        }
        if (!in_the_way.empty()) {
            (is_standing ? result_.obstacles : result_.contested).push_back({key, what, left});
        }
    }

    static void make_unique(std::vector<RowId>& ids) {
        std::sort(ids.begin(), ids.end());
        ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    }

    Connection& connection_;
    const render::Dialect& dialect_;
    const render::CascadeRules rules_;
    const ReferenceMap& map_;
    const CascadeLimits limits_;
    const Deadline deadline_;
    std::vector<std::vector<const schemas::Column*>> columns_;
    MetRows rows_;
    bool knows_all_edges_ = true;
    std::vector<std::size_t> own_places_;  // of the written table, that an update assigns
    std::deque<Step> steps_;
    std::vector<RowId> too_deep_;  // reached by a chain that is longer than the database follows
    std::vector<std::vector<RowId>> reached_;     // by slot
    std::vector<std::vector<RowId>> in_the_way_;  // by slot
    std::vector<RowId> is_own_reached_;
    std::unordered_set<RowId> told_;  // of an effect
    Consequences result_;
};

}  // namespace

DbResult<Consequences> consequences_of_delete(Connection& connection, const render::Dialect& dialect, const ReferenceMap& map,
                                              std::span<const Value> rows, CascadeLimits limits, Deadline deadline) {
    return Walk(connection, dialect, map, limits, deadline).run(rows, nullptr);
}

DbResult<Consequences> consequences_of_update(Connection& connection, const render::Dialect& dialect, const ReferenceMap& map,
                                              std::span<const Value> rows, const std::vector<plan::Assignment>& assignments,
                                              CascadeLimits limits, Deadline deadline) {
    return Walk(connection, dialect, map, limits, deadline).run(rows, &assignments);
}

}  // namespace sql::exec
