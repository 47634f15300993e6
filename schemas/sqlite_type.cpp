// What a SQLite table was declared with, read as a Type with MySQL's ranges and lengths. SQLite itself keeps no types.
#include <algorithm>
#include <iterator>

#include "schemas/declared.h"

namespace schemas {
namespace {

// SQLite knows its collations whatever their case.
std::string upper(std::string text) {
    for (char& c : text) {
        if (c >= 'a' && c <= 'z') {
            c = static_cast<char>(c - 'a' + 'A');
        }
    }
    return text;
}

// What the parentheses mean, and what holds without them.
enum class Arguments {
    none,             // there are none
    display_width,    // at most one, ignored
    digits,           // precision and scale; DECIMAL alone is (10,0)
    float_digits,     // as MySQL's FLOAT: (p) chooses the width, (M,D) limits the digits
    fraction_digits,  // of a second
    bits,
    length,          // without: no limit
    length_or_one,   // without: 1, as CHAR and BINARY; padded or trimmed by MySQL
    ignored_length,  // TEXT(n)
};

struct Entry {
    std::string_view name;
    TypeClass type_class;
    Arguments arguments;
    std::uint64_t size = 0;  // integer: bits; the small text and blob types: bytes
};

constexpr Entry kEntries[] = {
    {"integer", TypeClass::integer, Arguments::display_width, 32},
    {"int", TypeClass::integer, Arguments::display_width, 32},
    {"int4", TypeClass::integer, Arguments::display_width, 32},
    {"tinyint", TypeClass::integer, Arguments::display_width, 8},
    {"int1", TypeClass::integer, Arguments::display_width, 8},
    {"smallint", TypeClass::integer, Arguments::display_width, 16},
    {"int2", TypeClass::integer, Arguments::display_width, 16},
    {"mediumint", TypeClass::integer, Arguments::display_width, 24},
    {"int3", TypeClass::integer, Arguments::display_width, 24},
    {"bigint", TypeClass::integer, Arguments::display_width, 64},
    {"int8", TypeClass::integer, Arguments::display_width, 64},
    {"boolean", TypeClass::boolean, Arguments::none},
    {"bool", TypeClass::boolean, Arguments::none},
    {"bit", TypeClass::bit, Arguments::bits},
    {"decimal", TypeClass::decimal, Arguments::digits},
    {"numeric", TypeClass::decimal, Arguments::digits},
    {"dec", TypeClass::decimal, Arguments::digits},
    {"real", TypeClass::float64, Arguments::float_digits},
    {"double", TypeClass::float64, Arguments::float_digits},
    {"double precision", TypeClass::float64, Arguments::float_digits},
    {"float", TypeClass::float32, Arguments::float_digits},
    {"year", TypeClass::year, Arguments::display_width},
    {"date", TypeClass::date, Arguments::none},
    {"time", TypeClass::time, Arguments::fraction_digits},
    {"datetime", TypeClass::datetime, Arguments::fraction_digits},
    {"timestamp", TypeClass::timestamp, Arguments::fraction_digits},
    {"char", TypeClass::text, Arguments::length_or_one},
    {"character", TypeClass::text, Arguments::length_or_one},
    {"nchar", TypeClass::text, Arguments::length_or_one},
    {"national char", TypeClass::text, Arguments::length_or_one},
    {"national character", TypeClass::text, Arguments::length_or_one},
    {"native character", TypeClass::text, Arguments::length_or_one},
    {"varchar", TypeClass::text, Arguments::length},
    {"nvarchar", TypeClass::text, Arguments::length},
    {"char varying", TypeClass::text, Arguments::length},
    {"character varying", TypeClass::text, Arguments::length},
    {"varying character", TypeClass::text, Arguments::length},
    {"nchar varying", TypeClass::text, Arguments::length},
    {"national varchar", TypeClass::text, Arguments::length},
    {"national char varying", TypeClass::text, Arguments::length},
    {"national character varying", TypeClass::text, Arguments::length},
    {"text", TypeClass::text, Arguments::ignored_length},
    {"longtext", TypeClass::text, Arguments::none},
    {"clob", TypeClass::text, Arguments::ignored_length},
    {"tinytext", TypeClass::text, Arguments::none, 0xff},
    {"mediumtext", TypeClass::text, Arguments::none, 0xffffff},
    {"binary", TypeClass::binary, Arguments::length_or_one},
    {"varbinary", TypeClass::binary, Arguments::length},
    {"blob", TypeClass::binary, Arguments::ignored_length},
    {"longblob", TypeClass::binary, Arguments::none},
    {"tinyblob", TypeClass::binary, Arguments::none, 0xff},
    {"mediumblob", TypeClass::binary, Arguments::none, 0xffffff},
    {"json", TypeClass::json, Arguments::none},
    {"uuid", TypeClass::uuid, Arguments::none},
};

bool set_float(Type& type, const Declared& declared) {
    const std::optional<unsigned> first = declared.number(0);
    if (declared.arguments.size() == 1) {
        type.type_class = type.type_class == TypeClass::float32 && *first <= 24 ? TypeClass::float32 : TypeClass::float64;
        return *first <= 53;
    }
    if (declared.arguments.size() == 2) {
        type.precision = first;
        type.scale = *declared.number(1);
        return type.scale <= *first;
    }
    return true;
}

void set_length(Type& type, std::optional<std::uint64_t> length) {
    (type.type_class == TypeClass::binary ? type.bytes_max : type.characters_max) = length;
}

// False when the arguments are not such as MySQL would take. Each of them is known to be a number.
bool fill(Type& type, const Entry& entry, const Declared& declared) {
    const std::optional<unsigned> first = declared.number(0);
    const std::size_t count = declared.arguments.size();
    switch (entry.arguments) {
        case Arguments::none:
            return count == 0;
        case Arguments::display_width:
            if (entry.name == "tinyint" && first == 1U && !type.is_unsigned) {
                type.type_class = TypeClass::boolean;
            }
            return count <= 1 && (type.type_class != TypeClass::year || first.value_or(4) == 4);
        case Arguments::digits:
            return count <= 2 && set_precision(type, first.value_or(10), declared.number(1));
        case Arguments::float_digits:
            return count <= 2 && set_float(type, declared);
        case Arguments::fraction_digits:
            return count <= 1 && set_fraction_digits(type, first.value_or(0));
        case Arguments::bits:
            return count <= 1 && set_bits(type, first.value_or(1));
        case Arguments::length:
            set_length(type, first);
            return count <= 1;
        case Arguments::length_or_one:
            set_length(type, first.value_or(1));
            type.is_fixed = true;
            return count <= 1;
        case Arguments::ignored_length:
            return count <= 1;
    }
    return false;
}

bool takes_modifier(TypeClass type_class) {
    return type_class == TypeClass::integer || type_class == TypeClass::decimal || type_class == TypeClass::float32 ||
           type_class == TypeClass::float64;
}

}  // namespace

Type sqlite_type(const RawColumn& column) {
    Type unsupported;
    unsupported.storage = Storage::sqlite;
    unsupported.declared = column.column_type;
    const std::optional<Declared> declared = parse_declared(column.column_type);
    if (!declared || !declared->has_numbers_only()) {
        return unsupported;
    }
    const auto* entry =
        std::find_if(std::begin(kEntries), std::end(kEntries), [&](const Entry& one) { return one.name == declared->name; });
    if (entry == std::end(kEntries) || (declared->has_modifier && !takes_modifier(entry->type_class))) {
        return unsupported;
    }
    Type type = unsupported;
    type.type_class = entry->type_class;
    type.is_unsigned = declared->is_unsigned;
    if (entry->type_class == TypeClass::integer) {
        // INTEGER alone is SQLite's own word for its 64 bits.
        const bool is_alone = entry->name == "integer" && declared->arguments.empty() && !declared->has_modifier;
        type.bits = is_alone ? 64 : static_cast<unsigned>(entry->size);
    } else if (entry->size != 0) {
        type.bytes_max = entry->size;
    }
    if (type.type_class == TypeClass::text || type.type_class == TypeClass::json) {
        type.charset = "utf8mb4";
        type.collation = column.collation.empty() ? "BINARY" : upper(column.collation);
    }
    return fill(type, *entry, *declared) ? type : unsupported;
}

}  // namespace schemas
