#include "tests/golden/fixture.h"

#include <map>
#include <string>
#include <utility>

namespace golden {
namespace {

using schemas::Family;
using schemas::RawColumn;
using schemas::RawTable;

// One column as it is declared in both databases, with what only information_schema would say of it.
struct Declared {
    std::string name;
    std::string declaration;
    RawColumn facts = {};
};

RawColumn text_facts(std::uint64_t characters, std::string charset, std::string collation) {
    RawColumn facts;
    facts.characters_max = characters;
    facts.bytes_max = characters * 4;
    facts.charset = std::move(charset);
    facts.collation = std::move(collation);
    return facts;
}

RawColumn number_facts(unsigned precision, unsigned scale) {
    RawColumn facts;
    facts.numeric_precision = precision;
    facts.numeric_scale = scale;
    return facts;
}

RawColumn second_facts(unsigned digits) {
    RawColumn facts;
    facts.datetime_precision = digits;
    return facts;
}

RawColumn byte_facts(std::uint64_t bytes) {
    RawColumn facts;
    facts.characters_max = bytes;
    facts.bytes_max = bytes;
    return facts;
}

RawColumn json_facts() {
    RawColumn facts = text_facts(4294967295, "utf8mb4", "utf8mb4_bin");
    facts.bytes_max = 4294967295;
    facts.has_json_check = true;
    return facts;
}

RawColumn make_column(Family family, const Declared& declared) {
    RawColumn column = declared.facts;
    column.name = declared.name;
    column.column_type = declared.declaration;
    if (family == Family::mysql) {
        column.data_type = declared.declaration.substr(0, declared.declaration.find_first_of("( "));
    } else {
        // PRAGMA table_xinfo tells no more than the declaration, the collation apart.
        const std::string collation = column.collation.find("_ci") != std::string::npos ? "NOCASE" : "BINARY";
        RawColumn bare;
        bare.name = column.name;
        bare.column_type = column.column_type;
        bare.is_nullable = column.is_nullable;
        bare.default_expression = column.default_expression;
        bare.is_auto_increment = column.is_auto_increment;
        bare.is_generated = column.is_generated;
        bare.collation = collation;
        column = std::move(bare);
    }
    return column;
}

RawColumn key_facts() {
    RawColumn facts = number_facts(10, 0);
    facts.is_nullable = false;
    facts.is_auto_increment = true;
    return facts;
}

RawColumn required(RawColumn facts) {
    facts.is_nullable = false;
    return facts;
}

RawColumn with_default(RawColumn facts, std::string expression) {
    facts.is_nullable = false;
    facts.default_expression = std::move(expression);
    return facts;
}

RawColumn generated(RawColumn facts) {
    facts.is_generated = true;
    return facts;
}

RawTable make_table(Family family, std::string name, const std::vector<Declared>& columns) {
    RawTable table;
    table.family = family;
    table.name = std::move(name);
    for (const Declared& column : columns) {
        table.columns.push_back(make_column(family, column));
    }
    table.keys.push_back({"PRIMARY", true, {"id"}});
    table.version_token = family == Family::mysql ? "2026-01-02 03:04:05" : "7";
    table.is_version_settled = true;
    return table;
}

RawTable everything(Family family) {
    return make_table(family, "everything",
                      {
                          {"id", family == Family::mysql ? "int(11)" : "INTEGER", key_facts()},
                          {"integer", "tinyint(4)", number_facts(3, 0)},
                          {"big", "bigint(20) unsigned", number_facts(20, 0)},
                          {"boolean", "tinyint(1)", number_facts(3, 0)},
                          {"bit", "bit(8)", number_facts(8, 0)},
                          {"decimal", "decimal(6,2)", number_facts(6, 2)},
                          {"float32", "float", number_facts(12, 0)},
                          {"float64", "double", number_facts(22, 0)},
                          {"year", "year(4)", {}},
                          {"date", "date", {}},
                          {"time", "time(3)", second_facts(3)},
                          {"datetime", "datetime(3)", second_facts(3)},
                          {"timestamp", "timestamp", second_facts(0)},
                          {"uuid", "uuid", {}},
                          {"inet4", "inet4", {}},
                          {"inet6", "inet6", {}},
                          {"enumeration", "enum('red','green','1')", text_facts(5, "utf8mb4", "utf8mb4_general_ci")},
                          {"set", "set('a','b','c')", text_facts(5, "utf8mb4", "utf8mb4_general_ci")},
                          {"text", "varchar(20)", text_facts(20, "utf8mb4", "utf8mb4_bin")},
                          {"folded", "varchar(20)", text_facts(20, "latin1", "latin1_swedish_ci")},
                          {"binary", "varbinary(16)", byte_facts(16)},
                          {"json", family == Family::mysql ? "longtext" : "json", json_facts()},
                          {"geometry", "geometry", {}},
                          {"unsupported", "hyperloglog", {}},
                          {"order", "int(11)", number_facts(10, 0)},
                          {"we`i\"rd", "int(11)", number_facts(10, 0)},
                          {"computed", "int(11)", generated(number_facts(10, 0))},
                      });
}

RawTable users(Family family) {
    RawTable table = make_table(family, "users",
                                {
                                    {"id", family == Family::mysql ? "int(11)" : "INTEGER", key_facts()},
                                    {"name", "varchar(100)", required(text_facts(100, "utf8mb4", "utf8mb4_general_ci"))},
                                    {"email", "varchar(100)", required(text_facts(100, "utf8mb4", "utf8mb4_general_ci"))},
                                    {"is_active", "tinyint(1)", with_default(number_facts(3, 0), "1")},
                                    {"created_at", "timestamp", with_default(second_facts(0), "current_timestamp()")},
                                });
    table.keys.push_back({"email", false, {"email"}});
    // Altered within the second: its token proves nothing, so a write asks again before it commits.
    table.is_version_settled = false;
    return table;
}

// No auto-increment column, and a key that the client chooses.
RawTable tags(Family family) {
    return make_table(family, "tags",
                      {
                          {"id", "varchar(10)", required(text_facts(10, "utf8mb4", "utf8mb4_bin"))},
                          {"label", "varchar(10)", text_facts(10, "utf8mb4", "utf8mb4_bin")},
                      });
}

// A key of three columns, in another order than theirs.
RawTable stock(Family family) {
    RawTable table = make_table(family, "stock",
                                {
                                    {"day", "date", required({})},
                                    {"region", "varchar(10)", required(text_facts(10, "utf8mb4", "utf8mb4_general_ci"))},
                                    {"item", "int(11)", required(number_facts(10, 0))},
                                    {"price", "decimal(6,2)", required(number_facts(6, 2))},
                                });
    table.keys = {{"PRIMARY", true, {"item", "region", "day"}}};
    return table;
}

// A table that has no primary key.
RawTable notes(Family family) {
    RawTable table = make_table(family, "notes", {{"note", "varchar(10)", text_facts(10, "utf8mb4", "utf8mb4_bin")}});
    table.keys.clear();
    return table;
}

std::map<std::string, schemas::TablePtr, std::less<>> make_tables(Family family) {
    std::map<std::string, schemas::TablePtr, std::less<>> tables;
    for (const RawTable& raw : {everything(family), users(family), tags(family), stock(family), notes(family)}) {
        tables.emplace(raw.name, schemas::build(raw));
    }
    return tables;
}

}  // namespace

schemas::TablePtr find_table(schemas::Family family, std::string_view name) {
    static const auto kMysql = make_tables(Family::mysql);
    static const auto kSqlite = make_tables(Family::sqlite);
    const auto& tables = family == Family::mysql ? kMysql : kSqlite;
    const auto found = tables.find(name);
    return found == tables.end() ? nullptr : found->second;
}

}  // namespace golden
