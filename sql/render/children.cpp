#include "sql/render/children.h"

#include "sql/render/keys.h"
#include "sql/render/where.h"

namespace sql::render {
namespace {

// `rowgate_1`, which no child's column is called: the statement would be refused.
void write_alias(Writer& writer, std::size_t part) { writer.keyword("rowgate_").number(part); }

void write_names(Writer& writer, const schemas::Table& table, std::span<const std::size_t> columns) {
    for (std::size_t part = 0; part < columns.size(); ++part) {
        if (part != 0) {
            writer.keyword(", ");
        }
        writer.ident(table.columns[columns[part]].name);
    }
}

}  // namespace

std::optional<Statement> render_count_of_children(const plan::DeletePlan& plan, std::span<const Children> steps, const Dialect& dialect,
                                                  bool locks) {
    if (!split_keys(plan.where, plan.one_of, dialect.placeholders_max(), *plan.table).empty()) {
        return std::nullopt;
    }
    Writer writer(dialect.quote());
    writer.keyword("SELECT COUNT(*)");
    for (std::size_t i = steps.size(); i-- > 0;) {
        writer.keyword(" FROM ").ident(steps[i].child.name).keyword(" WHERE (");
        write_names(writer, steps[i].child, steps[i].child_columns);
        writer.keyword(") IN (SELECT ");
        write_names(writer, steps[i].parent, steps[i].parent_columns);
    }
    writer.keyword(" FROM ").ident(plan.table->name);
    write_where(writer, dialect, *plan.table, plan.where, plan.one_of);
    for (std::size_t i = 0; i < steps.size(); ++i) {
        writer.keyword(")");
    }
    if (locks) {
        dialect.locking(writer);
    }
    return std::move(writer).finish();
}

Statement render_children(const Children& step, const Dialect& dialect, std::span<const schemas::Value> values) {
    Writer writer(dialect.quote());
    writer.keyword("SELECT ");
    // Rows without a primary key may be alike: of those no number is known.
    if (!step.is_parent_unique && step.child.primary_key) {
        writer.keyword("DISTINCT ");
    }
    for (std::size_t i = 0; i < step.selected.size(); ++i) {
        if (i != 0) {
            writer.keyword(", ");
        }
        dialect.selected(writer, step.child.columns[step.selected[i]]);
    }
    writer.keyword(" FROM (SELECT ");
    std::vector<const schemas::Column*> referred;
    for (std::size_t part = 0; part < step.parent_columns.size(); ++part) {
        const schemas::Column& column = step.parent.columns[step.parent_columns[part]];
        referred.push_back(&column);
        if (part != 0) {
            writer.keyword(", ");
        }
        writer.ident(column.name).keyword(" AS ");
        write_alias(writer, part);
    }
    writer.keyword(" FROM ").ident(step.parent.name).keyword(" WHERE ");
    dialect.cells(writer, referred, values);
    writer.keyword(") AS rowgate_parent JOIN ").ident(step.child.name).keyword(" ON ");
    for (std::size_t part = 0; part < step.parent_columns.size(); ++part) {
        if (part != 0) {
            writer.keyword(" AND ");
        }
        write_alias(writer, part);
        writer.keyword(" = ").ident(step.child.columns[step.child_columns[part]].name);
    }
    dialect.locking(writer);
    return std::move(writer).finish();
}

}  // namespace sql::render
