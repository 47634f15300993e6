#include "sql/mysql/row_digest.h"

#include <cstdint>

namespace sql::mysql {
namespace {

using render::Writer;
using schemas::TypeClass;

// How a cell stands between the separators.
enum class Form {
    plain,   // its text holds no separator: numbers, times, addresses
    exact,   // FLOAT prints six digits, DOUBLE(M,D) its own; as a product both print all that they are
    number,  // BIT
    sized,   // behind its length in bytes
    member,  // behind its place too: the value of an error is '', as a member may be
    hashed,  // a row of such cells could be longer than max_allowed_packet, and the whole then NULL
};

constexpr std::uint64_t kSizedBytesMax = 4096;

Form form_of(const schemas::Type& type) {
    switch (type.type_class) {
        case TypeClass::integer:
        case TypeClass::boolean:
        case TypeClass::decimal:
        case TypeClass::year:
        case TypeClass::date:
        case TypeClass::time:
        case TypeClass::datetime:
        case TypeClass::timestamp:
        case TypeClass::uuid:
        case TypeClass::inet4:
        case TypeClass::inet6:
            return Form::plain;
        case TypeClass::float32:
        case TypeClass::float64:
            return Form::exact;
        case TypeClass::bit:
            return Form::number;
        case TypeClass::enumeration:
        case TypeClass::set:
            return Form::member;
        case TypeClass::text:
        case TypeClass::binary:
            return type.characters_max || type.bytes_max.value_or(kSizedBytesMax + 1) <= kSizedBytesMax ? Form::sized : Form::hashed;
        case TypeClass::json:
        case TypeClass::geometry:
        case TypeClass::unsupported:
            return Form::hashed;
    }
    return Form::hashed;
}

// `, length, cell`; CONCAT_WS leaves a NULL out, and then the length is 'n'.
void sized(Writer& writer, const schemas::Column& column) {
    if (column.is_nullable) {
        writer.keyword(", IFNULL(LENGTH(").ident(column.name).keyword("), 'n'), ").ident(column.name);
    } else {
        writer.keyword(", LENGTH(").ident(column.name).keyword("), ").ident(column.name);
    }
}

// `IS NULL` in front rather than IFNULL around: that would take 'n' for a UUID or a date.
void flag(Writer& writer, const schemas::Column& column) {
    if (column.is_nullable) {
        writer.keyword(", ").ident(column.name).keyword(" IS NULL");
    }
}

void cell(Writer& writer, const schemas::Column& column) {
    switch (form_of(column.type)) {
        case Form::plain:
            flag(writer, column);
            writer.keyword(", ").ident(column.name);
            return;
        case Form::exact:
            flag(writer, column);
            writer.keyword(", ").ident(column.name).keyword(" * 1e0");
            return;
        case Form::number:
            flag(writer, column);
            writer.keyword(", ").ident(column.name).keyword(" + 0");
            return;
        case Form::sized:
            sized(writer, column);
            return;
        case Form::member:
            flag(writer, column);
            writer.keyword(", ").ident(column.name).keyword(" + 0");
            sized(writer, column);
            return;
        case Form::hashed:
            writer.keyword(", IFNULL(SHA2(").ident(column.name).keyword(", 256), 'n')");
            return;
    }
}

// Longer than a column's name may be, so that no ORDER BY of a column means it.
constexpr render::SqlLiteral kDigest("`digest of a row, by a name that is too long for a column of a table`");

}  // namespace

// The separator is bytes, and so makes all of it bytes: text would be converted to one character set, or be refused for being in
// several.
void write_row_digest(Writer& writer, const schemas::Table& table, const schemas::Text& salt) {
    writer.keyword("CAST(CONV(LEFT(SHA2(CONCAT_WS(CAST(',' AS BINARY), ").param(salt);
    for (const schemas::Column& column : table.columns) {
        cell(writer, column);
    }
    writer.keyword("), 256), 16), 16, 10) AS UNSIGNED) AS ").keyword(kDigest);
}

// Of integers the sum is a DECIMAL, and exact.
void write_set_digest(Writer& writer) {
    writer.keyword("IF(COUNT(*) = COUNT(").keyword(kDigest).keyword("), CONCAT(SUM(").keyword(kDigest).keyword(")), NULL)");
}

}  // namespace sql::mysql
