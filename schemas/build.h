// Raw introspection rows to a Table: the one place where a declared type becomes a Type.
// Pure, so every odd declaration has a unit test without a database. Called by sql/mysql/introspect and sql/sqlite/introspect.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "schemas/catalog.h"

namespace schemas {

enum class Family { mysql, sqlite };

// One row of information_schema.columns, or of PRAGMA table_xinfo (then only name, column_type, is_nullable, has_default,
// is_generated, collation are filled, and is_auto_increment for a rowid alias).
struct RawColumn {
    std::string name;
    std::string data_type;    // "int"; empty on SQLite
    std::string column_type;  // "int(11) unsigned"; the declared type on SQLite, may be empty
    bool is_nullable = true;
    std::optional<std::string> default_expression;
    bool is_auto_increment = false;
    bool is_generated = false;
    bool has_json_check = false;  // MariaDB's JSON is LONGTEXT with CHECK (json_valid(…))
    std::string charset;
    std::string collation;
    std::optional<std::uint64_t> characters_max;
    std::optional<std::uint64_t> bytes_max;
    std::optional<unsigned> numeric_precision;
    std::optional<unsigned> numeric_scale;
    std::optional<unsigned> datetime_precision;
};

struct RawKey {
    std::string name;
    bool is_primary = false;
    std::vector<std::string> columns;
};

struct RawTable {
    Family family = Family::mysql;
    std::string name;
    TableKind kind = TableKind::table;
    std::vector<RawColumn> columns;
    std::vector<RawKey> keys;  // unique keys only, the primary one included; partial and expression indexes left out
    std::vector<ForeignKey> foreign_keys;
    std::string version_token;
    bool is_version_settled = false;
};

// Never fails: a type that is not known becomes TypeClass::unsupported, and a key by whose values, as we read them, two rows may look
// like one is left out. Fills Version::fingerprint from all raw rows.
[[nodiscard]] TablePtr build(const RawTable& raw);

// The same text for the same definition; equal to `build(raw)->version.fingerprint`.
[[nodiscard]] std::string fingerprint(const RawTable& raw);

}  // namespace schemas
