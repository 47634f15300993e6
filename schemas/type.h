// A column's type, the same vocabulary for every database: what a literal must look like and what fits.
// Pure data, filled by `schemas::build` from what the database declares.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace schemas {

enum class TypeClass {
    integer,      // bits, is_unsigned
    boolean,      // TINYINT(1), BOOLEAN: 0 1 true false; a number on the way out
    bit,          // bits; an unsigned integer
    decimal,      // precision, scale, is_unsigned
    float32,      // precision and scale when declared FLOAT(M,D)
    float64,      // precision and scale when declared DOUBLE(M,D)
    year,
    date,
    time,         // fraction_digits
    datetime,     // fraction_digits
    timestamp,    // fraction_digits; UTC
    uuid,
    inet4,
    inet6,
    enumeration,  // members
    set,          // members
    text,         // characters_max or bytes_max, charset, collation, is_fixed for CHAR
    binary,       // bytes_max, is_fixed for BINARY
    json,
    geometry,
    unsupported,  // only `is`, read as the database gives it, never written
};

// The database family whose rules hold for a cell of this column.
enum class Storage {
    typed,        // MariaDB, MySQL: the column holds values of its type only
    sqlite,       // any cell may hold any storage class; 64-bit integers and doubles are all there is
};

struct Type {
    TypeClass type_class = TypeClass::unsupported;
    Storage storage = Storage::typed;
    std::string declared;  // as the database prints it, for messages: "decimal(10,2)"

    bool is_unsigned = false;
    unsigned bits = 0;                        // integer: 8 16 24 32 64; bit: 1 to 64
    std::optional<unsigned> precision;        // decimal digits in all
    unsigned scale = 0;                       // decimal digits after the point
    unsigned fraction_digits = 0;             // of a second, 0 to 6
    std::optional<std::uint64_t> characters_max;
    std::optional<std::uint64_t> bytes_max;
    bool is_fixed = false;                    // CHAR(n), BINARY(n)
    std::string charset;                      // lower case; "utf8mb4" on SQLite
    std::string collation;                    // "utf8mb4_general_ci"; "BINARY", "NOCASE", "RTRIM" on SQLite
    std::vector<std::string> members;         // enumeration and set, in declared order
};

}  // namespace schemas
