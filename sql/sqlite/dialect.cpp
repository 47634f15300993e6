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

// As sql/mysql names it.
constexpr render::SqlLiteral kDigest("\"digest of a row, by a name that is too long for a column of a table\"");

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
            case PredicateKind::key_in:  // keys() writes it
                writer.keyword("1 = 0");
                return;
        }
    }

    // Rows of values, not terms joined with OR, of which an expression may hold 1,000. Measured with 3.40: rows of VALUES alone are
    // compared with every row of the table; selected from, they are looked up in the index.
    void keys(Writer& writer, std::span<const schemas::Column* const> key, std::span<const schemas::Value> values) const override {
        for (const schemas::Column* const column : key) {
            open_guard(writer, *column);
        }
        const bool is_composite = key.size() > 1;
        if (is_composite) {
            writer.keyword("(");
        }
        for (std::size_t part = 0; part < key.size(); ++part) {
            if (part != 0) {
                writer.keyword(", ");
            }
            compared(writer, *key[part]);
        }
        if (is_composite) {
            writer.keyword(") IN (SELECT * FROM (VALUES (");
        } else {
            writer.keyword(" IN (");
        }
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (i != 0 && is_composite && i % key.size() == 0) {
                writer.keyword("), (");
            } else if (i != 0) {
                writer.keyword(", ");
            }
            writer.param(values[i]);
        }
        writer.keyword(")");
        if (is_composite) {
            writer.keyword("))");
        }
        for (std::size_t part = 0; part < key.size(); ++part) {
            writer.keyword(")");
        }
    }

    // No guard and no function: a cell equals itself, whatever it holds.
    void cells(Writer& writer, std::span<const schemas::Column* const> columns, std::span<const schemas::Value> values) const override {
        writer.keyword("(");
        for (std::size_t part = 0; part < columns.size(); ++part) {
            if (part != 0) {
                writer.keyword(", ");
            }
            writer.ident(columns[part]->name);
        }
        const bool is_composite = columns.size() > 1;
        if (is_composite) {
            writer.keyword(") IN (SELECT * FROM (VALUES (");
        } else {
            writer.keyword(") IN (VALUES (");
        }
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (i != 0) {
                writer.keyword(i % columns.size() == 0 ? render::SqlLiteral("), (") : render::SqlLiteral(", "));
            }
            writer.param(values[i]);
        }
        writer.keyword("))");
        if (is_composite) {
            writer.keyword(")");
        }
    }
    [[nodiscard]] bool finds_before_writing() const override { return true; }
    [[nodiscard]] render::CascadeRules cascade_rules() const override {
        return {.no_action_waits = true, .updates_a_table_once = false, .compares_as_columns = false, .null_may_be_refused = true, .depth_max = 1000};
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

    void verbatim(Writer& writer, const schemas::Column& column) const override {
        writer.keyword("CAST(").ident(column.name).keyword(" AS BLOB)");
    }
    void verbatim(Writer& writer, const schemas::Text& value) const override { writer.keyword("CAST(").param(value).keyword(" AS BLOB)"); }

    // A function takes a hundred columns; of more, it takes the digests of a hundred each.
    void row_digest(Writer& writer, const schemas::Table& table, const schemas::Text& salt) const override {
        constexpr std::size_t kArguments = 100;
        const bool is_wide = table.columns.size() > kArguments;
        writer.keyword("rowgate_row_digest(").param(salt);
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
            if (is_wide && i % kArguments == 0) {
                writer.keyword(i == 0 ? render::SqlLiteral(", rowgate_row_digest(") : render::SqlLiteral("), rowgate_row_digest(")).param(salt);
            }
            writer.keyword(", ").ident(table.columns[i].name);
        }
        writer.keyword(is_wide ? render::SqlLiteral("))") : render::SqlLiteral(")")).keyword(" AS ").keyword(kDigest);
    }
    void set_digest(Writer& writer) const override { writer.keyword("rowgate_set_digest(").keyword(kDigest).keyword(")"); }

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
