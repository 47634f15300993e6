#include "sql/mysql/dialect.h"

#include <algorithm>
#include <optional>
#include <string>

#include "sql/mysql/row_digest.h"

namespace sql::mysql {
namespace {

using plan::Predicate;
using plan::PredicateKind;
using render::Writer;
using schemas::TypeClass;

// `LIKE` pattern that matches `text` literally under ESCAPE '!'. Not the backslash: that depends on the session's sql_mode.
std::string like_escaped(const std::string& text) {
    std::string out;
    out.reserve(text.size() + 2);
    for (const char c : text) {
        if (c == '!' || c == '%' || c == '_') {
            out += '!';
        }
        out += c;
    }
    return out;
}

std::string like_pattern(PredicateKind kind, const schemas::Value& value) {
    std::string pattern = like_escaped(std::get<schemas::Text>(value).text);
    if (kind != PredicateKind::starts_with) {
        pattern.insert(pattern.begin(), '%');
    }
    if (kind != PredicateKind::ends_with) {
        pattern += '%';
    }
    return pattern;
}

// MariaDB sorts UUIDs by a rearranged image of their bytes; the order that a client sees is that of the text.
void canonical_uuid(Writer& writer, const schemas::Column& column) {
    writer.keyword("CAST(").ident(column.name).keyword(" AS CHAR(36))");
}

enum class Sense { equality, order };

// Connector/C++ sends a longer text as a blob, whose bytes a column of another character set would take as they are.
constexpr std::size_t kStringBytesMax = 262144;
// A DECIMAL result of more digits, with sign, zero and point, does not fit the driver's buffer.
constexpr unsigned kDecimalDigitsMax = 61;

bool is_temporal(TypeClass type_class) {
    return type_class == TypeClass::date || type_class == TypeClass::time || type_class == TypeClass::datetime ||
           type_class == TypeClass::timestamp;
}

void compared(Writer& writer, const schemas::Column& column, Sense sense) {
    if (column.type.type_class == TypeClass::uuid && sense == Sense::order) {
        canonical_uuid(writer, column);
    } else {
        writer.ident(column.name);
    }
}

// A placeholder that is of the column's type when it meets the column. Without the casts IN and BETWEEN on a column without
// index compare decimals as DOUBLE, which takes the neighbours too, and dates as text.
void operand(Writer& writer, const schemas::Column& column, const schemas::Value& value, Sense sense) {
    const schemas::Type& type = column.type;
    switch (type.type_class) {
        case TypeClass::decimal:
            writer.keyword("CAST(").param(value).keyword(" AS DECIMAL(").number(type.precision.value_or(65));
            writer.keyword(",").number(type.scale).keyword("))");
            return;
        case TypeClass::date:
            writer.keyword("CAST(").param(value).keyword(" AS DATE)");
            return;
        case TypeClass::time:
            writer.keyword("CAST(").param(value).keyword(" AS TIME(6))");
            return;
        case TypeClass::datetime:
        case TypeClass::timestamp:
            writer.keyword("CAST(").param(value).keyword(" AS DATETIME(6))");
            return;
        case TypeClass::uuid:
            if (sense == Sense::order) {
                writer.param(value);
            } else {
                writer.keyword("CAST(").param(value).keyword(" AS UUID)");
            }
            return;
        case TypeClass::inet4:
            writer.keyword("CAST(").param(value).keyword(" AS INET4)");
            return;
        case TypeClass::inet6:
            writer.keyword("CAST(").param(value).keyword(" AS INET6)");
            return;
        case TypeClass::integer:
        case TypeClass::boolean:
        case TypeClass::bit:
        case TypeClass::float32:
        case TypeClass::float64:
        case TypeClass::year:
        // Bound as text an enumeration or set is compared by name; a number would be taken for the member's place.
        case TypeClass::enumeration:
        case TypeClass::set:
        case TypeClass::text:
        case TypeClass::binary:
        case TypeClass::json:
        case TypeClass::geometry:
        case TypeClass::unsupported:
            writer.param(value);
            return;
    }
}

void binary_operator(Writer& writer, const schemas::Column& column, const Predicate& predicate, render::SqlLiteral text,
                     Sense sense) {
    compared(writer, column, sense);
    writer.keyword(text);
    operand(writer, column, predicate.values.front(), sense);
}

void list(Writer& writer, const schemas::Column& column, const Predicate& predicate, render::SqlLiteral text) {
    compared(writer, column, Sense::equality);
    writer.keyword(text);
    bool is_first = true;
    for (const schemas::Value& value : predicate.values) {
        if (!is_first) {
            writer.keyword(", ");
        }
        is_first = false;
        operand(writer, column, value, Sense::equality);
    }
    writer.keyword(")");
}

// MariaDB makes a subquery of a list of 1,000 values and more (in_predicate_conversion_threshold counts every value of a row), in
// a SELECT and not in a DELETE: another plan, other locks, and text compared as the temporary table's.
constexpr std::size_t kListValuesMax = 999;

void key_list(Writer& writer, std::span<const schemas::Column* const> key, std::span<const schemas::Value> values) {
    if (key.size() > 1) {
        writer.keyword("(");
    }
    for (std::size_t part = 0; part < key.size(); ++part) {
        if (part != 0) {
            writer.keyword(", ");
        }
        compared(writer, *key[part], Sense::equality);
    }
    if (key.size() > 1) {
        writer.keyword(") IN ((");
    } else {
        writer.keyword(" IN (");
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
        const std::size_t part = i % key.size();
        if (i != 0 && part == 0 && key.size() > 1) {
            writer.keyword("), (");
        } else if (i != 0) {
            writer.keyword(", ");
        }
        operand(writer, *key[part], values[i], Sense::equality);
    }
    if (key.size() > 1) {
        writer.keyword("))");
    } else {
        writer.keyword(")");
    }
}

std::optional<std::string> integer_text(const schemas::Value& value) {
    if (const auto* const number = std::get_if<std::int64_t>(&value)) {
        return std::to_string(*number);
    }
    const auto* const number = std::get_if<std::uint64_t>(&value);
    return number != nullptr ? std::optional(std::to_string(*number)) : std::nullopt;
}

class MysqlDialect final : public render::Dialect {
public:
    [[nodiscard]] render::Quote quote() const override { return render::Quote::backtick; }

    void predicate(Writer& writer, const schemas::Column& column, const Predicate& predicate) const override {
        switch (predicate.kind) {
            case PredicateKind::eq:
                return binary_operator(writer, column, predicate, " = ", Sense::equality);
            case PredicateKind::ne:
                return binary_operator(writer, column, predicate, " <> ", Sense::equality);
            case PredicateKind::lt:
                return binary_operator(writer, column, predicate, " < ", Sense::order);
            case PredicateKind::gt:
                return binary_operator(writer, column, predicate, " > ", Sense::order);
            case PredicateKind::le:
                return binary_operator(writer, column, predicate, " <= ", Sense::order);
            case PredicateKind::ge:
                return binary_operator(writer, column, predicate, " >= ", Sense::order);
            case PredicateKind::between:
                binary_operator(writer, column, predicate, " BETWEEN ", Sense::order);
                writer.keyword(" AND ");
                return operand(writer, column, predicate.values.back(), Sense::order);
            case PredicateKind::in:
                return list(writer, column, predicate, " IN (");
            case PredicateKind::not_in:
                return list(writer, column, predicate, " NOT IN (");
            case PredicateKind::contains:
            case PredicateKind::starts_with:
            case PredicateKind::ends_with:
                writer.ident(column.name).keyword(" LIKE ");
                writer.param(schemas::Text{like_pattern(predicate.kind, predicate.values.front())}).keyword(" ESCAPE '!'");
                return;
            case PredicateKind::is_null:
                writer.ident(column.name).keyword(" IS NULL");
                return;
            case PredicateKind::is_not_null:
            case PredicateKind::any_value:
                writer.ident(column.name).keyword(" IS NOT NULL");
                return;
            case PredicateKind::never:
            case PredicateKind::key_in:  // keys() writes it
                writer.keyword("1 = 0");
                return;
        }
    }

    void keys(Writer& writer, std::span<const schemas::Column* const> key, std::span<const schemas::Value> values) const override {
        const std::size_t list_max = std::max<std::size_t>(kListValuesMax / key.size(), 1) * key.size();
        if (values.size() <= list_max) {
            return key_list(writer, key, values);
        }
        writer.keyword("(");
        for (std::size_t begin = 0; begin < values.size(); begin += list_max) {
            if (begin != 0) {
                writer.keyword(" OR ");
            }
            key_list(writer, key, values.subspan(begin, std::min(list_max, values.size() - begin)));
        }
        writer.keyword(")");
    }

    void selected(Writer& writer, const schemas::Column& column) const override {
        if (column.type.type_class == TypeClass::bit) {
            writer.ident(column.name).keyword(" + 0");
        } else if (is_temporal(column.type.type_class)) {
            // As text, for Connector/C++ makes one with printf: that takes longer than all else that it does for a row. As BINARY,
            // for ASCII it is, and a character set would cost the server as much again.
            writer.keyword("CAST(").ident(column.name).keyword(" AS BINARY)");
        } else if (column.type.type_class == TypeClass::geometry) {
            // Connector/C++ cannot fetch a geometry; these are its bytes, SRID and WKB, as an INSERT takes them.
            writer.keyword("CAST(").ident(column.name).keyword(" AS BINARY)");
        } else if (column.type.type_class == TypeClass::decimal && column.type.precision.value_or(kDecimalDigitsMax + 1) > kDecimalDigitsMax) {
            writer.keyword("CAST(").ident(column.name).keyword(" AS CHAR)");
        } else {
            writer.ident(column.name);
        }
        // Nobody asks for columns by name, but the driver folds, copies and sorts the names of every result. The empty one is no column's.
        writer.keyword(" AS ''");
    }

    void ordered(Writer& writer, const schemas::Column& column) const override { compared(writer, column, Sense::order); }

    void stored(Writer& writer, const schemas::Column&, const schemas::Value& value) const override {
        const auto* text = std::get_if<schemas::Text>(&value);
        if (text != nullptr && text->text.size() > kStringBytesMax) {
            writer.keyword("CONVERT(").param_in_place(value).keyword(" USING utf8mb4)");
        } else {
            writer.param_in_place(value);
        }
    }

    [[nodiscard]] bool has_default_keyword() const override { return true; }

    [[nodiscard]] bool proves_in_statement() const override { return true; }

    // Uncorrelated, so it runs once; after the statement has its metadata lock, so nobody can alter the table between this
    // answer and the write. Both constants let the server open this one table only. With a table gone it is NULL: no row.
    void freshness(Writer& writer, const schemas::Table& table) const override {
        writer.keyword(
            " AND (SELECT create_time FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = ");
        writer.param(schemas::Text{table.name.text()}).keyword(") = CAST(");
        writer.param(schemas::Text{table.version.token}).keyword(" AS DATETIME)");
    }

    // Integers only. One with ZEROFILL has another text.
    [[nodiscard]] bool tells_meaning(const schemas::Column& column, const Predicate& predicate) const override {
        const bool is_integer = column.type.type_class == TypeClass::integer || column.type.type_class == TypeClass::boolean;
        return predicate.kind == PredicateKind::eq && is_integer && column.type.declared.find("zerofill") == std::string::npos &&
               integer_text(predicate.values.front());
    }

    // A row that equals an integer, is of a numeric type (5: numeric or temporal) and reads as just these digits is the one that
    // was meant, whatever the column is by now: no text (`'10abc' = 10`), bytes, bits, ENUM, date or fraction passes all three.
    void meaning(Writer& writer, const schemas::Column& column, const Predicate& predicate) const override {
        writer.keyword(" AND COERCIBILITY(").ident(column.name).keyword(") = 5 AND CAST(").ident(column.name).keyword(" AS BINARY) = ");
        writer.param(schemas::Text{integer_text(predicate.values.front()).value_or(std::string())});
    }

    void row_digest(Writer& writer, const schemas::Table& table, const schemas::Text& salt) const override {
        write_row_digest(writer, table, salt);
    }
    void set_digest(Writer& writer) const override { write_set_digest(writer); }

    void verbatim(Writer& writer, const schemas::Column& column) const override {
        writer.keyword("CAST(CONVERT(").ident(column.name).keyword(" USING utf8mb4) AS BINARY)");
    }
    void verbatim(Writer& writer, const schemas::Text& value) const override { writer.keyword("CAST(").param(value).keyword(" AS BINARY)"); }

    void locking(Writer& writer) const override { writer.keyword(" FOR UPDATE"); }

    // The protocol's limit.
    [[nodiscard]] std::size_t placeholders_max() const override { return 65535; }
    [[nodiscard]] std::size_t insert_rows_max() const override { return 256; }
};

}  // namespace

const render::Dialect& dialect() {
    static const MysqlDialect kDialect;
    return kDialect;
}

}  // namespace sql::mysql
