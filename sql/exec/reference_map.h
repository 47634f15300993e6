// The tables that a write to one table can reach through foreign keys, and the keys that lead there: read on the connection of the
// write's own transaction, because no version of the written table tells of keys that others have made to it.
// Definitions only; which rows are reached is counted by cascade. Called by execute.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/catalog.h"
#include "schemas/reference.h"
#include "sql/exec/connection.h"

namespace sql::exec {

// A table whose rows are read to follow them: `columns` are its primary key's and all that a foreign key of the map names. Two rows
// in which these are equal share every fate.
struct MapTable {
    schemas::TablePtr table;
    std::vector<std::size_t> columns;

    // No two rows have all of these columns, of the table, equal.
    [[nodiscard]] bool is_unique(std::vector<std::size_t> of_table) const;
};

// A foreign key between two tables of the map, by indexes into ReferenceMap::tables. Columns are places in MapTable::columns.
struct MapKey {
    std::size_t parent = 0;
    std::size_t child = 0;
    schemas::ForeignKey key;
    std::vector<std::size_t> parent_columns;
    std::vector<std::size_t> child_columns;
};

struct ReferenceMap {
    std::vector<MapTable> tables;  // the written table first
    std::vector<MapKey> keys;
    // Every table that may change is in the map. False when there may be one that our account is not shown, when one lies in
    // another database, when a definition could not be read, or when a table without primary key refers to itself: then neither a cap nor a preview can be believed.
    bool is_complete = false;
    bool is_broken = false;  // see schemas::References
    std::vector<schemas::Trigger> triggers;  // of the written table
    bool are_triggers_complete = false;

    // What SELECTs of the written table's rows have to list for `cascade`.
    [[nodiscard]] std::vector<const schemas::Column*> columns_of(std::size_t table) const;
    // The same text for the same map: a write compares it before COMMIT with that of a map read anew, when its statements have
    // taken hold of every table that they reach.
    [[nodiscard]] std::string fingerprint() const;
};

// Inside the write's transaction, after the rows to be written are locked: from then on no row can be made to refer to them. `table`
// is the one that the write was bound to.
[[nodiscard]] DbResult<ReferenceMap> read_reference_map(Connection& connection, const schemas::TablePtr& table, Deadline deadline);

}  // namespace sql::exec
