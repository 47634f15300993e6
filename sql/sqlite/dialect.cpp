#include "sql/sqlite/dialect.h"

namespace sql::sqlite {
namespace {

using plan::Predicate;
using plan::PredicateKind;
using render::Writer;
using schemas::TypeClass;

// `(typeof(c) = <the storage class of the declared type> AND `, to be closed with a parenthesis. A column's affinity does not
// keep other classes out, and SQLite sorts any text above every number.
void open_guard(Writer& writer, const schemas::Column& column) {
    writer.keyword("(typeof(").ident(column.name).keyword(")");
    switch (column.type.type_class) {
        case TypeClass::integer:
        case TypeClass::boolean:
        case TypeClass::bit:
        case TypeClass::year:
            writer.keyword(" = 'integer'");
            break;
        case TypeClass::decimal:
            writer.keyword(" IN ('integer', 'real')");
            break;
        case TypeClass::float32:
        case TypeClass::float64:
            writer.keyword(" = 'real'");
            break;
        case TypeClass::date:
            // Text sorts as dates do in the one form that we write; a cell in another is not compared.
            writer.keyword(" = 'text' AND length(").ident(column.name).keyword(") = 10");
            break;
        case TypeClass::datetime:
        case TypeClass::timestamp:
            writer.keyword(" = 'text' AND length(").ident(column.name).keyword(") IN (19, 26) AND substr(").ident(column.name);
            writer.keyword(", 11, 1) = ' ' AND substr(").ident(column.name).keyword(", 20) <> '.000000'");
            break;
        case TypeClass::time:
        case TypeClass::uuid:
        case TypeClass::inet4:
        case TypeClass::inet6:
        case TypeClass::enumeration:
        case TypeClass::set:
        case TypeClass::text:
        case TypeClass::json:
            writer.keyword(" = 'text'");
            break;
        case TypeClass::binary:
        case TypeClass::geometry:
        case TypeClass::unsupported:
            writer.keyword(" = 'blob'");
            break;
    }
    writer.keyword(" AND ");
}

// What is compared: the cell, or for types whose storage is not their order what the cell means.
void compared(Writer& writer, const schemas::Column& column) {
    if (column.type.type_class == TypeClass::float32) {
        writer.keyword("rowgate_float32(").ident(column.name).keyword(")");
    } else if (column.type.type_class == TypeClass::time) {
        writer.keyword("rowgate_time(").ident(column.name).keyword(")");
    } else {
        writer.ident(column.name);
    }
}

void binary_operator(Writer& writer, const schemas::Column& column, const Predicate& predicate, render::SqlLiteral text) {
    open_guard(writer, column);
    compared(writer, column);
    writer.keyword(text).param(predicate.values.front()).keyword(")");
}

void between(Writer& writer, const schemas::Column& column, const Predicate& predicate) {
    open_guard(writer, column);
    compared(writer, column);
    writer.keyword(" BETWEEN ").param(predicate.values.front());
    writer.keyword(" AND ").param(predicate.values.back()).keyword(")");
}

void list(Writer& writer, const schemas::Column& column, const Predicate& predicate, render::SqlLiteral text) {
    open_guard(writer, column);
    compared(writer, column);
    writer.keyword(text);
    bool is_first = true;
    for (const schemas::Value& value : predicate.values) {
        if (!is_first) {
            writer.keyword(", ");
        }
        is_first = false;
        writer.param(value);
    }
    writer.keyword("))");
}

std::string like_prefix(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '!' || c == '%' || c == '_') {
            out += '!';
        }
        out += c;
    }
    return out + '%';
}

std::string glob_prefix(const std::string& text) {
    std::string out;
    for (const char c : text) {
        if (c == '*' || c == '?' || c == '[') {
            out += '[';
            out += c;
            out += ']';
        } else {
            out += c;
        }
    }
    return out + '*';
}

// LIKE and GLOB stop at a NUL in the cell: "ab\0c" would end with "ab". Only a beginning may be asked of them, and they can use
// an index for it. NOCASE folds ASCII letters, as do LIKE and lower().
void pattern(Writer& writer, const schemas::Column& column, const Predicate& predicate) {
    const schemas::Value& value = predicate.values.front();
    const std::string& text = std::get<schemas::Text>(value).text;
    const bool folds_case = column.type.collation == "NOCASE";
    open_guard(writer, column);
    if (predicate.kind == PredicateKind::starts_with) {
        writer.ident(column.name);
        if (folds_case) {
            writer.keyword(" LIKE ").param(schemas::Text{like_prefix(text)}).keyword(" ESCAPE '!')");
        } else {
            writer.keyword(" GLOB ").param(schemas::Text{glob_prefix(text)}).keyword(")");
        }
    } else if (predicate.kind == PredicateKind::contains) {
        if (folds_case) {
            writer.keyword("instr(lower(").ident(column.name).keyword("), lower(").param(value).keyword(")) > 0)");
        } else {
            writer.keyword("instr(").ident(column.name).keyword(", ").param(value).keyword(") > 0)");
        }
    } else {
        // Bytes: length() and substr() of text would stop at a NUL too.
        if (folds_case) {
            writer.keyword("substr(CAST(lower(").ident(column.name).keyword(") AS BLOB), -length(CAST(").param(value);
            writer.keyword(" AS BLOB))) = CAST(lower(").param(value).keyword(") AS BLOB))");
        } else {
            writer.keyword("substr(CAST(").ident(column.name).keyword(" AS BLOB), -length(CAST(").param(value);
            writer.keyword(" AS BLOB))) = CAST(").param(value).keyword(" AS BLOB))");
        }
    }
}

class SqliteDialect final : public render::Dialect {
public:
    [[nodiscard]] render::Quote quote() const override { return render::Quote::double_quote; }

    void predicate(Writer& writer, const schemas::Column& column, const Predicate& predicate) const override {
        switch (predicate.kind) {
            case PredicateKind::eq:
                return binary_operator(writer, column, predicate, " = ");
            case PredicateKind::ne:
                return binary_operator(writer, column, predicate, " <> ");
            case PredicateKind::lt:
                return binary_operator(writer, column, predicate, " < ");
            case PredicateKind::gt:
                return binary_operator(writer, column, predicate, " > ");
            case PredicateKind::le:
                return binary_operator(writer, column, predicate, " <= ");
            case PredicateKind::ge:
                return binary_operator(writer, column, predicate, " >= ");
            case PredicateKind::between:
                return between(writer, column, predicate);
            case PredicateKind::in:
                return list(writer, column, predicate, " IN (");
            case PredicateKind::not_in:
                return list(writer, column, predicate, " NOT IN (");
            case PredicateKind::contains:
            case PredicateKind::starts_with:
            case PredicateKind::ends_with:
                return pattern(writer, column, predicate);
            case PredicateKind::is_null:
                writer.ident(column.name).keyword(" IS NULL");
                return;
            case PredicateKind::is_not_null:
                writer.ident(column.name).keyword(" IS NOT NULL");
                return;
            case PredicateKind::any_value:
                open_guard(writer, column);
                compared(writer, column);
                writer.keyword(" IS NOT NULL)");
                return;
            case PredicateKind::never:
                writer.keyword("1 = 0");
                return;
        }
    }

    void selected(Writer& writer, const schemas::Column& column) const override { writer.ident(column.name); }

    // A time's text is not in the order of times. Rounding to a float changes no order, and an index serves the bare column.
    void ordered(Writer& writer, const schemas::Column& column) const override {
        if (column.type.type_class == TypeClass::time) {
            compared(writer, column);
        } else {
            writer.ident(column.name);
        }
    }

    void stored(Writer& writer, const schemas::Column&, const schemas::Value& value) const override {
        writer.param_in_place(value);
    }

    [[nodiscard]] bool has_default_keyword() const override { return false; }

    // PRAGMA schema_version is asked inside the transaction instead: it cannot be part of a WHERE.
    [[nodiscard]] bool proves_in_statement() const override { return false; }
    void freshness(Writer&, const schemas::Table&) const override {}

    // Below Debian's 250,000; a statement with more is slow to compile and hardly faster to run.
    [[nodiscard]] std::size_t placeholders_max() const override { return 30000; }
    [[nodiscard]] std::size_t insert_rows_max() const override { return 256; }
};

}  // namespace

const render::Dialect& dialect() {
    static const SqliteDialect kDialect;
    return kDialect;
}

}  // namespace sql::sqlite
