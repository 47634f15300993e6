#include "sql/render/where.h"

#include "sql/render/keys.h"

namespace sql::render {
namespace {

void write_all(Writer& writer, const Dialect& dialect, const schemas::Table& table, const std::vector<plan::Predicate>& predicates) {
    bool is_first = true;
    for (const plan::Predicate& predicate : predicates) {
        if (!is_first) {
            writer.keyword(" AND ");
        }
        is_first = false;
        if (predicate.kind == plan::PredicateKind::key_in) {
            write_key_list(writer, dialect, table, predicate.values);
        } else {
            dialect.predicate(writer, table.columns[predicate.column], predicate);
        }
    }
}

// Without the AND in front.
void write_filters(Writer& writer, const Dialect& dialect, const schemas::Table& table, const plan::RowFilters& one_of) {
    if (one_of.size() == 1) {
        write_all(writer, dialect, table, one_of.front());
        return;
    }
    bool is_first = true;
    for (const std::vector<plan::Predicate>& filter : one_of) {
        if (is_first) {
            writer.keyword("((");
        } else {
            writer.keyword(" OR (");
        }
        is_first = false;
        write_all(writer, dialect, table, filter);
        writer.keyword(")");
    }
    writer.keyword(")");
}

}  // namespace

void write_row_filters(Writer& writer, const Dialect& dialect, const schemas::Table& table, const plan::RowFilters& one_of) {
    if (!one_of.empty()) {
        writer.keyword(" AND ");
        write_filters(writer, dialect, table, one_of);
    }
}

void write_where(Writer& writer, const Dialect& dialect, const schemas::Table& table, const std::vector<plan::Predicate>& where,
                 const plan::RowFilters& one_of) {
    if (where.empty()) {
        if (!one_of.empty()) {
            writer.keyword(" WHERE ");
            write_filters(writer, dialect, table, one_of);
        }
        return;
    }
    writer.keyword(" WHERE ");
    write_all(writer, dialect, table, where);
    write_row_filters(writer, dialect, table, one_of);
}

}  // namespace sql::render
