// The foreign keys that point at a table, and its triggers: what a write to it reaches beyond its own rows.
// No definition of the table itself, and nothing of how far the rows really go: that is counted by sql/exec/cascade.
// Filled by sql/mysql/references and sql/sqlite/references; pure data.
#pragma once

#include <string>
#include <vector>

#include "schemas/catalog.h"

namespace schemas {

// A foreign key as the table that it points at sees it. Its names are as the two tables spell them; the key's own name is empty
// where the database keeps none (SQLite).
struct Reference {
    std::string child_database;  // where the referencing table is elsewhere; empty: in the same database
    std::string child_table;
    ForeignKey key;
};

enum class TriggerEvent { insert, update, remove };
enum class TriggerTiming { before, after, instead_of };

struct Trigger {
    std::string name;
    TriggerEvent event = TriggerEvent::remove;
    TriggerTiming timing = TriggerTiming::after;
};

struct References {
    std::vector<Reference> list;  // in the order of database, table and key's name; self-references included
    // True when no other foreign key points at the table: false when there may be some that our account is not shown.
    bool is_complete = false;
    // True when a key's definition does not fit the table, so that the database refuses every write to it (SQLite).
    bool is_broken = false;
    std::vector<Trigger> triggers;  // in the order of their names
    bool are_triggers_complete = false;
};

}  // namespace schemas
