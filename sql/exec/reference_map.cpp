#include "sql/exec/reference_map.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

namespace sql::exec {
namespace {

using schemas::Reference;
using schemas::ReferentialAction;
using schemas::Table;

bool changes_rows(ReferentialAction action) {
    switch (action) {
        case ReferentialAction::no_action:
        case ReferentialAction::restrict:
            return false;
        case ReferentialAction::cascade:
        case ReferentialAction::set_null:
        case ReferentialAction::set_default:
            return true;
    }
    return true;
}

// The place of a column of the table among those that are read; it is added if need be. Nothing when there is no such column.
std::optional<std::size_t> place_of(MapTable& read, const std::string& name) {
    const auto column = read.table->index_of(name);
    if (!column) {
        return std::nullopt;
    }
    const auto found = std::find(read.columns.begin(), read.columns.end(), *column);
    if (found != read.columns.end()) {
        return static_cast<std::size_t>(found - read.columns.begin());
    }
    read.columns.push_back(*column);
    return read.columns.size() - 1;
}

std::optional<std::vector<std::size_t>> places_of(MapTable& read, const std::vector<std::string>& names) {
    std::vector<std::size_t> places;
    for (const std::string& name : names) {
        const auto place = place_of(read, name);
        if (!place) {
            return std::nullopt;
        }
        places.push_back(*place);
    }
    return places;
}

class Reader {
public:
    Reader(Connection& connection, Deadline deadline) : connection_(connection), deadline_(deadline) {}

    DbResult<ReferenceMap> read(const schemas::TablePtr& written) {
        add(written);
        map_.is_complete = true;
        // A table is followed when a key may change its rows; from one whose rows only stand in the way nothing goes on.
        std::set<std::size_t> followed;
        std::vector<std::size_t> open{0};
        while (!open.empty()) {
            const std::size_t parent = open.back();
            open.pop_back();
            if (!followed.insert(parent).second) {
                continue;
            }
            const auto references = connection_.referencing(map_.tables[parent].table->name.text(), deadline_);
            if (!references) {
                return tl::unexpected(references.error());
            }
            is_listed_whole_ = is_listed_whole_ && references->is_complete;
            map_.is_broken = map_.is_broken || references->is_broken;
            if (parent == 0) {
                map_.triggers = references->triggers;
                map_.are_triggers_complete = references->are_triggers_complete;
            }
            for (const Reference& reference : references->list) {
                const auto child = add_key(parent, reference);
                if (!child) {
                    return tl::unexpected(child.error());
                }
                if (*child && (changes_rows(reference.key.on_delete) || changes_rows(reference.key.on_update))) {
                    open.push_back(**child);
                }
            }
        }
        // Without a primary key a row that is written cannot be told from one like it that a key leads to.
        const bool leads_back = std::any_of(map_.keys.begin(), map_.keys.end(), [](const MapKey& key) { return key.child == 0; });
        map_.is_complete = map_.is_complete && (written->primary_key || !leads_back);
        if (map_.is_complete && !is_listed_whole_) {
            auto done = count_tables();
            if (!done) {
                return tl::unexpected(std::move(done.error()));
            }
        }
        return std::move(map_);
    }

private:
    std::size_t add(const schemas::TablePtr& table) {
        MapTable& added = map_.tables.emplace_back(MapTable{table, {}});
        if (table->primary_key) {
            added.columns = table->primary_key->columns;
        }
        return map_.tables.size() - 1;
    }

    DbResult<std::optional<std::size_t>> find_or_read(const std::string& name) {
        const auto known = std::find_if(map_.tables.begin(), map_.tables.end(),
                                        [&](const MapTable& one) { return one.table->name.text() == name; });
        if (known != map_.tables.end()) {
            return static_cast<std::size_t>(known - map_.tables.begin());
        }
        const auto raw = connection_.introspect(name, deadline_);
        if (!raw) {
            return tl::unexpected(raw.error());
        }
        return *raw ? std::optional(add(schemas::build(**raw))) : std::nullopt;
    }

    // The child; nothing when it cannot be read, and then the map is not complete.
    DbResult<std::optional<std::size_t>> add_key(std::size_t parent, const Reference& reference) {
        if (!reference.child_database.empty()) {
            map_.is_complete = false;
            return std::nullopt;
        }
        const auto child = find_or_read(reference.child_table);
        if (!child) {
            return tl::unexpected(child.error());
        }
        if (!*child) {
            map_.is_complete = false;
            return std::nullopt;
        }
        auto parent_columns = places_of(map_.tables[parent], reference.key.parent_columns);
        auto child_columns = places_of(map_.tables[**child], reference.key.columns);
        if (!parent_columns || !child_columns || parent_columns->size() != child_columns->size() || parent_columns->empty()) {
            map_.is_complete = false;
            return std::nullopt;
        }
        if (!are_alike(parent, *parent_columns, **child, *child_columns)) {
            map_.is_complete = false;
            return std::nullopt;
        }
        map_.keys.push_back(MapKey{parent, **child, reference.key, std::move(*parent_columns), std::move(*child_columns)});
        return *child;
    }

    // InnoDB compares the members of enumerations and sets by their places, SQL by their names.
    [[nodiscard]] bool are_alike(std::size_t parent, const std::vector<std::size_t>& parent_columns, std::size_t child,
                                 const std::vector<std::size_t>& child_columns) const {
        for (std::size_t part = 0; part < parent_columns.size(); ++part) {
            const schemas::Type& a = map_.columns_of(parent)[parent_columns[part]]->type;
            const schemas::Type& b = map_.columns_of(child)[child_columns[part]]->type;
            const bool is_by_place = a.storage == schemas::Storage::typed && (!a.members.empty() || !b.members.empty());
            if (is_by_place && a.members != b.members) {
                return false;
            }
        }
        return true;
    }

    // How many tables a delete may change, as far as we know; one that leads back to the written table counts it again.
    [[nodiscard]] std::size_t tables_known() const {
        std::set<std::size_t> reached;
        std::vector<std::size_t> open{0};
        while (!open.empty()) {
            const std::size_t parent = open.back();
            open.pop_back();
            for (const MapKey& key : map_.keys) {
                if (key.parent == parent && changes_rows(key.key.on_delete) && reached.insert(key.child).second) {
                    open.push_back(key.child);
                }
            }
        }
        return 1 + reached.size();
    }

    // What is not listed whole may be counted whole.
    DbResult<void> count_tables() {
        const auto opened = connection_.tables_of_delete(map_.tables.front().table->name, deadline_);
        if (!opened) {
            return tl::unexpected(opened.error());
        }
        map_.is_complete = *opened == tables_known();
        return {};
    }

    Connection& connection_;
    const Deadline deadline_;
    ReferenceMap map_;
    bool is_listed_whole_ = true;
};

}  // namespace

bool MapTable::is_unique(std::vector<std::size_t> of_table) const {
    std::sort(of_table.begin(), of_table.end());
    const auto is_over = [&](const schemas::Key& key) {
        std::vector<std::size_t> sorted = key.columns;
        std::sort(sorted.begin(), sorted.end());
        return std::includes(of_table.begin(), of_table.end(), sorted.begin(), sorted.end());
    };
    return (table->primary_key && is_over(*table->primary_key)) || std::any_of(table->unique_keys.begin(), table->unique_keys.end(), is_over);
}

std::vector<const schemas::Column*> ReferenceMap::columns_of(std::size_t table) const {
    std::vector<const schemas::Column*> out;
    for (const std::size_t column : tables[table].columns) {
        out.push_back(&tables[table].table->columns[column]);
    }
    return out;
}

std::string ReferenceMap::fingerprint() const {
    std::string print = is_complete ? "1" : "0";
    for (const MapTable& one : tables) {
        print += std::to_string(one.table->version.fingerprint.size()) + ':' + one.table->version.fingerprint;
    }
    for (const MapKey& one : keys) {
        print += std::to_string(one.parent) + ',' + std::to_string(one.child) + ',' + std::to_string(one.key.name.size()) + ':' + one.key.name;
        for (const auto* places : {&one.parent_columns, &one.child_columns}) {
            for (const std::size_t place : *places) {
                print += ',' + std::to_string(place);
            }
            print += ';';
        }
        print += std::to_string(static_cast<int>(one.key.on_delete)) + std::to_string(static_cast<int>(one.key.on_update));
    }
    return print;
}

DbResult<ReferenceMap> read_reference_map(Connection& connection, const schemas::TablePtr& table, Deadline deadline) {
    return Reader(connection, deadline).read(table);
}

}  // namespace sql::exec
