// A reading printed as one word list, so that a test is a table of literals and what they become. Test code only.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include <fmt/format.h>

#include "schemas/build.h"
#include "schemas/value.h"

namespace schemas_test {

inline constexpr auto kComparison = schemas::Purpose::comparison;
inline constexpr auto kStorage = schemas::Purpose::storage;

struct PrintValue {
    std::string operator()(schemas::Null) const { return "null"; }
    std::string operator()(std::int64_t v) const { return fmt::format("int {}", v); }
    std::string operator()(std::uint64_t v) const { return fmt::format("uint {}", v); }
    std::string operator()(double v) const { return fmt::format("double {}", v); }
    std::string operator()(const schemas::Text& v) const { return fmt::format("'{}'", v.text); }
    std::string operator()(const schemas::Bytes& v) const {
        std::string out = "bytes ";
        for (const char c : v.bytes) {
            out += fmt::format("{:02x}", static_cast<unsigned char>(c));
        }
        return out;
    }
};

// "int 5", "between '1.50'", "error: is not an integer".
inline std::string read(std::string_view text, const schemas::Type& type, schemas::Purpose purpose) {
    const auto reading = schemas::read_literal(text, type, purpose);
    if (!reading) {
        return "error: " + reading.error().detail;
    }
    constexpr std::string_view kFits[] = {"", "between ", "above ", "below ", "foreign "};
    return fmt::format("{}{}", kFits[static_cast<std::size_t>(reading->fit)], std::visit(PrintValue{}, reading->value));
}

// A column as information_schema.columns or PRAGMA table_xinfo names its type.
inline schemas::RawColumn raw_column(std::string_view declared, std::string_view charset = "") {
    schemas::RawColumn column;
    column.name = "c";
    column.column_type = declared;
    column.charset = charset;
    return column;
}

inline schemas::Type type_of(schemas::Family family, schemas::RawColumn column) {
    if (family == schemas::Family::mysql && column.data_type.empty()) {
        column.data_type = column.column_type.substr(0, column.column_type.find_first_of("( "));
    }
    schemas::RawTable table;
    table.family = family;
    table.columns.push_back(std::move(column));
    return schemas::build(table)->columns[0].type;
}

inline schemas::Type mysql(std::string_view declared, std::string_view charset = "") {
    return type_of(schemas::Family::mysql, raw_column(declared, charset));
}

inline schemas::Type sqlite(std::string_view declared) {
    return type_of(schemas::Family::sqlite, raw_column(declared));
}

struct Row {
    std::string_view literal;
    std::string_view compared;
    std::string_view stored = {};  // empty: the same
};

}  // namespace schemas_test

// A macro, so that a failure names the table's line.
#define CHECK_ROWS(type, ...)                                                                                \
    do {                                                                                                     \
        const schemas::Type checked_type = (type);                                                           \
        for (const schemas_test::Row& row : std::initializer_list<schemas_test::Row>{__VA_ARGS__}) {         \
            CAPTURE(checked_type.declared);                                                                  \
            CAPTURE(row.literal);                                                                            \
            CHECK(schemas_test::read(row.literal, checked_type, schemas_test::kComparison) == row.compared); \
            CHECK(schemas_test::read(row.literal, checked_type, schemas_test::kStorage) ==                   \
                  (row.stored.empty() ? row.compared : row.stored));                                         \
        }                                                                                                    \
    } while (false)
