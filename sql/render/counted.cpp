#include "sql/render/counted.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "sql/render/check.h"
#include "sql/render/keys.h"
#include "sql/render/set_digest.h"
#include "sql/render/where.h"

namespace sql::render {
namespace {

// Each fits the next whole number of times: any number of keys takes few statements of few shapes.
constexpr std::size_t kKeyCounts[] = {900, 100, 10, 1};

std::int64_t signed_count(std::uint64_t count) {
    return static_cast<std::int64_t>(std::min<std::uint64_t>(count, std::numeric_limits<std::int64_t>::max()));
}

// An update or a delete, whichever: what both have.
struct Write {
    const schemas::Table& table;
    const std::vector<plan::Predicate>& where;
    const plan::RowFilters& one_of;
    const plan::Precautions& precautions;
    const std::vector<plan::Assignment>* assignments;  // null: a delete
};

Write write_of(const plan::Plan& plan) {
    if (const auto* const update = std::get_if<plan::UpdatePlan>(&plan)) {
        return {*update->table, update->where, update->one_of, update->precautions, &update->assignments};
    }
    const auto& erase = std::get<plan::DeletePlan>(plan);
    return {*erase.table, erase.where, erase.one_of, erase.precautions, nullptr};
}

// The conditions of each statement.
std::vector<std::vector<plan::Predicate>> parts_of(const Write& write, const Dialect& dialect) {
    auto parts = split_keys(write.where, write.one_of, dialect.placeholders_max(), write.table);
    if (parts.empty()) {
        parts.push_back(write.where);
    }
    return parts;
}

void write_order(Writer& writer, const Dialect& dialect, const Write& write) {
    const std::vector<plan::Order>& order = write.precautions.order;
    for (std::size_t i = 0; i < order.size(); ++i) {
        if (i == 0) {
            writer.keyword(" ORDER BY ");
        } else {
            writer.keyword(", ");
        }
        dialect.ordered(writer, write.table.columns[order[i].column]);
        if (order[i].direction == plan::Direction::descending) {
            writer.keyword(" DESC");
        }
    }
}

void write_limit(Writer& writer, const std::optional<std::uint64_t>& a, const std::optional<std::uint64_t>& b) {
    if (a || b) {
        constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();
        writer.keyword(" LIMIT ").param(signed_count(std::min(a.value_or(kNone), b.value_or(kNone))));
    }
}

void write_selected(Writer& writer, const Dialect& dialect, const schemas::Table& table, std::span<const std::size_t> columns) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (i != 0) {
            writer.keyword(", ");
        }
        dialect.selected(writer, table.columns[columns[i]]);
    }
    if (columns.empty()) {
        writer.keyword("1");
    }
}

void write_verb(Writer& writer, const Dialect& dialect, const Write& write) {
    if (write.assignments == nullptr) {
        writer.keyword("DELETE FROM ").ident(write.table.name);
        return;
    }
    writer.keyword("UPDATE ").ident(write.table.name).keyword(" SET ");
    bool is_first = true;
    for (const plan::Assignment& assignment : *write.assignments) {
        if (!is_first) {
            writer.keyword(", ");
        }
        is_first = false;
        const schemas::Column& column = write.table.columns[assignment.column];
        writer.ident(column.name).keyword(" = ");
        dialect.stored(writer, column, assignment.value);
    }
}

// What tells one row of an ordered set from another: the primary key, or the unique key by which the order is total. What else the
// order names may be NULL, which equals nothing.
std::vector<std::size_t> telling_columns(const Write& write) {
    if (write.table.primary_key) {
        return write.table.primary_key->columns;
    }
    const std::vector<plan::Order>& order = write.precautions.order;
    const auto is_told = [&](std::size_t column) {
        return !write.table.columns[column].is_nullable &&
               std::any_of(order.begin(), order.end(), [column](const plan::Order& term) { return term.column == column; });
    };
    const auto tells = [&](const schemas::Key& key) { return !key.columns.empty() && std::all_of(key.columns.begin(), key.columns.end(), is_told); };
    const auto found = std::find_if(write.table.unique_keys.begin(), write.table.unique_keys.end(), tells);
    if (found != write.table.unique_keys.end()) {
        return found->columns;
    }
    std::vector<std::size_t> columns;
    for (const plan::Order& term : order) {
        columns.push_back(term.column);
    }
    return columns;
}

void write_names(Writer& writer, const schemas::Table& table, std::span<const std::size_t> columns) {
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (i != 0) {
            writer.keyword(", ");
        }
        writer.ident(table.columns[columns[i]].name);
    }
}

// ` WHERE (a, b) IN (SELECT a, b FROM t WHERE … ORDER BY … LIMIT …)`
void write_page(Writer& writer, const Dialect& dialect, const Write& write, const std::vector<plan::Predicate>& where) {
    const std::vector<std::size_t> columns = telling_columns(write);
    writer.keyword(" WHERE (");
    write_names(writer, write.table, columns);
    writer.keyword(") IN (SELECT ");
    write_names(writer, write.table, columns);
    writer.keyword(" FROM ").ident(write.table.name);
    write_where(writer, dialect, write.table, where, write.one_of);
    write_order(writer, dialect, write);
    write_limit(writer, write.precautions.limit, std::nullopt);
    writer.keyword(")");
}

// One statement for each share of the keys; `write` writes what stands in front of the keys' condition, `end` what stands behind it.
template <typename Begin, typename End>
std::vector<Statement> by_keys(const schemas::Table& table, const Dialect& dialect, std::span<const schemas::Value> keys, Begin begin, End end) {
    const std::vector<const schemas::Column*> columns = key_columns(table);
    std::vector<Statement> statements;
    for (const std::size_t count : kKeyCounts) {
        while (!columns.empty() && keys.size() >= count * columns.size()) {
            Writer writer(dialect.quote());
            begin(writer);
            writer.keyword(" WHERE ");
            dialect.cells(writer, columns, keys.first(count * columns.size()));
            end(writer);
            statements.push_back(std::move(writer).finish());
            keys = keys.subspan(count * columns.size());
        }
    }
    return statements;
}

// Bytes are compared, and nothing else: no other text is equal.
constexpr std::string_view kBytewise = "BINARY";

// A column that a condition names by texts: eq, in, or a part of it; of a condition on keys, every `step`th value from `first` on.
struct NamedText {
    std::size_t column = 0;
    plan::PredicateKind kind = plan::PredicateKind::in;
    std::span<const schemas::Value> values;
    std::size_t first = 0;
    std::size_t step = 1;
};

std::vector<NamedText> named_texts(const schemas::Table& table, const std::vector<plan::Predicate>& where) {
    using plan::PredicateKind;
    std::vector<NamedText> found;
    for (const plan::Predicate& predicate : where) {
        switch (predicate.kind) {
            case PredicateKind::eq: found.push_back({predicate.column, PredicateKind::in, predicate.values}); break;
            case PredicateKind::in:
            case PredicateKind::contains:
            case PredicateKind::starts_with:
            case PredicateKind::ends_with: found.push_back({predicate.column, predicate.kind, predicate.values}); break;
            case PredicateKind::key_in:
                for (std::size_t part = 0; part < table.primary_key->columns.size(); ++part) {
                    found.push_back({table.primary_key->columns[part], PredicateKind::in, predicate.values, part, table.primary_key->columns.size()});
                }
                break;
            default: break;  // names no text, or an order
        }
    }
    std::erase_if(found, [&](const NamedText& one) {
        const schemas::Type& type = table.columns[one.column].type;
        return type.type_class != schemas::TypeClass::text || type.collation == kBytewise;
    });
    return found;
}

std::vector<std::size_t> columns_of(const std::vector<NamedText>& texts) {
    std::vector<std::size_t> columns;
    for (const NamedText& one : texts) {
        if (std::find(columns.begin(), columns.end(), one.column) == columns.end()) {
            columns.push_back(one.column);
        }
    }
    return columns;
}

// The cell is just what the condition says.
void write_exact(Writer& writer, const Dialect& dialect, const schemas::Column& column, const NamedText& named) {
    const auto text = [&](std::size_t at) { dialect.verbatim(writer, std::get<schemas::Text>(named.values[at])); };
    switch (named.kind) {
        case plan::PredicateKind::contains:
            writer.keyword("INSTR(");
            dialect.verbatim(writer, column);
            writer.keyword(", ");
            text(0);
            writer.keyword(") > 0");
            return;
        case plan::PredicateKind::starts_with:
        case plan::PredicateKind::ends_with:
            writer.keyword("SUBSTR(");
            dialect.verbatim(writer, column);
            writer.keyword(named.kind == plan::PredicateKind::starts_with ? SqlLiteral(", 1, LENGTH(") : SqlLiteral(", -LENGTH("));
            text(0);
            writer.keyword(")) = ");
            return text(0);
        default:
            dialect.verbatim(writer, column);
            writer.keyword(" IN (");
            for (std::size_t at = named.first; at < named.values.size(); at += named.step) {
                if (at != named.first) {
                    writer.keyword(", ");
                }
                text(at);
            }
            writer.keyword(")");
    }
}

// At most: a value that is no key's may stand twice in a condition, and a text twice beside it.
std::size_t count_placeholders(const std::vector<plan::Predicate>& where, const plan::RowFilters& one_of, const std::vector<NamedText>& texts) {
    constexpr std::size_t kBeside = 16;
    std::size_t count = kBeside;
    const auto add = [&](const std::vector<plan::Predicate>& some) {
        for (const plan::Predicate& predicate : some) {
            count += predicate.values.size() * (predicate.kind == plan::PredicateKind::key_in ? 1 : 2);
        }
    };
    add(where);
    std::for_each(one_of.begin(), one_of.end(), add);
    for (const NamedText& named : texts) {
        count += named.values.size() / named.step * (named.kind == plan::PredicateKind::in ? 1 : 2);
    }
    return count;
}

}  // namespace

std::vector<std::size_t> loosely_matched_columns(const plan::Plan& plan) {
    const Write write = write_of(plan);
    return columns_of(named_texts(write.table, write.where));
}

std::vector<Statement> render_loose_matches(const plan::Plan& plan, const Dialect& dialect) {
    const Write write = write_of(plan);
    std::vector<Statement> statements;
    for (const std::vector<plan::Predicate>& where : parts_of(write, dialect)) {
        const std::vector<NamedText> texts = named_texts(write.table, where);
        if (texts.empty() || count_placeholders(where, write.one_of, texts) > dialect.placeholders_max()) {
            return {};
        }
        const std::vector<std::size_t> columns = columns_of(texts);
        Writer writer(dialect.quote());
        writer.keyword("SELECT ");
        for (const std::size_t column : columns) {
            writer.keyword(column == columns.front() ? SqlLiteral("COUNT(CASE WHEN ") : SqlLiteral(", COUNT(CASE WHEN "));
            bool is_first = true;
            for (const NamedText& named : texts) {
                if (named.column == column) {
                    writer.keyword(is_first ? SqlLiteral("") : SqlLiteral(" AND "));
                    is_first = false;
                    write_exact(writer, dialect, write.table.columns[column], named);
                }
            }
            writer.keyword(" THEN NULL ELSE 1 END)");
        }
        writer.keyword(" FROM (SELECT ");
        write_names(writer, write.table, columns);
        writer.keyword(" FROM ").ident(write.table.name);
        write_where(writer, dialect, write.table, where, write.one_of);
        write_order(writer, dialect, write);
        write_limit(writer, write.precautions.limit, std::nullopt);
        dialect.locking(writer);
        writer.keyword(") AS rows_of_the_set");
        statements.push_back(std::move(writer).finish());
    }
    return statements;
}

std::optional<std::uint64_t> rows_sought(const plan::Precautions& precautions) {
    if (!precautions.set_max || precautions.set_max->rows == std::numeric_limits<std::uint64_t>::max()) {
        return std::nullopt;
    }
    return precautions.set_max->rows + 1;
}

std::vector<Statement> render_find(const plan::Plan& plan, const Dialect& dialect, std::span<const std::size_t> columns,
                                   std::optional<std::uint64_t> rows_max) {
    const Write write = write_of(plan);
    std::vector<Statement> statements;
    for (const std::vector<plan::Predicate>& where : parts_of(write, dialect)) {
        Writer writer(dialect.quote());
        writer.keyword("SELECT ");
        write_selected(writer, dialect, write.table, columns);
        writer.keyword(" FROM ").ident(write.table.name);
        write_where(writer, dialect, write.table, where, write.one_of);
        write_order(writer, dialect, write);
        write_limit(writer, write.precautions.limit, rows_max);
        dialect.locking(writer);
        statements.push_back(std::move(writer).finish());
    }
    return statements;
}

std::vector<Statement> render_count(const plan::Plan& plan, const Dialect& dialect) {
    const Write write = write_of(plan);
    std::vector<Statement> statements;
    for (const std::vector<plan::Predicate>& where : parts_of(write, dialect)) {
        Writer writer(dialect.quote());
        writer.keyword("SELECT COUNT(*) FROM (SELECT 1 FROM ").ident(write.table.name);
        write_where(writer, dialect, write.table, where, write.one_of);
        // Which rows they are does not matter to their number.
        write_limit(writer, write.precautions.limit, std::nullopt);
        writer.keyword(") AS rows_of_the_set");
        statements.push_back(std::move(writer).finish());
    }
    return statements;
}

std::vector<Statement> render_digests(const plan::Plan& plan, const Dialect& dialect, const schemas::Text& salt, std::uint64_t rows_max) {
    const Write write = write_of(plan);
    const std::uint64_t limit = std::min(rows_max, write.precautions.limit.value_or(rows_max));
    std::vector<Statement> statements;
    for (const std::vector<plan::Predicate>& where : parts_of(write, dialect)) {
        RowSet set{write.table, where, write.one_of, {}, limit};
        if (write.precautions.limit) {
            set.order = write.precautions.order;
        }
        statements.push_back(render_set_digest(set, dialect, salt));
    }
    return statements;
}

std::vector<Statement> render_write_by_keys(const plan::Plan& plan, const Dialect& dialect, std::span<const schemas::Value> keys) {
    const Write write = write_of(plan);
    return by_keys(write.table, dialect, keys, [&](Writer& writer) { write_verb(writer, dialect, write); }, [](Writer&) {});
}

std::vector<Statement> render_write_by_condition(const plan::Plan& plan, const Dialect& dialect) {
    const Write write = write_of(plan);
    std::vector<Statement> statements;
    for (const std::vector<plan::Predicate>& where : parts_of(write, dialect)) {
        Writer writer(dialect.quote());
        write_verb(writer, dialect, write);
        if (!write.precautions.limit) {
            write_where(writer, dialect, write.table, where, write.one_of);
        } else if (dialect.finds_before_writing()) {
            write_page(writer, dialect, write, where);
        } else {
            write_where(writer, dialect, write.table, where, write.one_of);
            write_order(writer, dialect, write);
            write_limit(writer, write.precautions.limit, std::nullopt);
        }
        statements.push_back(std::move(writer).finish());
    }
    return statements;
}

std::vector<Statement> render_rows_by_keys(const plan::ReadPlan& plan, const Dialect& dialect, std::span<const schemas::Value> keys) {
    const schemas::Table& table = *plan.table;
    std::vector<std::size_t> columns = table.primary_key ? table.primary_key->columns : std::vector<std::size_t>();
    columns.insert(columns.end(), plan.columns.begin(), plan.columns.end());
    return by_keys(
        table, dialect, keys,
        [&](Writer& writer) {
            writer.keyword("SELECT ");
            write_selected(writer, dialect, table, columns);
            writer.keyword(" FROM ").ident(table.name);
        },
        [&](Writer& writer) {
            write_row_filters(writer, dialect, table, plan.one_of);
            dialect.locking(writer);
        });
}

std::vector<Statement> render_cells_by_keys(const schemas::Table& table, const Dialect& dialect, std::span<const std::size_t> columns,
                                            std::span<const schemas::Value> keys) {
    return by_keys(
        table, dialect, keys,
        [&](Writer& writer) {
            writer.keyword("SELECT ");
            write_selected(writer, dialect, table, columns);
            writer.keyword(" FROM ").ident(table.name);
        },
        [&](Writer& writer) { dialect.locking(writer); });
}

std::vector<Statement> render_keys_left(const schemas::Table& table, const Dialect& dialect, std::span<const schemas::Value> keys) {
    return by_keys(
        table, dialect, keys,
        [&](Writer& writer) {
            writer.keyword("SELECT ");
            write_key(writer, dialect, table);
            writer.keyword(" FROM ").ident(table.name);
        },
        [&](Writer& writer) { dialect.locking(writer); });
}

}  // namespace sql::render
