// What a table looks like: immutable once built, shared by every request that uses it.
// Filled by `schemas::build`; read by bind, guard, render and respond.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/ident.h"
#include "schemas/type.h"

namespace schemas {

enum class TableKind { table, view };

struct Column {
    Ident name;
    Type type;
    bool is_nullable = true;
    bool has_default = false;          // a missing value is filled in: a default, auto-increment, or NULL where nullable
    bool is_auto_increment = false;
    bool is_generated = false;         // never written
};

struct Key {
    std::string name;
    std::vector<std::size_t> columns;  // indexes into Table::columns, in key order
};

enum class ReferentialAction { no_action, restrict, cascade, set_null, set_default };

struct ForeignKey {
    std::string name;
    std::vector<std::string> columns;
    std::string parent_table;
    std::vector<std::string> parent_columns;
    ReferentialAction on_delete = ReferentialAction::no_action;
    ReferentialAction on_update = ReferentialAction::no_action;
};

// Tells one definition of a table from the next.
struct Version {
    std::string token;        // cheap to ask for again: create_time, PRAGMA schema_version
    bool is_settled = false;  // the token alone proves it: no later change can bear the same token
    std::string fingerprint;  // everything introspection said; equal fingerprints mean equal definitions
};

struct Table {
    Ident name;
    TableKind kind = TableKind::table;
    std::vector<Column> columns;
    std::optional<Key> primary_key;
    std::vector<Key> unique_keys;
    std::vector<ForeignKey> foreign_keys;
    Version version;

    // Exact, case-sensitive. Null when there is none.
    [[nodiscard]] const Column* find(std::string_view column) const;
    [[nodiscard]] std::optional<std::size_t> index_of(std::string_view column) const;
    [[nodiscard]] std::optional<std::size_t> auto_increment() const;
    // The column name nearest to `column` by edit distance, empty when none is near. `hidden` are columns never to be named,
    // one flag a column; null: none.
    [[nodiscard]] std::string nearest(std::string_view column, const std::vector<bool>* hidden = nullptr) const;
};

using TablePtr = std::shared_ptr<const Table>;

struct TableName {
    std::string name;
    TableKind kind = TableKind::table;
};

}  // namespace schemas
