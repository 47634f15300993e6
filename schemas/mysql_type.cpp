// What MariaDB and MySQL say in information_schema.columns, read as a Type.
#include <algorithm>
#include <iterator>

#include "schemas/declared.h"

namespace schemas {
namespace {

struct Entry {
    std::string_view name;
    TypeClass type_class;
    std::uint64_t size = 0;  // integer: bits; the text and blob families: bytes
};

constexpr Entry kEntries[] = {
    {"tinyint", TypeClass::integer, 8},
    {"smallint", TypeClass::integer, 16},
    {"mediumint", TypeClass::integer, 24},
    {"int", TypeClass::integer, 32},
    {"integer", TypeClass::integer, 32},
    {"bigint", TypeClass::integer, 64},
    {"bit", TypeClass::bit},
    {"decimal", TypeClass::decimal},
    {"float", TypeClass::float32},
    {"double", TypeClass::float64},
    {"year", TypeClass::year},
    {"date", TypeClass::date},
    {"time", TypeClass::time},
    {"datetime", TypeClass::datetime},
    {"timestamp", TypeClass::timestamp},
    {"uuid", TypeClass::uuid},
    {"inet4", TypeClass::inet4},
    {"inet6", TypeClass::inet6},
    {"enum", TypeClass::enumeration},
    {"set", TypeClass::set},
    {"char", TypeClass::text},
    {"varchar", TypeClass::text},
    {"tinytext", TypeClass::text, 0xff},
    {"text", TypeClass::text, 0xffff},
    {"mediumtext", TypeClass::text, 0xffffff},
    {"longtext", TypeClass::text, 0xffffffff},
    {"binary", TypeClass::binary},
    {"varbinary", TypeClass::binary},
    {"tinyblob", TypeClass::binary, 0xff},
    {"blob", TypeClass::binary, 0xffff},
    {"mediumblob", TypeClass::binary, 0xffffff},
    {"longblob", TypeClass::binary, 0xffffffff},
    {"json", TypeClass::json},
    {"geometry", TypeClass::geometry},
    {"point", TypeClass::geometry},
    {"linestring", TypeClass::geometry},
    {"polygon", TypeClass::geometry},
    {"multipoint", TypeClass::geometry},
    {"multilinestring", TypeClass::geometry},
    {"multipolygon", TypeClass::geometry},
    {"geometrycollection", TypeClass::geometry},
    {"geomcollection", TypeClass::geometry},
};

bool set_float(Type& type, const Declared& declared) {
    // FLOAT(M,D) counts its digits; FLOAT(p) and DOUBLE only name the width.
    if (declared.arguments.size() != 2) {
        return true;
    }
    type.precision = declared.number(0);
    type.scale = declared.number(1).value_or(0);
    return type.precision && declared.number(1) && type.scale <= *type.precision;
}

bool set_members(Type& type, const Declared& declared) {
    type.members = declared.arguments;
    // Two members that look alike cannot be told apart by name.
    std::vector<std::string> sorted = type.members;
    std::sort(sorted.begin(), sorted.end());
    return !sorted.empty() && std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end();
}

std::optional<std::uint64_t> first_length(const Declared& declared) {
    return declared.number(0);
}

bool set_text(Type& type, const RawColumn& column, const Entry& entry, const Declared& declared) {
    if (entry.size == 0) {
        type.characters_max = column.characters_max ? column.characters_max : first_length(declared);
        type.is_fixed = entry.name == "char";
        return type.characters_max.has_value();
    }
    type.bytes_max = column.bytes_max.value_or(entry.size);
    if (entry.name == "longtext" && column.has_json_check) {
        type.type_class = TypeClass::json;
    }
    return true;
}

bool set_binary(Type& type, const RawColumn& column, const Entry& entry, const Declared& declared) {
    type.bytes_max = column.bytes_max ? column.bytes_max : entry.size != 0 ? std::optional(entry.size) : first_length(declared);
    type.is_fixed = entry.name == "binary";
    return type.bytes_max.has_value();
}

// Fills what the class needs. False when the declaration does not make sense, so that nothing is guessed.
bool fill(Type& type, const RawColumn& column, const Entry& entry, const Declared& declared) {
    const std::optional<unsigned> first = declared.number(0);
    switch (type.type_class) {
        case TypeClass::integer:
            if (entry.size == 8 && first == 1U && !type.is_unsigned) {
                type.type_class = TypeClass::boolean;
            }
            type.bits = static_cast<unsigned>(entry.size);
            return true;
        case TypeClass::bit:
            return set_bits(type, first.value_or(column.numeric_precision.value_or(1)));
        case TypeClass::decimal:
            return first ? set_precision(type, first, declared.number(1))
                         : set_precision(type, column.numeric_precision, column.numeric_scale);
        case TypeClass::float32:
        case TypeClass::float64:
            return set_float(type, declared);
        case TypeClass::year:
            return declared.arguments.empty() || first == 4U;  // YEAR(2) is another type
        case TypeClass::time:
        case TypeClass::datetime:
        case TypeClass::timestamp:
            return set_fraction_digits(type, column.datetime_precision.value_or(first.value_or(0)));
        case TypeClass::enumeration:
        case TypeClass::set:
            return set_members(type, declared);
        case TypeClass::text:
            return set_text(type, column, entry, declared);
        case TypeClass::binary:
            return set_binary(type, column, entry, declared);
        case TypeClass::boolean:
        case TypeClass::date:
        case TypeClass::uuid:
        case TypeClass::inet4:
        case TypeClass::inet6:
        case TypeClass::json:
        case TypeClass::geometry:
        case TypeClass::unsupported:
            return true;
    }
    return false;
}

}  // namespace

Type mysql_type(const RawColumn& column) {
    Type unsupported;
    unsupported.declared = column.column_type.empty() ? column.data_type : column.column_type;
    const std::optional<Declared> declared = parse_declared(unsupported.declared);
    if (!declared) {
        return unsupported;
    }
    const std::string name = column.data_type.empty() ? declared->name : to_lower(column.data_type);
    const auto* entry =
        std::find_if(std::begin(kEntries), std::end(kEntries), [&](const Entry& one) { return one.name == name; });
    if (entry == std::end(kEntries)) {
        return unsupported;
    }
    Type type = unsupported;
    type.type_class = entry->type_class;
    type.is_unsigned = declared->is_unsigned;
    type.charset = to_lower(column.charset);
    type.collation = column.collation;
    return fill(type, column, *entry, *declared) ? type : unsupported;
}

}  // namespace schemas
